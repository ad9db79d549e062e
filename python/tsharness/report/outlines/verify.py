"""What a verify report says."""

from __future__ import annotations

from collections.abc import Iterator

from tsharness.report.model import Check
from tsharness.report.outline import Item, Outline, Table, where_of
from tsharness.report.text import case_lines, header_lines, passes_from, place, verdict_lines
from tsharness.report.units import error, seconds
from tsharness.verdict import Verdict
from tsharness.verification.checks.catalogue import advice
from tsharness.verification.report import CaseResult, OutputResult, VerifyReport


def outline(report: VerifyReport) -> Outline:
    (title, what), *facts = header_lines(report)
    return Outline(
        kind="verify",
        title=title,
        path=report.artifact.path,
        where=where_of(report.runner),
        exit_code=report.exit_code,
        lines=tuple(verdict_lines(report)),
        facts=(("artifact", what), *facts),
        tables=tuple(_tables(report)),
        items=(*map(_check, report.checks), *(_case(case, report) for case in report.cases)),
        findings=report.findings,
        warnings=(),
        seconds=report.seconds,
    )


def _tables(report: VerifyReport) -> Iterator[Table]:
    rows = tuple(_row(case, output) for case in report.cases for output in case.outputs)
    columns = ("case", "calls", "output", "max abs", "max rel", "worst at", "passes from", "verdict")
    words = ("case", "output", "worst at", "verdict")
    if rows:
        yield Table("Outputs", columns, rows, words)
    checks = tuple(
        (
            one.id,
            one.verdict.value,
            "" if one.seconds is None else seconds(one.seconds),
            _first_line(one.message),
        )
        for one in report.checks
    )
    yield Table("Checks", ("check", "verdict", "cost", "seen"), checks, ("check", "verdict", "seen"))


def _row(case: CaseResult, output: OutputResult) -> tuple[str, ...]:
    shown = output.worst is not None and (output.max_abs or output.failed)
    return (
        case.name,
        str(output.compared),
        output.name,
        error(output.max_abs),
        error(output.max_rel),
        place("", output.worst) if shown and output.worst else "",
        passes_from(output),
        output.verdict.value,
    )


def _check(check: Check) -> Item:
    """Messages of some checks have several lines."""
    do = advice(check.id) if check.verdict not in (Verdict.PASS, Verdict.SKIPPED) else ""
    lines = (check.message, *([f"do: {do}"] if do else []))
    return Item("check", check.id, check.verdict, _first_line(check.message), lines, check.seconds)


def _case(case: CaseResult, report: VerifyReport) -> Item:
    lines = tuple(case_lines(case, report.findings)) if case.verdict is not Verdict.PASS else ()
    worst = max((one.max_abs or 0.0 for one in case.outputs), default=0.0)
    said = lines[0] if lines else f"{case.calls} calls, largest error {error(worst)}"
    return Item("case", case.name, case.verdict, said, lines, sum(case.seconds))


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")
