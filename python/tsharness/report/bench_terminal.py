"""Latency on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tsharness.bench.budget import Limit, amount_text
from tsharness.bench.quantiles import LEVELS
from tsharness.bench.report import BenchReport, Latency
from tsharness.report.console import VERDICTS
from tsharness.report.units import seconds, size
from tsharness.verdict import ExitCode

_WORDS = {ExitCode.PASS: "PASS", ExitCode.REGRESSION: "FAIL", ExitCode.INCONCLUSIVE: "INCONCLUSIVE"}


def print_bench(report: BenchReport, out: Console) -> None:
    """Header, a row a case, what the samples do not bear, doubts, limits."""
    runner, machine = report.runner, report.machine
    where = f"{runner.device}, {runner.threads} threads, {runner.cpu_capability}"
    out.print(Text(report.path.rpartition("/")[2], "bold"), Text(f"LibTorch {runner.libtorch} · {where}"))
    out.print(
        Text(f"{machine.cpu}, {machine.affinity} of {machine.cores} cores, load {machine.load:.1f}", "dim")
    )
    if report.latencies:
        processes = len(report.latencies[0].processes)
        facts = (
            f"loaded in {seconds(report.load_seconds)}, peak memory {size(report.peak_memory_bytes)}; "
            f"one caller, inputs stay the same, {processes} processes"
        )
        out.print(Text(facts, "dim"))
        out.print()
        out.print(_table(report))
    for line in _notes(report):
        out.print(Text(line))
    for warning in report.warnings:
        out.print(Text("warn", "yellow").append(f"  {warning}", "not bold default"))
    for limit in report.limits:
        out.print(_limit(limit))
    if report.incomplete:
        ended = len(report.latencies[0].processes) if report.latencies else 0
        out.print(Text("INCOMPLETE", VERDICTS["INCOMPLETE"]).append(f"  interrupted after {ended} processes"))
    for name, problem in report.errors.items():
        out.print(Text("ERROR", "bold red").append(f' case "{name}": {problem.message}', "not bold default"))


def _table(report: BenchReport) -> Table:
    shown = [name for name in LEVELS if any(name in one.quantiles for one in report.latencies)]
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in (
        "case",
        "calls",
        "samples",
        "first",
        "median",
        "98% interval",
        *shown[1:],
        "min",
        "processes",
    ):
        table.add_column(name, justify="left" if name == "case" else "right")
    for latency in report.latencies:
        middle = latency.quantiles.get("p50")
        tails = [latency.quantiles.get(name) for name in shown[1:]]
        table.add_row(
            Text(latency.case),
            str(latency.calls),
            str(len(latency.samples)),
            seconds(latency.first),
            seconds(latency.median),
            f"{seconds(middle.low)} to {seconds(middle.high)}" if middle else "-",
            *(seconds(one.seconds) if one else "-" for one in tails),
            seconds(latency.minimum),
            f"{seconds(min(latency.processes))} to {seconds(max(latency.processes))}",
        )
    return table


def _notes(report: BenchReport) -> list[str]:
    """What is missing from the table, and why."""
    least: Latency | None = min(report.latencies, key=lambda one: len(one.samples), default=None)
    if least is None or not least.needed:
        return []
    needs = ", ".join(f"{name} needs {count}" for name, count in least.needed.items())
    return [f'samples: {needs}; case "{least.case}" has {len(least.samples)} (--min-time)']


def _limit(limit: Limit) -> Text:
    case = f' of case "{limit.case}"' if limit.case else ""
    word = _WORDS[limit.exit_code]
    said = f"  {limit.name}{case}: {limit.seen} (at most {amount_text(limit.name, limit.most)})"
    return Text(word, VERDICTS[word]).append(said, "not bold default")
