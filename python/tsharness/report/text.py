"""A verify report in plain lines: what the terminal, CI logs and exceptions say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tsharness.printable import shell_word
from tsharness.report.evidence_text import indecisive_lines, nothing_shown
from tsharness.report.kind_text import kind_facts, kind_name
from tsharness.report.model import CaseError, Check, Finding, RunnerInfo
from tsharness.report.profile_text import touched
from tsharness.report.units import amount, error, rounded_up, size
from tsharness.verdict import Verdict
from tsharness.verification.checks.catalogue import advice
from tsharness.verification.place import Localization, Place, Reduced
from tsharness.verification.report import CaseResult, OutputResult, VerifyReport, Worst

_SHOWN = 3
"""Failed cases that are told in full; the table has them all."""
_WORDS = {Verdict.FAIL: "FAIL", Verdict.ERROR: "ERROR", Verdict.INCONCLUSIVE: "INCONCLUSIVE"}
_METHODS = {"trace": "traced", "script": "scripted"}


def header_lines(report: VerifyReport) -> Iterator[tuple[str, str]]:
    """Label and text of the lines above the table."""
    artifact = report.artifact
    facts = [kind_name(artifact.runtime or "torchscript"), *kind_facts(artifact.runtime, artifact.facts)]
    if artifact.method in _METHODS and artifact.runtime in ("", "torchscript"):
        facts[0] += f", {_METHODS[artifact.method]} with torch {artifact.torch}"
    if artifact.parameters is not None:
        facts.append(f"{amount(artifact.parameters)} parameters")
    facts += [size(artifact.size), f"sha256 {artifact.sha256[:12]}…"]
    yield artifact.path.rpartition("/")[2], " · ".join(facts)
    runner = report.runner
    if runner is not None:
        python = "PYTHON IN THE PROCESS" if runner.python_libraries else "no Python in the process"
        if artifact.runtime == "onnx":
            python = "ONNX Runtime's Python interface"
        which = "" if runner.name == "installed" else f"{runner.name} · "
        yield "runner", f"{which}LibTorch {runner.libtorch} · {python} · {runner.where()}{_cage(runner)}"
    yield "cases", report.cases_from
    yield "proves", report.proves
    if report.judged:
        yield "judged", report.judged


def _cage(runner: RunnerInfo) -> str:
    """Silent where the cage is whole."""
    missing = runner.cage.missing if runner.cage else ("this runner has none",)
    return f" · cage: {'; '.join(missing)}" if missing else ""


def place(name: str, worst: Worst) -> str:
    """ "logits[3, 17]"."""
    return f"{name}[{', '.join(map(str, worst.index))}]" if worst.index else name


def passes_from(output: OutputResult) -> str:
    """The smallest tolerance that would have passed, or what the figures asked for are; empty where nothing
    applies."""
    if output.requirements:
        return ", ".join(f"{one.statistic} {one.seen:.3g}" for one in output.requirements)
    if output.min_atol is None or output.exact:
        return ""
    if output.min_atol == float("inf"):
        return "none"
    return f"atol {rounded_up(output.min_atol)}" if output.max_abs else "0"


def verdict_lines(report: VerifyReport) -> list[str]:
    """The closing lines: the verdict, and if it is not a pass, what, where and what to do."""
    if report.incomplete:
        done = sum(bool(case.outputs) for case in report.cases)
        return [f"INCOMPLETE  interrupted after {done} of {len(report.cases)} cases"]
    if report.verdict is Verdict.PASS:
        return [f"PASS  {_summary(report)}", *_general_lines(report)]
    lines = [line for check in report.checks for line in _check_lines(check, report)]
    bad = [case for case in report.cases if case.verdict not in (Verdict.PASS, Verdict.SKIPPED)]
    located = _place_lines(report.localized) if report.localized else []
    if bad and all(case.error is not None and case.error == bad[0].error for case in bad[1:]):
        bad, hidden = bad[:1], len(bad) - 1
        lines += case_lines(bad[0], report.findings)
        lines += [f"      and so for {hidden} more cases"] if hidden else []
        return lines + located + _general_lines(report)
    for case in bad[:_SHOWN]:
        lines += case_lines(case, report.findings)
    if len(bad) > _SHOWN:
        lines.append(f"      and {len(bad) - _SHOWN} more cases: {', '.join(c.name for c in bad[_SHOWN:])}")
    return lines + located + _general_lines(report)


def _check_lines(check: Check, report: VerifyReport) -> list[str]:
    """A check that is not in order, unless the lines of the cases say it better."""
    word = _WORDS.get(check.verdict)
    told = check.id in ("load", "structure", "parity") or (
        check.id == "calls" and any(case.verdict is not Verdict.PASS for case in report.cases)
    )
    if word is None or told:
        return []
    do = advice(check.id)
    return [f"{word}  {check.id}: {check.message}", *([f"      do     {do}"] if do else [])]


def _place_lines(found: Localization) -> list[str]:
    """The first operator that differs, and how the error grows."""
    head = f'      place  case "{found.case}", against {found.against}: '
    if found.first is None:
        return [f"{head}none of {found.compared} operators differs beyond the tolerance"]
    lines = [f"{head}{_operator(found.first)}, operator {found.first.number + 1} of {found.operators}"]
    lines.append(f"             it {found.first.reason}" if found.first.reason else "")
    for place in found.path:
        mark = "  <- first beyond the tolerance" if place.number == found.first.number else ""
        lines.append(f"             {error(place.error):>8}  {_operator(place)}{mark}")
    return lines + (_reduced_lines(found.reduced, found.operators) if found.reduced else [])


def _reduced_lines(reduced: Reduced, of: int) -> list[str]:
    part = f"{reduced.operators} of {of} operators"
    if not reduced.fails:
        return [f"      part   {reduced.path}: {part}, which do not fail by themselves"]
    return [f"      part   {part} fail by themselves: tsharness verify {shell_word(reduced.path)}"]


def _operator(place: Place) -> str:
    where = f" in {place.module}" if place.module else ""
    return f"{place.op}{where}{f' ({place.source})' if place.source else ''}"


def first_problem(report: VerifyReport) -> str:
    """What went wrong first, in a line without its verdict."""
    line = next(iter(verdict_lines(report)), "")
    return line.split(" ", 1)[-1].strip()


def _summary(report: VerifyReport) -> str:
    cases = sum(case.verdict is not Verdict.SKIPPED for case in report.cases)
    compared = f"{_count(cases, 'case')}, {_count(report.calls, 'call')}"
    if all(case.origin == "runner" for case in report.cases):
        return f"{compared}, without a reference: only what needs none was checked"
    everything = [output for case in report.cases for output in case.outputs]
    figures = sorted({one.statistic for output in everything for one in output.requirements})
    compared += f", judged by {', '.join(figures)}" if figures else ""
    compared += _words_of_files(everything) + nothing_shown(report.cases)
    compared += f"; left out for time: {', '.join(report.left_out)}" if report.left_out else ""
    compared += f"; proved for {' and '.join(report.alone)} alone" if report.alone else ""
    outputs = [output for output in everything if output.worst and not output.requirements]
    worst = max(outputs, key=_share_of_allowed, default=None)
    if worst is None or worst.worst is None:
        return compared if figures else f"{compared}; everything equal"
    if worst.max_abs == 0:
        return f"{compared}; every value equal"
    at = place(worst.name, worst.worst)
    return f"{compared}; worst {error(worst.worst.error)} of {error(worst.worst.allowed)} allowed, at {at}"


def _words_of_files(outputs: list[OutputResult]) -> str:
    """That a case file, which is data from a stranger, has said what is good enough."""
    return ", as the case file asks" if any(output.set_by == "file" for output in outputs) else ""


def _share_of_allowed(output: OutputResult) -> float:
    worst = output.worst
    if worst is None or worst.error == 0:
        return 0.0
    return worst.error / worst.allowed if worst.allowed > 0 else float("inf")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def case_lines(case: CaseResult, findings: tuple[Finding, ...]) -> list[str]:
    """What, where, why and what to do; empty if everything is right."""
    if case.error is not None:
        return _error_lines(case.name, case.error)
    if case.verdict is Verdict.INCONCLUSIVE:
        return indecisive_lines(case)
    lines = []
    failed = [output for output in case.outputs if output.verdict is Verdict.FAIL]
    told = [line for found in findings if found.case == case.name for line in _finding_lines(found)]
    for output in failed[:_SHOWN]:
        lines.append(
            f'FAIL  case "{case.name}": {output.name}{_joint(output)}{output.reason} ({_calls(output)})'
        )
        # What, where, and what to do come first, if they are known; the figures below.
        lines += told
        told = []
        lines += _worst_lines(output)
        where = touched(output)
        lines += [f"      where  {where}"] if where else []
    if len(failed) > _SHOWN:
        lines.append(f"      and {len(failed) - _SHOWN} more outputs")
    return lines + told


def _general_lines(report: VerifyReport) -> list[str]:
    """Findings that are about the artifact, not about one case."""
    return [line for found in report.findings if found.case is None for line in _finding_lines(found)]


def _finding_lines(finding: Finding) -> list[str]:
    return [
        f"      seen   {finding.code} {finding.seen}",
        f"      do     {finding.do}",
        f"      why    {finding.why}",
    ]


def _error_lines(name: str, problem: CaseError) -> list[str]:
    """TorchScript's tracebacks end with the reason and hold the place; the report has them whole."""
    first, *rest = problem.message.strip().splitlines() or [""]
    if "TorchScript interpreter" not in first or not rest:
        return [f'ERROR case "{name}": {first}', *(f"      | {line}" for line in rest)]
    lines = [f'ERROR case "{name}": {rest[-1].strip()}']
    places = re.findall(r'File "([^"]+)", line (\d+), in (\w+)', problem.message)
    if places:
        file, line, function = places[-1]
        lines.append(f"      at     {file}:{line} in {function}")
    if problem.kind == "memory":
        lines.append("      do     raise --memory-limit, if the model is meant to need so much")
    return lines


