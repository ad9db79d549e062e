"""``tsharness.benchmark``: latency of an artifact's cases in the C++ runner."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from tsharness.bench.baseline import compare_with, exit_code, read_baseline
from tsharness.bench.budget import Limit, judge
from tsharness.bench.capacity import with_rates
from tsharness.bench.extras import extras_of
from tsharness.bench.gpu import GpuWatch
from tsharness.bench.machine import read_machine
from tsharness.bench.measure import Measured, Measurer
from tsharness.bench.options import BenchOptions
from tsharness.bench.places import is_dim
from tsharness.bench.points import Point, points_of
from tsharness.bench.report import BenchReport, Latency
from tsharness.bench.samples import keep_samples
from tsharness.bench.scenarios import scenario_by_name
from tsharness.bench.slo import Slo, search_rate
from tsharness.bench.summarize import summarize
from tsharness.inspection.gate import refuse_dangers
from tsharness.report.model import RunnerInfo
from tsharness.runner.cage import parse_sandbox
from tsharness.runner.find import find_runner
from tsharness.runner.launch import Launcher
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.verdict import ExitCode, worst
from tsharness.verification.plan import Plan, VerifyOptions, find_cases, plan_cases


def benchmark(
    path: str | Path,
    *,
    cases: str | Path | None = None,
    only: Sequence[str] = (),
    device: str = "cpu",
    threads: int | None = None,
    libraries: Sequence[str | Path] = (),
    scenario: str = "latency",
    sweep: Mapping[str, Sequence[Any]] | None = None,
    min_seconds: float = 1.0,
    max_seconds: float = 60.0,
    precision: float | None = None,
    statistic: str = "p50",
    processes: int = 3,
    inputs: str = "same",
    slo: tuple[str, float] | None = None,
    budget: Mapping[str, float] | None = None,
    counter: str | None = None,
    profile: bool = False,
    against: str | None = None,
    reference: str | None = None,
    samples: str | Path | None = None,
    allow_ops: Sequence[str] = (),
    sandbox: str = "auto",
    timeout: float = 600.0,
) -> BenchReport:
    """Warms each case up until its time no longer changes, then times its calls one by one for at least
    ``min_seconds``, a share of it in each of several fresh processes: where memory lies differs between them.

    ``scenario``: "latency", "throughput", "server" or "paced" (docs/latency.md). ``sweep``: values by the
    name of a parameter, every combination of which is measured. ``precision``: go on until the interval of
    ``statistic`` is narrower than this share, or ``max_seconds`` are over. ``slo``: a percentile and its
    limit in seconds, ("p99", 0.02), whose highest rate is sought. ``budget``: limits in seconds and
    bytes by name ("p99", "first", "load", "memory", "size"). ``counter``: "instructions". ``profile``: time
    by operator. ``against``: "python", with the eager model of ``reference``. ``samples``: a file for every
    sample.

    Raises UsageError for options that do not fit or without inputs, ArtifactError if the artifact does not
    load, RefusedError if it can do more than compute, and the other errors of the tree as they occur; a case
    that fails by itself is in ``.errors``. After an interrupt (Ctrl-C) the report is of the processes that
    had ended, and says that it is incomplete."""
    options = BenchOptions(
        cases=Path(cases) if cases else None,
        only=tuple(only),
        device=device,
        threads=threads,
        libraries=tuple(map(Path, libraries)),
        allow_ops=tuple(allow_ops),
        sandbox=sandbox,
        timeout=timeout,
        scenario=scenario_by_name(scenario),
        sweep={name: tuple(values) for name, values in (sweep or {}).items()},
        min_seconds=min_seconds,
        max_seconds=max_seconds,
        precision=precision,
        statistic=statistic,
        processes=processes,
        inputs=inputs,
        slo=slo,
        budget=budget or {},
        counter=counter,
        profile=profile,
        against=against,
        reference=reference,
        samples=Path(samples) if samples else None,
    )
    return benchmark_artifact(Path(path), options)


def benchmark_artifact(artifact: Path, options: BenchOptions, hooks: Hooks = NO_HOOKS) -> BenchReport:
    """As ``benchmark``; ``hooks`` hears every process's events."""
    options.check()
    launcher = Launcher(find_runner(), parse_sandbox(options.sandbox))
    refuse_dangers(artifact, options.allow_ops, bool(options.libraries))
    found = find_cases(artifact, options.cases)
    if found is not None:
        return _of_plan(plan_cases(artifact, *found, options.only), options, launcher, hooks)
    from tsharness.verification.synthesized import with_synthesized_cases

    seeking = VerifyOptions(
        reference="none", device=options.device, libraries=options.libraries, sandbox=launcher.sandbox
    )
    return with_synthesized_cases(
        artifact, seeking, launcher, hooks, lambda plan: _of_plan(plan, options, launcher, hooks)
    )


