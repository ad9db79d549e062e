"""An export report in plain lines."""

from __future__ import annotations

from collections.abc import Iterator

from tsharness.exporting.report import CandidateResult, ExportReport, StageResult
from tsharness.report.model import Finding
from tsharness.report.text import verdict_lines as check_lines
from tsharness.report.units import error, size
from tsharness.verdict import Verdict
from tsharness.verification.report import VerifyReport

_MARKS = {"error": "error", "warning": "warn", "note": "note"}


def finding_lines(found: Finding) -> list[str]:
    """What was seen, what to do, why it matters."""
    return [
        f"{_MARKS[found.severity]:<5} {found.code} {_title(found.code)}: {found.seen}",
        f"      do     {found.do}",
        f"      why    {found.why}",
    ]


def _title(code: str) -> str:
    from tsharness.findings import RULES

    return RULES[code].title


def candidate_row(candidate: CandidateResult, report: ExportReport) -> tuple[str, str, str, str]:
    """Method, families passed, verdict, and why it was chosen or not."""
    method = candidate.method if candidate.strict is not False else f"{candidate.method} (strict=False)"
    families = f"{candidate.passed} of {candidate.families}" if candidate.check is not None else "-"
    verdict = "cannot" if candidate.check is None else candidate.verdict.value
    if candidate.method == report.method:
        note = f"chosen: {report.chosen_because}" if candidate.verdict is Verdict.PASS else candidate.reason
    else:
        note = candidate.reason
    return method, families, verdict, note


def other_findings(report: ExportReport) -> Iterator[tuple[CandidateResult, Finding]]:
    """Why the candidates that were not chosen cannot be made, or are wrong."""
    for candidate in report.candidates:
        if candidate.method == report.method or candidate.verdict is Verdict.PASS:
            continue
        for found in candidate.findings:
            if found.severity != "note":
                yield candidate, found


def stage_row(stage: StageResult) -> tuple[str, str, str, str, str]:
    """Stage, largest absolute and relative error, verdict, and where or why."""
    passed = stage.verdict is Verdict.PASS
    note = stage.message if not stage.worst else f"{stage.worst} {stage.message}".strip()
    shown = "" if passed and not stage.max_abs else note
    return stage.name, error(stage.max_abs), error(stage.max_rel), stage.verdict.value, shown


def verdict_lines(report: ExportReport) -> list[str]:
    """The closing lines."""
    if report.verdict is Verdict.PASS:
        check = report.check
        calls = check.calls if check is not None else 0
        worst = _worst(report)
        return [
            f"PASS  {report.path} written, {size(report.size)}: {report.method}, "
            f"{len(report.cases)} cases, {calls} calls in C++{worst}{_alone(report)}"
        ]
    lines = _failure(report)
    if report.forced:
        lines.append(f"      written all the same (--force), with this verdict inside: {report.path}")
    else:
        lines.append(f"      nothing was written to {report.path}")
    return lines


def _worst(report: ExportReport) -> str:
    check = report.check
    outputs = [o for case in check.cases for o in case.outputs] if check is not None else []
    largest = max((o.max_abs for o in outputs if o.max_abs is not None), default=0.0)
    return f"; worst {error(largest)}" if largest else "; every value equal"


def _fixed_advice(report: ExportReport, check: VerifyReport) -> list[str]:
    """Where it is wrong at sizes alone that nobody declared."""
    wrong = {case.name for case in check.cases if case.verdict is not Verdict.PASS}
    concerned = [one for one in report.free if wrong & {f"{one.name}={size}" for size in one.sizes}]
    told = {f"{one.name}={size}" for one in concerned for size in one.sizes}
    if not concerned or not wrong <= told:
        return []
    names = " ".join(f"--fixed {name}" for one in concerned for name in one.inputs[:1])
    return [
        f"      do     mend the model, which takes these sizes in Python; or, if they never come: {names}"
    ]


def _alone(report: ExportReport) -> str:
    return f"; proved for {' and '.join(report.fixed)} alone" if report.fixed else ""


def sizes_line(report: ExportReport) -> str:
    """What was tried though nobody declared it; empty if nothing was."""
    return " · ".join(f"{one.dims}: {', '.join(map(str, one.sizes))}" for one in report.free)


def _failure(report: ExportReport) -> list[str]:
    refused, check = report.refused, report.check
    if refused is not None:
        return [f"FAIL  refused: {refused.name}: {f'{refused.worst} {refused.message}'.strip()}"]
    if check is not None:
        advice = _fixed_advice(report, check)
        bad = next((stage.name for stage in report.stages if stage.verdict is not Verdict.PASS), None)
        return (
            check_lines(check)
            + ([f"      first seen at the stage: {bad}"] if bad is not None else [])
            + advice
        )
    lines = ["FAIL  the model cannot be exported:"]
    for candidate in report.candidates:
        lines.append(f"      {candidate.method}: {candidate.reason}")
        errors = [found for found in candidate.findings if found.severity == "error"]
        for found in errors[:1]:
            lines += [f"        seen   {found.code} {found.seen}", f"        do     {found.do}"]
    return lines
