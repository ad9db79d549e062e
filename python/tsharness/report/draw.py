"""Any report on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsharness.report.console import print_lines

if TYPE_CHECKING:
    from tsharness.report.console import Terminal
    from tsharness.report.document import Report


def print_report(report: Report, out: Terminal, *, quiet: bool = False, verbose: bool = False) -> None:
    """As the command does that made it; ``quiet``: one line."""
    if quiet:
        print_line(report, out)
        return
    from tsharness.bench.compare_report import CompareReport
    from tsharness.bench.report import BenchReport
    from tsharness.migration.report import MigrateReport
    from tsharness.report.bench_terminal import print_bench
    from tsharness.report.compare_terminal import print_compare
    from tsharness.report.inspect_terminal import print_inspection
    from tsharness.report.migrate_terminal import print_migration
    from tsharness.report.terminal import print_verify
    from tsharness.verification.report import VerifyReport

    if isinstance(report, VerifyReport):
        print_verify(report, out, verbose)
    elif isinstance(report, BenchReport):
        print_bench(report, out)
    elif isinstance(report, CompareReport):
        print_compare(report, out)
    elif isinstance(report, MigrateReport):
        print_migration(report, out)
    else:
        print_inspection(report, out, verbose)


def print_line(report: Report, out: Terminal, label: str = "") -> None:
    """The verdict, of what, and why, in one line."""
    from tsharness.report.outline import outline

    said = outline(report)
    print_lines([f"{said.word}  {label or said.path}: {said.summary}"], out)


def report_text(report: Report, width: int = 120) -> str:
    """What ``print_report`` prints, without colours."""
    import io

    from tsharness.report.console import Terminal

    written = io.StringIO()
    print_report(report, Terminal(written, width, color=False))
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())
