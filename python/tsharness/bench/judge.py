"""What the processes of a measurement have said, judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tsharness.bench.budget import Limit, judge
from tsharness.bench.extras import Extras
from tsharness.bench.machine import Machine
from tsharness.bench.measure import Measured, Measurer
from tsharness.bench.options import BenchOptions
from tsharness.bench.places import is_dim
from tsharness.bench.points import Point
from tsharness.bench.report import BenchReport, Latency
from tsharness.bench.slo import Slo
from tsharness.bench.summarize import summarize
from tsharness.report.model import RunnerInfo
from tsharness.verdict import ExitCode, worst
from tsharness.verification.plan import Plan


@dataclass(frozen=True)
class Subject:
    """What is measured, and on what."""

    machine: Machine
    size: int
    """Bytes of the artifact."""


def report_of(
    measurer: Measurer, subject: Subject, slo: Slo | None, extras: Extras, seconds: float
) -> BenchReport:
    """Of everything that was measured, in so many seconds; at least one process must have ended."""
    plan, options, measured = measurer.plan, measurer.options, measurer.measured
    hello = measured.outcomes[0].hello
    assert hello is not None
    info = RunnerInfo.from_hello(hello, options.device, options.runner, measurer.launcher.place)
    latencies = tuple(_latencies(measurer))
    loads = [event for outcome in measured.outcomes for event in outcome.results("load")]
    load_seconds = median(event["seconds"] for event in loads)
    events = [one.event for samples in measured.samples.values() for one in samples]
    memory = max(event["peak_memory_bytes"] for event in [*loads, *events])
    machine, size = subject.machine, subject.size
    counts = extras.instructions.by_case if extras.instructions else {}
    limits = tuple(judge(options.budget, latencies, load_seconds, memory, size, counts))
    doubts = (*machine.warnings(info), *measurer.gpu.warnings(), *_imprecise(latencies, options))
    return BenchReport(
        path=str(plan.artifact),
        size=size,
        runner=info,
        machine=machine,
        scenario=options.scenario.name,
        inputs=options.inputs,
        cases_from=plan.cases_from,
        load_seconds=load_seconds,
        peak_memory_bytes=memory,
        latencies=latencies,
        best=_best(plan, options, latencies, slo),
        slo=slo,
        extras=extras,
        since=(),
        errors={_key(measurer.points, key): error for key, error in measured.errors.items()},
        limits=limits,
        warnings=doubts,
        exit_code=_exit_code(measured, latencies, limits, extras, options, slo),
        seconds=seconds,
        samples_file=str(options.samples) if options.samples else None,
        incomplete=measurer.launcher.interrupted,
        device=measurer.gpu.facts(),
    )


def _latencies(measurer: Measurer) -> Iterator[Latency]:
    """Of what was measured, in the order of the cases: those behind one that ended the process were not."""
    varied = {**measurer.options.scenario.parameters, **measurer.options.sweep}
    for summary in measurer.plan.cases:
        for number, point in enumerate(measurer.points):
            samples = measurer.measured.samples.get((number, summary.name))
            if samples and (number, summary.name) not in measurer.measured.errors:
                parameters = {name: point.values[name] for name in varied}
                yield summarize(summary.name, samples, parameters, measurer.options.statistic)


def is_precise(measurer: Measurer) -> bool:
    """Whether the precision that was asked for is reached, of every case and combination."""
    return not any(_imprecise(tuple(_latencies(measurer)), measurer.options))


def _imprecise(latencies: Sequence[Latency], options: BenchOptions) -> Iterator[str]:
    """What was asked for and not reached."""
    if options.precision is None:
        return
    for latency in latencies:
        interval = latency.interval
        if options.statistic in latency.needed:
            needed = latency.needed[options.statistic]
            seen = f"{options.statistic} needs {needed} samples, has {latency.count}"
        elif interval is None:
            seen = "the precision of one process is not known (--processes)"
        elif interval.precision > options.precision:
            reached = f"the precision of {options.statistic} is {interval.precision:.1%}"
            seen = f"{reached}, not {options.precision:.1%}"
        else:
            continue
        why = f" ({latency.unstable[0]})" if latency.unstable else ""
        yield f'case "{latency.case}": {seen}{why}; --max-time {2 * options.max_seconds:.0f} gives it more'


def _exit_code(
    measured: Measured,
    latencies: Sequence[Latency],
    limits: Sequence[Limit],
    extras: Extras,
    options: BenchOptions,
    slo: Slo | None,
) -> ExitCode:
    codes = [*(one.exit_code for one in measured.errors.values()), *(one.exit_code for one in limits)]
    codes += [one.exit_code for one in extras.missing]
    if any(latency.differences for latency in latencies):
        codes.append(ExitCode.FAILED)
    if slo is not None and slo.rate is None:
        codes.append(ExitCode.INCONCLUSIVE if slo.above is None else ExitCode.REGRESSION)
    if any(_imprecise(latencies, options)):
        codes.append(ExitCode.INCONCLUSIVE)
    return worst(codes)


def _best(plan: Plan, options: BenchOptions, latencies: Sequence[Latency], slo: Slo | None) -> int | None:
    """The rate that a search has found; the point with the most work done a second where that is asked;
    else the one with the lowest median."""
    if len(latencies) < 2 or len({one.case for one in latencies}) > 1:
        return None
    if options.scenario.name == "server":
        rates = [one.parameters["rate"] for one in latencies]
        return rates.index(slo.rate) if slo is not None and slo.rate in rates else None
    dims = [name for name in options.sweep if is_dim(plan, name)]
    if options.scenario.name == "throughput" or dims:

        def work(number: int) -> float:
            items = 1.0
            for name in dims:
                items *= latencies[number].parameters[name]
            return items * latencies[number].per_second

        return max(range(len(latencies)), key=work)
    return min(range(len(latencies)), key=lambda number: latencies[number].median)


def _key(points: Sequence[Point], key: tuple[int, str]) -> str:
    label = points[key[0]].label
    return f"{key[1]}, {label}" if label else key[1]
