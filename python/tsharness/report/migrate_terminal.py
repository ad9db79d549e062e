"""A migration on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tsharness.migration.report import MigrateReport
from tsharness.report.console import fold, print_facts, print_lines
from tsharness.report.draw_table import draw_table, plain_table
from tsharness.report.migrate_text import (
    COLUMNS,
    TABLE_COLUMNS,
    gain_lines,
    header_lines,
    note_lines,
    problem_lines,
    row,
    summary_line,
    table_row,
    verdict_line,
)
from tsharness.report.outline import Table

_STYLES = {"pass": "green", "fail": "bold red", "error": "bold red", "inconclusive": "bold yellow"}


def print_migration(report: MigrateReport, out: Console) -> None:
    """Header, stages, gains, verdict."""
    with fold(f"migrate {report.source} --to {report.to}", out):
        print_facts(header_lines(report), out)
        out.print()
        table = plain_table()
        for name in COLUMNS:
            table.add_column(name, justify="right" if name in ("max abs", "took") else "left")
        for stage in report.stages:
            name, verdict, *texts = row(stage)
            table.add_row(Text(name), Text(verdict, _STYLES.get(verdict, "")), *map(Text, texts))
        out.print(table)
        out.print()
        gains = list(gain_lines(report))
        if gains:
            print_facts(gains, out)
            out.print()
        print_lines([*problem_lines(report), *note_lines(report)], out)
        if report.findings or report.constructs:
            out.print()
    print_lines([verdict_line(report)], out)


def migration_table(reports: Sequence[MigrateReport]) -> Table:
    """Targets and models."""
    words = ("model", "target", "verdict", "why")
    return Table("Migration", TABLE_COLUMNS, tuple(map(table_row, reports)), words)


def print_migrations(reports: Sequence[MigrateReport], out: Console) -> None:
    """The table of several."""
    out.print(draw_table(migration_table(reports)))
    print_lines([summary_line(reports)], out)
