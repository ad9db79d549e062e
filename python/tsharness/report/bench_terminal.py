"""Latency on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tsharness.bench.baseline import INTERLEAVED
from tsharness.bench.budget import Limit, amount_text
from tsharness.bench.points import value_text
from tsharness.bench.quantiles import LEVELS
from tsharness.bench.report import BenchReport, Latency
from tsharness.bench.slo import Slo
from tsharness.report.console import VERDICTS
from tsharness.report.op_profile_terminal import print_op_profile
from tsharness.report.units import seconds, size
from tsharness.verdict import ExitCode

_WORDS = {ExitCode.PASS: "PASS", ExitCode.REGRESSION: "FAIL", ExitCode.INCONCLUSIVE: "INCONCLUSIVE"}
_SCENARIOS = {
    "latency": "one caller, who asks again at once",
    "throughput": "callers who ask again at once",
    "server": "requests of a Poisson process; latency from the time at which each should have been sent",
    "paced": "bursts with idle time between them",
}


def print_bench(report: BenchReport, out: Console) -> None:
    """Header, a row a case and combination, what the samples do not bear, doubts, limits."""
    for line in _header(report):
        out.print(line)
    if report.latencies:
        out.print()
        out.print(_table(report))
    for note in _notes(report):
        out.print(Text(note))
    for warning in [*report.warnings, *_unstable(report)]:
        out.print(Text("warn", "yellow").append(f"  {warning}", "not bold default"))
    for latency in report.latencies:
        for difference in latency.differences:
            out.print(
                Text("FAIL", VERDICTS["FAIL"]).append(
                    f"  {_name(latency)}: {difference}; verify says why", "not bold default"
                )
            )
    for text in _besides(report):
        out.print(text)
    if report.slo is not None:
        out.print(_slo(report.slo))
    for limit in report.limits:
        out.print(_limit(limit))
    if report.incomplete:
        ended = len(report.latencies[0].processes) if report.latencies else 0
        out.print(Text("INCOMPLETE", VERDICTS["INCOMPLETE"]).append(f"  interrupted after {ended} processes"))
    for profile in report.extras.operators:
        print_op_profile(profile, out)
    for name, problem in report.errors.items():
        out.print(Text("ERROR", "bold red").append(f' case "{name}": {problem.message}', "not bold default"))


def _header(report: BenchReport) -> Iterator[Text]:
    runner, machine = report.runner, report.machine
    where = f"{runner.device}, {runner.threads} threads, {runner.cpu_capability}"
    yield Text(report.path.rpartition("/")[2], "bold") + Text(
        f" LibTorch {runner.libtorch} · {where}", "not bold"
    )
    yield Text(f"{machine.cpu}, {machine.affinity} of {machine.cores} cores, load {machine.load:.1f}", "dim")
    if report.device:
        yield Text(_device(report), "dim")
    if not report.latencies:
        return
    first = report.latencies[0]
    facts = (
        f"loaded in {seconds(report.load_seconds)}, peak memory {size(report.peak_memory_bytes)}; "
        f"{_SCENARIOS[report.scenario]}, {_many(len(first.processes), 'process', 'es')}"
    )
    yield Text(facts, "dim")
    yield Text(_inputs(report, first), "dim")


def _device(report: BenchReport) -> str:
    of = report.device
    told = [f"{of['name']}, driver {of['driver']}"]
    for name, unit in (("clock_mhz", "MHz"), ("temperature", "°C"), ("power_watts", "W")):
        if name in of:
            low, high = of[name]
            told.append(f"{low:.0f} to {high:.0f} {unit}")
    return ", ".join(told)


def _inputs(report: BenchReport, first: Latency) -> str:
    kept = (
        f"inputs rotate among {first.input_copies} copies of {size(first.input_bytes)}"
        if report.inputs == "rotate"
        else f"inputs stay the same ({size(first.input_bytes)})"
    )
    checked = sum(one.checked for one in report.latencies)
    compared = f"{checked} outputs compared with the cases" if checked else "outputs not compared"
    return f"{kept}; {compared}; cases {report.cases_from}"


def _table(report: BenchReport) -> Table:
    shown = [name for name in LEVELS if any(name in one.quantiles for one in report.latencies)]
    parameters = list(report.latencies[0].parameters)
    facts = list(dict.fromkeys(name for one in report.latencies for name in one.facts))
    energy = any(one.joules is not None for one in report.latencies)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in (
        "case",
        *parameters,
        "calls",
        "samples",
        "a second",
        "first",
        "warm-up",
        "median",
        "98% interval",
        *shown[1:],
        "min",
        "processes",
        *facts,
        *(["energy"] if energy else []),
    ):
        table.add_column(name, justify="left" if name == "case" else "right")
    for number, latency in enumerate(report.latencies):
        best = number == report.best
        table.add_row(
            Text(f"{latency.case} (best)" if best else latency.case),
            *(value_text(value) for value in latency.parameters.values()),
            *_figures(latency, shown[1:]),
            *(seconds(latency.facts[name]) if name in latency.facts else "-" for name in facts),
            *([f"{latency.joules:.3g} J" if latency.joules is not None else "-"] if energy else []),
            style="green" if best else "",
        )
    return table


def _figures(latency: Latency, tails: list[str]) -> Iterator[str]:
    middle = latency.quantiles.get("p50")
    yield str(latency.calls)
    yield str(latency.count)
    yield f"{latency.per_second:.4g}"
    yield seconds(latency.first)
    yield f"{latency.warmup.calls} calls"
    yield seconds(latency.median)
    yield f"{seconds(middle.low)} to {seconds(middle.high)}" if middle else "-"
    for name in tails:
        found = latency.quantiles.get(name)
        yield seconds(found.seconds) if found else "-"
    yield seconds(latency.minimum)
    yield f"{seconds(min(latency.processes))} to {seconds(max(latency.processes))}"


def _notes(report: BenchReport) -> Iterator[str]:
    """What is missing from the table, and why; and what a GPU waits for."""
    least: Latency | None = min(report.latencies, key=lambda one: one.count, default=None)
    if least is not None and least.needed:
        needs = ", ".join(f"{name} needs {count}" for name, count in least.needed.items())
        yield f"samples: {needs}; {_name(least)} has {least.count} (--min-time)"
    for latency in report.latencies:
        if latency.bottleneck:
            yield f"bottleneck of {_name(latency)}: {latency.bottleneck}"


def _unstable(report: BenchReport) -> Iterator[str]:
    for latency in report.latencies:
        if latency.unstable:
            yield f"{_name(latency)} is unstable: {'; '.join(latency.unstable)}"


def _name(latency: Latency) -> str:
    parameters = ", ".join(f"{name}={value_text(value)}" for name, value in latency.parameters.items())
    return f'case "{latency.case}"' + (f" ({parameters})" if parameters else "")


def _besides(report: BenchReport) -> Iterator[Text]:
    counted = report.extras.instructions
    for case, number in counted.by_case.items() if counted else ():
        with_ = f"{_many(counted.threads, 'thread')}, counted by {counted.counter}" if counted else ""
        yield Text(f'instructions of case "{case}": {number:.6g} a call, {with_}')
    for one in report.extras.python:
        how = "torch.jit in Python" if one.how == "jit" else "the eager model"
        yield Text(
            f'{how}, case "{one.case}": {seconds(one.seconds)}, {one.effect.ratio:.3f} of the runner '
            f"({one.effect.low:.3f} to {one.effect.high:.3f})"
        )
    for since in report.since:
        effect = since.effect
        yield Text(
            f'since the baseline, case "{since.case}": {since.change}, {effect.ratio:.3f} '
            f"({effect.low:.3f} to {effect.high:.3f})"
        )
    if report.since:
        yield Text(f"note: {INTERLEAVED}", "dim")


def _many(number: int, noun: str, plural: str = "s") -> str:
    """ "1 thread", "2 threads"."""
    return f"{number} {noun}{plural if number > 1 else ''}"


def _slo(slo: Slo) -> Text:
    word = "PASS" if slo.rate is not None else "FAIL" if slo.above is not None else "INCONCLUSIVE"
    limit = f"{slo.statistic} at most {seconds(slo.most)}"
    if slo.rate is None and slo.above is None:
        said = f"no rate that holds {limit} is known yet"
    elif slo.rate is None:
        said = f"no rate that was tried holds {limit}; the lowest was {slo.above:.4g} a second"
    else:
        more = f"; {slo.above:.4g} do not" if slo.above is not None else ", as much as it can serve at all"
        said = f"{slo.rate:.4g} requests a second hold {limit}{more}"
    return Text(word, VERDICTS[word]).append(f"  {said}", "not bold default")


def _limit(limit: Limit) -> Text:
    case = f' of case "{limit.case}"' if limit.case else ""
    word = _WORDS[limit.exit_code]
    said = f"  {limit.name}{case}: {limit.seen} (at most {amount_text(limit.name, limit.most)})"
    return Text(word, VERDICTS[word]).append(said, "not bold default")
