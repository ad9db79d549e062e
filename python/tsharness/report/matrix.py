"""One artifact on several targets: targets across, checks down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tsharness.report.outline import Table
from tsharness.report.text import verdict_lines
from tsharness.report.units import error
from tsharness.verdict import Verdict
from tsharness.verification.report import OutputResult, VerifyReport

if TYPE_CHECKING:
    from tsharness.report.console import Terminal
    from tsharness.report.document import Run

_STYLES = {
    "pass": "green",
    "fail": "bold red",
    "error": "bold red",
    "inconclusive": "bold yellow",
    "skipped": "dim",
}


def matrix_label(report: VerifyReport) -> str:
    """A target in few words: runner, LibTorch, device, instructions."""
    runner = report.runner
    if runner is None:
        return "no runner"
    place = f" {runner.place}" if runner.place else ""
    version = runner.libtorch.partition("+")[0]
    return f"{runner.name} {version} {runner.device} {runner.cpu_capability}{place}"


def matrix(reports: Sequence[VerifyReport]) -> Table:
    """A column for each target. Below the checks: the largest error against the reference, and against a
    float64 run where that was asked for, which says which target drifts."""
    columns = ("check", *map(matrix_label, reports))
    names = list(dict.fromkeys(check.id for report in reports for check in report.checks))
    rows = [(name, *(_verdict(report, name) for report in reports)) for name in names]
    rows.append(("largest error", *(_largest(report) for report in reports)))
    if any(output.float64 for report in reports for output in _outputs(report)):
        rows.append(("against float64", *(_float64(report) for report in reports)))
    return Table(f"Targets of {reports[0].artifact.path}", columns, tuple(rows), columns)


def matrices(run: Run) -> list[Table]:
    """Of the artifacts that were verified on several targets."""
    by_path: dict[str, list[VerifyReport]] = {}
    for report in run.reports:
        if isinstance(report, VerifyReport):
            by_path.setdefault(report.artifact.path, []).append(report)
    return [matrix(reports) for reports in by_path.values() if len(set(map(matrix_label, reports))) > 1]


def _verdict(report: VerifyReport, name: str) -> str:
    return next((check.verdict.value for check in report.checks if check.id == name), "-")


def _outputs(report: VerifyReport) -> Iterator[OutputResult]:
    for case in report.cases:
        yield from case.outputs


def _largest(report: VerifyReport) -> str:
    errors = [output.max_abs for output in _outputs(report) if output.max_abs is not None]
    return error(max(errors)) if errors else "-"


def _float64(report: VerifyReport) -> str:
    errors = [output.float64.target for output in _outputs(report) if output.float64]
    return error(max(errors)) if errors else "-"


def matrix_lines(reports: Sequence[VerifyReport]) -> Iterator[str]:
    """For each target that does not pass, the first of what is wrong there; and what is judged by more than
    the table."""
    for report in reports:
        if report.judged:
            yield f"note  {matrix_label(report)}: judged {report.judged}"
        if report.verdict is not Verdict.PASS:
            word, _, said = verdict_lines(report)[0].partition(" ")
            yield f"{word}  {matrix_label(report)}: {said.strip()}"
            for found in report.findings[:1]:
                yield f"      seen   {found.code} {found.seen}"
                yield f"      do     {found.do}"


def print_matrix(reports: Sequence[VerifyReport], out: Terminal) -> None:
    """The table, what is wrong on each target, and how many pass."""
    from tsharness.report.console import print_lines
    from tsharness.report.draw_table import draw_table

    if not reports:
        return
    out.print()
    out.print(draw_table(matrix(reports), lambda _, text: _STYLES.get(text, "")))
    out.print()
    print_lines(matrix_lines(reports), out)
    passed = sum(report.verdict is Verdict.PASS for report in reports)
    word = "PASS" if passed == len(reports) else "FAIL"
    print_lines([f"{word}  {passed} of {len(reports)} targets pass"], out)