def _joint(output: OutputResult) -> str:
    return " " if output.reason.startswith(("differs", "is ")) else ": "


def _calls(output: OutputResult) -> str:
    """Which calls failed, if not all of them did."""
    if len(output.failed) == output.compared:
        return "in every call" if output.compared > 1 else "in its one call"
    shown = ", ".join(output.failed[:_SHOWN]) + (", …" if len(output.failed) > _SHOWN else "")
    return f"in {len(output.failed)} of {output.compared} calls: {shown}"


def _worst_lines(output: OutputResult) -> list[str]:
    worst = output.worst
    if worst is None:
        return []
    index = f" at [{', '.join(map(str, worst.index))}]" if worst.index else ""
    values = f"runner {worst.actual:g}, reference {worst.expected:g}"
    if output.requirements:
        return [f"      worst  {error(worst.error)}{index}: {values}"]
    if output.exact:
        return [f"      worst  {error(worst.error)}{index}: {values} (must be exact)"]
    if output.min_atol == float("inf"):
        return [f"      worst  {error(worst.error)}{index}: {values}; no tolerance passes"]
    allowed = f"(allowed {error(worst.allowed)})"
    return [
        f"      worst  {error(worst.error)}{index}: {values} {allowed}; passes from {passes_from(output)} on"
    ]
