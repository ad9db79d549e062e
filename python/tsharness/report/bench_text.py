"""Latency in words."""

from __future__ import annotations

from collections.abc import Iterator

from tsharness.bench.baseline import INTERLEAVED, Since
from tsharness.bench.budget import Limit, amount_text
from tsharness.bench.points import value_text
from tsharness.bench.quantiles import LEVELS
from tsharness.bench.report import BenchReport, Latency
from tsharness.bench.slo import Slo
from tsharness.report.units import many, seconds, size
from tsharness.verdict import ExitCode

_WORDS = {ExitCode.PASS: "PASS", ExitCode.REGRESSION: "FAIL", ExitCode.INCONCLUSIVE: "INCONCLUSIVE"}
CHANGES = {"slower": "FAIL", "more": "FAIL", "inconclusive": "INCONCLUSIVE"}
"""Words of those that do not pass."""
_SCENARIOS = {
    "latency": "one caller, who asks again at once",
    "throughput": "callers who ask again at once",
    "server": "requests of a Poisson process; latency from the time at which each should have been sent",
    "paced": "bursts with idle time between them",
}


def header_lines(report: BenchReport) -> Iterator[tuple[str, str]]:
    """Label and text of what was measured, and on what."""
    runner, machine = report.runner, report.machine
    varied = any("threads" in latency.parameters for latency in report.latencies)
    where = runner.where(threads=not varied)
    yield report.path.rpartition("/")[2], f"LibTorch {runner.libtorch} · {where}"
    yield (
        "machine",
        f"{machine.cpu}, {machine.affinity} of {machine.cores} cores, load {machine.load:.1f}",
    )
    if "name" in report.device:
        yield "device", _device(report)
    if not report.latencies:
        return
    first = report.latencies[0]
    way = _SCENARIOS.get(report.scenario, report.scenario)
    yield (
        "method",
        f"{way}, {many(len(first.processes), 'process', 'es')}; loaded in "
        f"{seconds(report.load_seconds)}, peak memory {size(report.peak_memory_bytes)}",
    )
    yield "inputs", _inputs(report, first)


def _device(report: BenchReport) -> str:
    of = report.device
    told = [f"{of['name']}, driver {of.get('driver')}"]
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


def columns(report: BenchReport) -> tuple[str, ...]:
    """Of the table: percentiles and facts as far as some row has them."""
    energy = any(one.joules is not None for one in report.latencies)
    return (
        "case",
        *report.latencies[0].parameters,
        *("calls", "samples", "a second", "first", "warm-up", "median", "98% interval"),
        *_tails(report),
        *("min", "processes"),
        *_facts(report),
        *(["energy"] if energy else []),
    )


def row(report: BenchReport, number: int) -> tuple[str, ...]:
    """Texts below the columns, of the latency of that number."""
    latency = report.latencies[number]
    energy = any(one.joules is not None for one in report.latencies)
    joules = f"{latency.joules:.3g} J" if latency.joules is not None else "-"
    return (
        f"{latency.case} (best)" if number == report.best else latency.case,
        *(value_text(value) for value in latency.parameters.values()),
        *_figures(latency, _tails(report)),
        *(seconds(latency.facts[name]) if name in latency.facts else "-" for name in _facts(report)),
        *([joules] if energy else []),
    )


def _tails(report: BenchReport) -> list[str]:
    names = list(LEVELS)[1:]
    return [name for name in names if any(name in one.quantiles for one in report.latencies)]


def _facts(report: BenchReport) -> list[str]:
    return list(dict.fromkeys(name for one in report.latencies for name in one.facts))


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


def note_lines(report: BenchReport) -> Iterator[str]:
    """What is missing from the table, and why; what a GPU waits for; what else was counted."""
    least: Latency | None = min(report.latencies, key=lambda one: one.count, default=None)
    if least is not None and least.needed:
        needs = ", ".join(f"{name} needs {count}" for name, count in least.needed.items())
        yield f"samples: {needs}; {point_name(least)} has {least.count} (--min-time)"
    for latency in report.latencies:
        if latency.bottleneck:
            yield f"bottleneck of {point_name(latency)}: {latency.bottleneck}"


def warning_lines(report: BenchReport) -> Iterator[str]:
    """What makes the figures doubtful."""
    yield from report.warnings
    for latency in report.latencies:
        if latency.changed:
            yield (
                f"{point_name(latency)}: calls change {', '.join(latency.changed[:3])} of the module, and "
                "behind the timing it does not give the case's outputs: what was timed is not proved to be "
                "right; a case that is a sequence says what later calls give"
            )
        if latency.unstable:
            yield f"{point_name(latency)} is unstable: {'; '.join(latency.unstable)}"


