"""``tsharness.benchmark``: latency of an artifact's cases in the C++ runner."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsharness.bench.baseline import compare_with, exit_code, read_baseline
from tsharness.bench.capacity import with_rates
from tsharness.bench.extras import extras_of
from tsharness.bench.gpu import GpuWatch
from tsharness.bench.judge import Subject, is_precise, report_of
from tsharness.bench.machine import FILES, Machine, machine_of_texts, read_machine
from tsharness.bench.measure import Measurer
from tsharness.bench.options import BenchOptions
from tsharness.bench.points import points_of
from tsharness.bench.report import BenchReport
from tsharness.bench.samples import keep_samples
from tsharness.bench.scenarios import scenario_by_name
from tsharness.bench.slo import search_rate
from tsharness.hosts.launching import launcher_for, nobody_hears
from tsharness.inspection.gate import refuse_dangers
from tsharness.runner.cage import Sandbox, parse_sandbox
from tsharness.runner.launch import Launcher
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.runtimes.registry import runtime_of
from tsharness.verdict import worst
from tsharness.verification.plan import Plan, VerifyOptions, find_cases, plan_cases


def benchmark(
    path: str | Path,
    *,
    cases: str | Path | None = None,
    only: Sequence[str] = (),
    kind: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    runner: str = "installed",
    host: str | None = None,
    cpu_capability: str | None = None,
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
    bytes by name ("p99", "first", "load", "memory", "size"), and a number of "instructions". ``counter``:
    "instructions". ``profile``: time by operator. ``against``: "python", with the eager model of
    ``reference``. ``samples``: a file for every sample.

    Raises UsageError for options that do not fit or without inputs, ArtifactError if the artifact does not
    load, RefusedError if it can do more than compute, and the other errors of the tree as they occur; a case
    that fails by itself is in ``.errors``. After an interrupt (Ctrl-C) the report is of the processes that
    had ended, and says that it is incomplete."""
    options = BenchOptions(
        cases=Path(cases) if cases else None,
        only=tuple(only),
        kind=kind,
        device=device,
        threads=threads,
        runner=runner,
        host=host,
        cpu_capability=cpu_capability,
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


def benchmark_artifact(
    artifact: Path,
    options: BenchOptions,
    hooks: Hooks = NO_HOOKS,
    say: Callable[[str], None] = nobody_hears,
) -> BenchReport:
    """As ``benchmark``; ``hooks`` hears every process's events, ``say`` of what takes long besides."""
    options.check()
    sandbox = parse_sandbox(options.sandbox)
    runtime = runtime_of(artifact, options.kind)
    options = replace(options, kind=runtime.name)
    caged, libraries = sandbox is not Sandbox.OFF, bool(options.libraries)
    judged = refuse_dangers(artifact, options.allow_ops, libraries, as_kind=options.kind, caged=caged)
    with closing(
        launcher_for(options.runner, options.host, options.cpu_capability, sandbox, say, runtime)
    ) as launcher:
        launcher.judged[artifact.absolute()] = judged.for_job()
        return _with_cases(artifact, options, launcher, hooks)


def _with_cases(artifact: Path, options: BenchOptions, launcher: Launcher, hooks: Hooks) -> BenchReport:
    found = find_cases(artifact, options.cases)
    if found is not None:
        return bench_plan(plan_cases(artifact, *found, options.only), options, launcher, hooks)
    from tsharness.verification.synthesized import with_synthesized_cases

    seeking = VerifyOptions(
        reference="none", device=options.device, libraries=options.libraries, sandbox=launcher.sandbox
    )
    return with_synthesized_cases(
        artifact, seeking, launcher, hooks, lambda plan: bench_plan(plan, options, launcher, hooks)
    )


def bench_plan(
    plan: Plan, options: BenchOptions, launcher: Launcher, hooks: Hooks, subject: Subject | None = None
) -> BenchReport:
    """Measures and judges a plan; ``subject``, if that is not here. Raises as ``benchmark``."""
    started, slo = time.monotonic(), None
    baseline = None if options.baseline is None else read_baseline(options.baseline)
    subject = subject or Subject(_machine(launcher, options), plan.artifact.stat().st_size)
    with GpuWatch(options.device) as gpu:
        measurer = Measurer(plan, options, launcher, hooks, [], gpu)
        if options.slo is not None:
            slo = search_rate(measurer, *options.slo)
        else:
            measurer = replace(measurer, options=with_rates(measurer))
            _measure(measurer, started + options.max_seconds)
        extras = extras_of(measurer)
    if not measurer.measured.outcomes:
        raise KeyboardInterrupt
    if options.samples is not None:
        _keep_samples(measurer, options.samples)
    report = report_of(measurer, subject, slo, extras, time.monotonic() - started)
    if baseline is None:
        return report
    since = compare_with(baseline, report, options.margin, options.across_machines)
    return replace(report, since=since, exit_code=worst([report.exit_code, exit_code(since)]))


def _machine(launcher: Launcher, options: BenchOptions) -> Machine:
    texts = launcher.texts(FILES)
    if texts is None:
        return read_machine(options.system_root)
    cores = texts["/proc/cpuinfo"].count("processor\t")
    return machine_of_texts(texts, cores, cores)


def _measure(measurer: Measurer, deadline: float) -> None:
    options = measurer.options
    measurer.points.extend(points_of(options))
    share = options.min_seconds / options.processes
    measurer.rounds(options.processes, share)
    if options.precision is not None:
        measurer.until(lambda: is_precise(measurer), share, deadline)


def _keep_samples(measurer: Measurer, path: Path) -> None:
    """Everything that was measured; latencies alone as CSV."""
    if path.suffix != ".csv":
        keep_samples(path, list(_named(measurer)))
        return
    from tsharness.atomic import atomic_write
    from tsharness.bench.samples_csv import samples_csv

    points, measured = measurer.points, measurer.measured.samples.items()
    named = [
        ({"case": case, "parameters": dict(points[number].values), "process": process}, one.sampled.seconds)
        for (number, case), samples in measured
        for process, one in enumerate(samples)
    ]
    atomic_write(path, samples_csv(named))


def _named(measurer: Measurer) -> Iterator[tuple[dict[str, Any], Any]]:
    """Samples with what they are of."""
    for (number, case), samples in measurer.measured.samples.items():
        for process, one in enumerate(samples):
            values = dict(measurer.points[number].values)
            of = {"case": case, "parameters": values, "process": process}
            yield of, one.rows
            if one.split:
                yield {**of, "split": True}, one.split[1]