def _of_plan(plan: Plan, options: BenchOptions, launcher: Launcher, hooks: Hooks) -> BenchReport:
    started, slo = time.monotonic(), None
    baseline = None if options.baseline is None else read_baseline(options.baseline)
    machine = read_machine(options.system_root)
    with GpuWatch(options.device) as gpu:
        measurer = Measurer(plan, options, launcher, hooks, [], gpu)
        if options.slo is not None:
            slo = search_rate(measurer, *options.slo)
        else:
            measurer = replace(measurer, options=with_rates(measurer))
            _measure(measurer, started + options.max_seconds)
        extras = extras_of(measurer)
    options, points, measured = measurer.options, measurer.points, measurer.measured
    if not measured.outcomes:
        raise KeyboardInterrupt
    hello = measured.outcomes[0].hello
    assert hello is not None
    info = RunnerInfo.from_hello(hello, options.device)
    latencies = tuple(_latencies(measurer))
    loads = [event for outcome in measured.outcomes for event in outcome.results("load")]
    load_seconds = median(event["seconds"] for event in loads)
    events = [one.event for samples in measured.samples.values() for one in samples]
    memory = max(event["peak_memory_bytes"] for event in [*loads, *events])
    size = plan.artifact.stat().st_size
    limits = tuple(judge(options.budget, latencies, load_seconds, memory, size))
    if options.samples is not None:
        keep_samples(options.samples, list(_named(points, measured)))
    report = BenchReport(
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
        errors={_key(points, key): error for key, error in measured.errors.items()},
        limits=limits,
        warnings=(*machine.warnings(info), *gpu.warnings(), *_imprecise(latencies, options)),
        exit_code=_exit_code(measured, latencies, limits, options, slo),
        seconds=time.monotonic() - started,
        samples_file=str(options.samples) if options.samples else None,
        incomplete=launcher.interrupted,
        device=gpu.facts(),
    )
    if baseline is None:
        return report
    since = compare_with(baseline, report, options.margin, options.across_machines)
    return replace(report, since=since, exit_code=worst([report.exit_code, exit_code(since)]))


def _measure(measurer: Measurer, deadline: float) -> None:
    options = measurer.options
    measurer.points.extend(points_of(options))
    share = options.min_seconds / options.processes
    measurer.rounds(options.processes, share)
    if options.precision is not None:
        measurer.until(lambda: _precise(measurer, options), share, deadline)


def _latencies(measurer: Measurer) -> Iterator[Latency]:
    """Of what was measured, in the order of the cases: those behind one that ended the process were not."""
    varied = {**measurer.options.scenario.parameters, **measurer.options.sweep}
    for summary in measurer.plan.cases:
        for number, point in enumerate(measurer.points):
            samples = measurer.measured.samples.get((number, summary.name))
            if samples and (number, summary.name) not in measurer.measured.errors:
                parameters = {name: point.values[name] for name in varied}
                yield summarize(summary.name, samples, parameters, measurer.options.statistic)


def _precise(measurer: Measurer, options: BenchOptions) -> bool:
    assert options.precision is not None
    found = [latency.interval for latency in _latencies(measurer)]
    return all(one is not None and one.precision <= options.precision for one in found)


def _imprecise(latencies: Sequence[Latency], options: BenchOptions) -> Iterator[str]:
    """What was asked for and not reached."""
    for latency in latencies:
        interval = latency.interval
        if options.precision is None or (interval and interval.precision <= options.precision):
            continue
        seen = f"{interval.precision:.1%}" if interval else "unknown with one process"
        why = f" ({latency.unstable[0]})" if latency.unstable else ""
        yield (
            f'case "{latency.case}": the precision of {options.statistic} is {seen}, not '
            f"{options.precision:.1%}{why}; --max-time {2 * options.max_seconds:.0f} gives it more"
        )


def _exit_code(
    measured: Measured,
    latencies: Sequence[Latency],
    limits: Sequence[Limit],
    options: BenchOptions,
    slo: Slo | None,
) -> ExitCode:
    codes = [*(one.exit_code for one in measured.errors.values()), *(one.exit_code for one in limits)]
    if any(latency.differences for latency in latencies):
        codes.append(ExitCode.FAILED)
    if slo is not None and slo.rate is None:
        codes.append(ExitCode.REGRESSION)
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


def _named(points: Sequence[Point], measured: Measured) -> Iterator[tuple[dict[str, Any], Any]]:
    """Samples with what they are of."""
    for (number, case), samples in measured.samples.items():
        for process, one in enumerate(samples):
            of = {"case": case, "parameters": dict(points[number].values), "process": process}
            yield of, one.rows
            if one.split:
                yield {**of, "split": True}, one.split[1]
