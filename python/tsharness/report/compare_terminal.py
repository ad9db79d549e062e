"""A comparison on a terminal."""

from __future__ import annotations

from tsharness.bench.compare_report import CompareReport
from tsharness.report.compare_text import columns, difference_lines, header_lines, row, verdict_line
from tsharness.report.console import PlainTable, Terminal, fold, print_facts, print_lines, words

_STYLES = {
    **dict.fromkeys(("slower", "more", "different"), "bold red"),
    **dict.fromkeys(("faster", "fewer"), "green"),
    "inconclusive": "bold yellow",
}


def print_compare(report: CompareReport, out: Terminal) -> None:
    """Header, table, verdict."""
    with fold(f"compare {report.base.path} {report.new.path}", out):
        print_facts(header_lines(report), out)
        out.print()
        table = PlainTable()
        for name in columns(report):
            table.add_column(name, justify="left" if name in ("case", "verdict") else "right")
        for case in report.cases:
            *texts, change = row(case)
            table.add_row(*map(words, texts), words(change, _STYLES.get(change, "")))
        out.print(table)
        out.print()
        print_lines(list(difference_lines(report)), out)
    print_lines([verdict_line(report)], out)
