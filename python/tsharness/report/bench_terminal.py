"""Latency on a terminal."""

from __future__ import annotations

from tsharness.bench.report import BenchReport
from tsharness.report import bench_text as text
from tsharness.report.console import PlainTable, Terminal, fold, print_facts, print_lines, words
from tsharness.report.op_profile_terminal import print_op_profile


def print_bench(report: BenchReport, out: Terminal) -> None:
    """Header, a row a case and combination, what the samples do not bear, doubts, limits, verdict."""
    with fold(f"bench {report.path}", out):
        _print_details(report, out)
    print_lines([text.verdict_line(report)], out)


def _print_details(report: BenchReport, out: Terminal) -> None:
    print_facts(text.header_lines(report), out)
    if report.latencies:
        out.print()
        _print_table(report, out)
        out.print()
    for note in text.note_lines(report):
        out.print(words(note))
    print_lines((f"warn  {warning}" for warning in text.warning_lines(report)), out, {"warn": "yellow"})
    for line in text.beside_lines(report):
        out.print(words(line))
    for profile in report.extras.operators:
        print_op_profile(profile, out)
    verdict = text.verdict_line(report)
    print_lines([line for line in text.judged_lines(report) if line != verdict], out)


def _print_table(report: BenchReport, out: Terminal) -> None:
    table = PlainTable()
    for name in text.columns(report):
        table.add_column(name, justify="left" if name == "case" else "right")
    for number in range(len(report.latencies)):
        style = "green" if number == report.best else ""
        table.add_row(*map(words, text.row(report, number)), style=style)
    out.print(table)
