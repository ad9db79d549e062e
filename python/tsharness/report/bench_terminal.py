"""Latency on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from tsharness.bench.report import BenchReport
from tsharness.report import bench_text as text
from tsharness.report.console import fold, print_facts, print_lines, styled
from tsharness.report.draw_table import plain_table
from tsharness.report.op_profile_terminal import print_op_profile


def print_bench(report: BenchReport, out: Console) -> None:
    """Header, a row a case and combination, what the samples do not bear, doubts, limits, verdict."""
    with fold(f"bench {report.path}", out):
        _print_details(report, out)
    print_lines([text.verdict_line(report)], out)


def _print_details(report: BenchReport, out: Console) -> None:
    print_facts(text.header_lines(report), out)
    if report.latencies:
        out.print()
        _print_table(report, out)
        out.print()
    for note in text.note_lines(report):
        out.print(Text(note))
    for warning in text.warning_lines(report):
        out.print(styled(f"warn  {warning}", {"warn": "yellow"}))
    for line in text.beside_lines(report):
        out.print(Text(line))
    for profile in report.extras.operators:
        print_op_profile(profile, out)
    verdict = text.verdict_line(report)
    print_lines([line for line in text.judged_lines(report) if line != verdict], out)


def _print_table(report: BenchReport, out: Console) -> None:
    table = plain_table()
    for name in text.columns(report):
        table.add_column(name, justify="left" if name == "case" else "right")
    for number in range(len(report.latencies)):
        style = "green" if number == report.best else ""
        table.add_row(*map(Text, text.row(report, number)), style=style)
    out.print(table)
