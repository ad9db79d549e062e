"""A migration on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from tsharness.migration.report import MigrateReport
from tsharness.report.console import PlainTable, Terminal, fold, print_facts, print_lines, words
from tsharness.report.draw_table import draw_table
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


def print_migration(report: MigrateReport, out: Terminal) -> None:
    """Header, stages, gains, verdict."""
    with fold(f"migrate {report.source} --to {report.to}", out):
        print_facts(header_lines(report), out)
        out.print()
        table = PlainTable()
        for name in COLUMNS:
            table.add_column(name, justify="right" if name in ("max abs", "took") else "left")
        for stage in report.stages:
            name, verdict, *texts = row(stage)
            table.add_row(words(name), words(verdict, _STYLES.get(verdict, "")), *map(words, texts))
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
    in_words = ("model", "target", "verdict", "why")
    return Table("Migration", TABLE_COLUMNS, tuple(map(table_row, reports)), in_words)


def print_migrations(reports: Sequence[MigrateReport], out: Terminal) -> None:
    """The table of several."""
    out.print(draw_table(migration_table(reports)))
    print_lines([summary_line(reports)], out)