def difference_lines(report: BenchReport) -> Iterator[str]:
    """Outputs that were wrong while they were timed."""
    for latency in report.latencies:
        for difference in latency.differences:
            yield f"{point_name(latency)}: {difference}; verify says why"


def point_name(latency: Latency) -> str:
    """The case and what was varied."""
    parameters = ", ".join(f"{name}={value_text(value)}" for name, value in latency.parameters.items())
    return f'case "{latency.case}"' + (f" ({parameters})" if parameters else "")


def beside_lines(report: BenchReport) -> Iterator[str]:
    """Instructions, Python, the baseline."""
    counted = report.extras.instructions
    for case, number in counted.by_case.items() if counted else ():
        with_ = f"{many(counted.threads, 'thread')}, counted by {counted.counter}" if counted else ""
        yield f'instructions of case "{case}": {number:,.0f} a call, {with_}'
    for one in report.extras.python:
        how = "torch.jit in Python" if one.how == "jit" else "the eager model"
        yield (
            f'{how}, case "{one.case}": {seconds(one.seconds)}, {one.effect.ratio:.3f} of the runner '
            f"({one.effect.low:.3f} to {one.effect.high:.3f})"
            + (f" · cage: {one.uncaged}" if one.uncaged else "")
        )
    for since in report.since:
        yield since_line(since)
    if report.since:
        yield f"note: {INTERLEAVED}"


def since_line(since: Since) -> str:
    """What became of which case since the baseline."""
    of = f"{since.counter} of " if since.counter else ""
    return f'since the baseline, {of}case "{since.case}": {since_text(since)}'


def since_text(since: Since) -> str:
    """What became of a case since the baseline."""
    effect = since.effect
    interval = "" if since.counter else f" ({effect.low:.3f} to {effect.high:.3f})"
    return f"{since.change}, {effect.ratio:.{4 if since.counter else 3}f} of what it was{interval}"


def slo_line(slo: Slo) -> str:
    """The verdict and what was found."""
    word = "PASS" if slo.rate is not None else "FAIL" if slo.above is not None else "INCONCLUSIVE"
    limit = f"{slo.statistic} at most {seconds(slo.most)}"
    if slo.rate is None and slo.above is None:
        said = f"no rate that holds {limit} is known yet"
    elif slo.rate is None:
        said = f"no rate that was tried holds {limit}; the lowest was {slo.above:.4g} a second"
    else:
        more = f"; {slo.above:.4g} do not" if slo.above is not None else ", as much as it can serve at all"
        said = f"{slo.rate:.4g} requests a second hold {limit}{more}"
    return f"{word}  {said}"


def limit_line(limit: Limit) -> str:
    """The verdict on a limit, and what was seen."""
    case = f' of case "{limit.case}"' if limit.case else ""
    most = amount_text(limit.name, limit.most)
    return f"{_WORDS[limit.exit_code]}  {limit.name}{case}: {limit.seen} (at most {most})"


def error_lines(report: BenchReport) -> Iterator[str]:
    """Cases that could not be measured, and what could not be had besides."""
    for name, problem in report.errors.items():
        yield f'ERROR case "{name}": {problem.message}'
    for one in report.extras.missing:
        yield f"ERROR {one.what}: {one.message}"


def judged_lines(report: BenchReport) -> Iterator[str]:
    """Wrong outputs, what was demanded, and what could not be measured, each with its verdict."""
    yield from (f"FAIL  {line}" for line in difference_lines(report))
    if report.slo is not None:
        yield slo_line(report.slo)
    yield from map(limit_line, report.limits)
    yield from error_lines(report)


def verdict_line(report: BenchReport) -> str:
    """In one line: the worst of what was demanded, or the first median."""
    if report.incomplete:
        ended = len(report.latencies[0].processes) if report.latencies else 0
        return f"INCOMPLETE  interrupted after {many(ended, 'process', 'es')}"
    word = _WORDS.get(report.exit_code, "ERROR" if any(error_lines(report)) else "FAIL")
    told = list(judged_lines(report))
    told += [f"{word}  {since_line(one)}" for one in report.since if CHANGES.get(one.change) == word]
    same = [line for line in told if line.startswith(word)]
    if same and word != "PASS":
        return same[0]
    if not report.latencies:
        return f"{word}  nothing was measured"
    shown = report.best if report.best in range(len(report.latencies)) else 0
    best = report.latencies[shown or 0]
    of = f"{seconds(best.median)} a call, median of {best.count} samples, {point_name(best)}"
    return f"{word}  {of}"
