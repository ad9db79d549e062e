"""What a run leaves: one document, and what is drawn of it."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import cmarkgfm
import jsonschema
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT, tsharness
from tsharness.errors import UsageError
from tsharness.report.annotations import command
from tsharness.report.document import Problem, Run, joined, read_run
from tsharness.report.junit import to_junit
from tsharness.report.markdown import to_markdown
from tsharness.report.model import SCHEMA_VERSION
from tsharness.report.outline import outline
from tsharness.verdict import ExitCode

DATA = Path(__file__).parent / "data"
EARLIER = sorted(DATA.glob("*-v*.json"))


@pytest.fixture(scope="module")
def documents(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """One of each kind: what passes, what fails, and what has no report."""
    folder = tmp_path_factory.mktemp("documents")
    copy = Path(shutil.copy(models / "linear.pt", folder / "copy.pt"))
    wrong, right = models / "conditional_traced.pt", models / "linear.pt"
    commands = {
        "pass": ("verify", right, "--level", "quick"),
        "fail": ("verify", wrong),
        "several": ("verify", right, wrong, folder / "none.pt", "--level", "quick"),
        "bench": ("bench", right, "--case", "example", "--min-time", "0.2", "--sweep", "threads=1,2"),
        "compare": ("compare", right, copy, "--max-time", "2"),
        "inspect": ("inspect", right, wrong),
    }
    found = {}
    for name, arguments in commands.items():
        found[name] = folder / f"{name}.json"
        ran = tsharness(*arguments, "--json", found[name], cwd=models)
        assert found[name].exists(), ran.text
    return found


@pytest.fixture(scope="module")
def everything(documents: Mapping[str, Path]) -> Run:
    return joined([read_run(path) for path in documents.values()])


def test_the_schema_is_the_published_one_and_a_schema() -> None:
    for what in ("report", "suite"):
        ran = tsharness("schema", what)
        published = (ROOT / "docs" / f"{what}.schema.json").read_text()
        assert ran.out == published, "make docs"
        jsonschema.Draft202012Validator.check_schema(json.loads(published))
    assert tsharness("schema", "nothing").code == 2


def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text())
    return jsonschema.Draft202012Validator(schema)


def test_every_document_is_valid(documents: Mapping[str, Path]) -> None:
    for path in documents.values():
        _validator().validate(json.loads(path.read_text()))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: run.update(schema_version=SCHEMA_VERSION + 1),
        lambda run: run.pop("kind"),
        lambda run: run["reports"][0].pop("verdict"),
        lambda run: run["reports"][0]["checks"][0].update(verdict="fine"),
        lambda run: run["reports"][0]["cases"][0].update(seconds="1"),
        lambda run: run["reports"][0].update(exit_code=17),
    ],
)
def test_what_is_no_report_is_not_valid(documents: Mapping[str, Path], spoil: Any) -> None:
    run = json.loads(documents["pass"].read_text())
    spoil(run)
    assert list(_validator().iter_errors(run))


def test_a_document_is_read_as_it_was_written(everything: Run) -> None:
    kinds = {
        report.kind if hasattr(report, "proves") else type(report).__name__ for report in everything.reports
    }
    assert len(kinds) == 4
    assert Run.from_dict(json.loads(json.dumps(everything.to_dict()))) == everything


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.stem)
def test_documents_of_earlier_versions_are_read(path: Path, tmp_path: Path) -> None:
    run = read_run(path)
    assert len(run.reports) == 1
    page, markdown = tmp_path / "page.html", tmp_path / "report.md"
    ran = tsharness("report", path, "--html", page, "--markdown", markdown, "--junit", tmp_path / "j.xml")
    assert ran.code == run.exit_code, ran.text
    assert outline(run.reports[0]).summary in re.sub(r"\\(.)", r"\1", markdown.read_text())
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_there_are_such_documents() -> None:
    assert {path.stem for path in EARLIER} >= {"verify-v1", "bench-v1", "compare-v1", "inspections-v1"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no JSON"),
        ("[1]", "holds no object"),
        ("{}", "no report of tsharness"),
        ('{"schema_version": 99, "kind": "run"}', "update it"),
        ('{"schema_version": 1, "kind": "tea", "exit_code": 0}', "unknown kind"),
        ('{"schema_version": 1, "kind": "verify", "exit_code": 0, "cases": 3}', "damaged report: reports: "),
        (
            '{"schema_version": 1, "kind": "run", "exit_code": 0, "reports": [{"kind": "bench"}]}',
            "damaged report: reports: ",
        ),
    ],
)
def test_what_is_no_document(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "run.json").write_text(text)
    ran = tsharness("report", tmp_path / "run.json")
    assert ran.code == 2 and said in ran.err and "Traceback" not in ran.err
    with pytest.raises(UsageError):
        read_run(tmp_path / "none.json")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.stem)
@settings(derandomize=True, deadline=None)
@given(data=st.data())
def test_a_damaged_document_is_read_or_refused(path: Path, data: st.DataObject) -> None:
    """Whatever stands in the place of one of its values."""
    document = json.loads(path.read_text())
    place = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.integers(0, 2)) == 0:
            break
        place = place[key]
    place[key] = data.draw(_JSON)
    try:
        run = Run.from_dict(document)
    except UsageError:
        return
    to_junit(run)
    to_markdown(run)


def test_a_report_is_printed_again_as_it_was(models: Path, documents: Mapping[str, Path]) -> None:
    first = tsharness("verify", models / "conditional_traced.pt", "--json", "-", cwd=models)
    again = tsharness("report", documents["fail"])
    assert again.code == first.code == 1
    steady = [line for line in again.out.splitlines() if line.startswith(("FAIL", "      do"))]
    assert steady and set(steady) <= set(first.err.splitlines())


def test_junit_counts_what_is_there(everything: Run) -> None:
    root = ET.fromstring(to_junit(everything))
    suites = root.findall("testsuite")
    assert len(suites) == len(everything.reports) + len(everything.errors)
    assert int(root.get("tests", "")) == len(root.findall(".//testcase"))
    assert int(root.get("failures", "")) == len(root.findall(".//failure")) > 0
    assert int(root.get("errors", "")) == len(root.findall(".//error")) > 0
    wrong = next(suite for suite in suites if "conditional_traced.pt" in suite.get("name", ""))
    failed = {case.get("name") for case in wrong.findall("testcase") if case.find("failure") is not None}
    assert "parity" in failed and "example" not in failed
    (text,) = [one.text or "" for one in wrong.findall("testcase[@name='condition=False']/failure")]
    assert "worst" in text and "do " in text


def test_a_green_run_has_no_failure(documents: Mapping[str, Path]) -> None:
    root = ET.fromstring(to_junit(read_run(documents["pass"])))
    assert root.get("failures") == root.get("errors") == "0"
    assert not root.findall(".//failure") and not root.findall(".//error")


def test_markdown_is_what_github_draws(everything: Run, documents: Mapping[str, Path]) -> None:
    drawn = cmarkgfm.github_flavored_markdown_to_html(to_markdown(everything), Options.CMARK_OPT_UNSAFE)
    assert drawn.count("<table>") > len(everything.reports)
    assert "<h2>❌" in drawn and "<details>" in drawn and "condition=False" in drawn
    one = to_markdown(read_run(documents["fail"]))
    assert one.startswith("## ❌ FAIL conditional\\_traced.pt (verify)")


def _named(run: Run, name: str) -> Run:
    """With a case of that name, which somebody else has chosen."""
    report = run.reports[0]
    case = replace(report.cases[0], name=name, verdict=report.cases[0].verdict)  # type: ignore[union-attr]
    return replace(run, reports=(replace(report, cases=(case,)),))  # type: ignore[call-arg]


_NASTY = st.text(min_size=1, max_size=30)


@settings(derandomize=True, deadline=None)
@given(name=_NASTY)
def test_names_are_never_markup(name: str) -> None:
    run = _named(read_run(DATA / "verify-v1.json"), name)
    ET.fromstring(to_junit(run))
    drawn = cmarkgfm.github_flavored_markdown_to_html(to_markdown(run), Options.CMARK_OPT_UNSAFE)
    assert drawn.count("<table>") == 2
    assert len(re.findall(r"<tr>", drawn)) == 1 + 1 + 1 + len(run.reports[0].checks)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a|b", "`x`", "@everyone", "[a](http://b)", "\x00\x1b[31m", "<!--"]
)
def test_nasty_names(name: str, tmp_path: Path) -> None:
    from tsharness.report.html.page import to_html

    run = _named(read_run(DATA / "verify-v1.json"), name)
    drawn = cmarkgfm.github_flavored_markdown_to_html(to_markdown(run), Options.CMARK_OPT_UNSAFE)
    assert "<script>" not in drawn and ">a</a>" not in drawn
    assert "<script>alert" not in to_html(run)


def test_markdown_fits_a_comment(documents: Mapping[str, Path]) -> None:
    run = read_run(documents["fail"])
    text = to_markdown(replace(run, reports=run.reports * 60))
    assert len(text) < 65_536 and "more reports do not fit here" in text


def test_sarif_has_the_findings_of_verify_too(documents: Mapping[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.sarif"
    assert tsharness("report", documents["fail"], "--sarif", out).code == 1
    (run,) = json.loads(out.read_text())["runs"]
    assert "TS203" in {result["ruleId"] for result in run["results"]}


def test_samples_as_csv(models: Path, tmp_path: Path) -> None:
    quick = ("--case", "example", "--min-time", "0.05", "--processes", "2", "--sweep", "threads=1,2")
    ran = tsharness("bench", models / "linear.pt", *quick, "--samples", tmp_path / "s.csv")
    assert ran.code == 0, ran.text
    with (tmp_path / "s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["threads"], row["process"]) for row in rows} == {
        (threads, process) for threads in "12" for process in "01"
    }
    assert all(0 < float(row["seconds"]) < 1 for row in rows)


def test_two_reports_cannot_share_standard_output(models: Path) -> None:
    ran = tsharness("verify", models / "linear.pt", "--json", "-", "--junit", "-")
    assert ran.code == 2 and "cannot both go to standard output" in ran.err


def test_a_file_that_cannot_be_written_loses_nothing_else(models: Path, tmp_path: Path) -> None:
    ran = tsharness(
        *("verify", models / "linear.pt", "--level", "quick", "--json", tmp_path / "run.json"),
        *("--junit", tmp_path / "no" / "such" / "folder.xml"),
    )
    assert ran.code == 2 and "cannot write" in ran.err and "PASS" in ran.out
    assert read_run(tmp_path / "run.json").exit_code == 0


def test_an_artifact_without_a_report_is_in_every_file(tmp_path: Path) -> None:
    names = {kind: tmp_path / f"out.{kind}" for kind in ("json", "junit", "markdown", "html", "sarif")}
    options = [text for kind, path in names.items() for text in (f"--{kind}", path)]
    ran = tsharness("verify", tmp_path / "none.pt", *options)
    assert ran.code == 5
    for kind, path in names.items():
        assert kind == "sarif" or "none.pt" in path.read_text(), kind
    assert ET.parse(names["junit"]).getroot().get("errors") == "1"


def test_the_page_needs_matplotlib(models: Path, tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError")
    ran = tsharness(
        *("report", DATA / "verify-v1.json", "--html", tmp_path / "page.html"),
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin"},
    )
    assert ran.code == 8 and "pip install matplotlib" in ran.err
    assert not (tmp_path / "page.html").exists()


GITHUB = {"GITHUB_ACTIONS": "true", "CI": "true", "PATH": "/usr/bin:/bin"}


def test_github_actions_folds_and_annotates(models: Path) -> None:
    ran = tsharness("verify", "conditional_traced.pt", env=GITHUB, cwd=models)
    lines = ran.out.splitlines()
    assert lines[0] == "::group::verify conditional_traced.pt"
    end = lines.index("::endgroup::")
    assert lines[end + 1].startswith("FAIL  case")
    notes = [line for line in lines if line.startswith("::error ")]
    assert any("case condition=False" in note and "%0A" in note for note in notes)
    assert any("title=TS203,file=conditional.py,line=" in note for note in notes)
    passed = tsharness("verify", "linear.pt", "--level", "quick", env=GITHUB, cwd=models)
    assert "::error" not in passed.text and "::group::" in passed.out


def test_no_annotations_elsewhere(models: Path) -> None:
    assert "::" not in tsharness("verify", models / "conditional_traced.pt").out


def test_what_an_annotation_cannot_hold_is_escaped() -> None:
    assert command("error", "50%\nof", title="a: b, c") == "::error title=a%3A b%2C c::50%25%0Aof"


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"CI": "true"}, False),
    ],
)
def test_colours_follow_the_environment(models: Path, environment: dict[str, str], coloured: bool) -> None:
    ran = tsharness(
        *("verify", models / "linear.pt", "--level", "quick"), env={"PATH": "/usr/bin", **environment}
    )
    assert ("\x1b[" in ran.out) is coloured and "\x1b[" not in ran.err


def test_quiet_is_a_line_for_each(models: Path) -> None:
    ran = tsharness(
        "verify", models / "linear.pt", models / "conditional_traced.pt", "-q", "--level", "quick"
    )
    assert [line.split()[0] for line in ran.out.splitlines()] == ["PASS", "FAIL"]
    for command_line in (("bench", "--min-time", "0.05", "--case", "example"), ("inspect",)):
        ran = tsharness(command_line[0], models / "linear.pt", *command_line[1:], "-q")
        assert len(ran.out.splitlines()) == 1 and "linear.pt: " in ran.out, ran.text


def test_reports_show_themselves_in_notebooks(everything: Run) -> None:
    for report in everything.reports:
        text = report._repr_html_()
        assert "<table>" in text and outline(report).word in text and "<script" not in text


def test_every_report_raises_for_its_verdict(everything: Run) -> None:
    from tsharness.errors import VerificationFailed

    for report in everything.reports:
        if report.exit_code is ExitCode.PASS:
            report.raise_for_verdict()
        else:
            with pytest.raises(VerificationFailed):
                report.raise_for_verdict()


def test_problems_are_kept_when_runs_are_joined() -> None:
    problem = Problem("a.pt", "gone", ExitCode.CANNOT_RUN)
    one = Run("1", "verify", "2026-01-01T00:00:00Z", 5, errors=(problem,))
    other = Run("1", "bench", "2026-01-02T00:00:00Z", 4)
    both = joined([one, other])
    assert (both.exit_code, both.created, both.errors) == (5, "2026-01-02T00:00:00Z", (problem,))
    assert joined([one, replace(other, exit_code=130, incomplete=True)]).exit_code == 130
