"""Reports as JUnit XML, in the dialect that Jenkins, GitLab and pytest share (junit-10.xsd of the xUnit
plugin)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tsharness.report.document import Problem, Run
from tsharness.report.outline import Item, Outline, outlines
from tsharness.report.xml_text import legal
from tsharness.verdict import Verdict


def to_junit(run: Run) -> str:
    """A suite for each report, a case for each of its checks, cases and limits."""
    suites = [_suite(one, run) for one in outlines(run)]
    suites += [_problem(problem, run) for problem in run.errors]
    root = ET.Element("testsuites", name="tsharness")
    root.extend(suites)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in suites):.6f}")
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(one: Outline, run: Run) -> ET.Element:
    suite = _element(f"{one.kind} {one.name}", one.seconds, run)
    properties = ET.SubElement(suite, "properties")
    for label, text in one.facts:
        ET.SubElement(properties, "property", name=legal(label), value=legal(text))
    for item in one.items:
        suite.append(_case(item, one.name))
    ET.SubElement(suite, "system-out").text = legal("\n".join(one.lines))
    return _counted(suite)


def _problem(problem: Problem, run: Run) -> ET.Element:
    suite = _element(f"{run.command} {problem.path}", 0.0, run)
    said = problem.message.splitlines()[0] if problem.message else ""
    suite.append(_case(Item("run", "report", Verdict.ERROR, said, (problem.message,)), problem.path))
    return _counted(suite)


def _element(name: str, seconds: float, run: Run) -> ET.Element:
    suite = ET.Element("testsuite", name=legal(name), time=f"{seconds:.6f}")
    if run.created:
        suite.set("timestamp", run.created.removesuffix("Z"))
    return suite


def _counted(suite: ET.Element) -> ET.Element:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for plural, name in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(plural, str(len(suite.findall(f"testcase/{name}"))))
    return suite


def _case(item: Item, path: str) -> ET.Element:
    """What cannot be told is an error: a gate must not be green because nobody could look."""
    case = ET.Element(
        "testcase",
        classname=legal(f"{path}.{item.group}"),
        name=legal(item.name),
        time=f"{item.seconds or 0.0:.6f}",
    )
    if item.verdict is Verdict.SKIPPED:
        ET.SubElement(case, "skipped", message=legal(item.said))
    elif item.verdict is not Verdict.PASS:
        tag = "failure" if item.verdict is Verdict.FAIL else "error"
        made = ET.SubElement(case, tag, message=legal(item.said), type=item.verdict.value)
        made.text = legal("\n".join(item.lines))
    return case
