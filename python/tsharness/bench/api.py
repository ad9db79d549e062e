"""``tsharness.benchmark``: latency of an artifact's cases in the C++ runner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from tsharness.bench.budget import judge
from tsharness.bench.machine import read_machine
from tsharness.bench.report import BenchReport, Latency, summarize
from tsharness.errors import UsageError
from tsharness.inspection.gate import refuse_dangers
from tsharness.report.model import CaseError, RunnerInfo
from tsharness.runner.cage import parse_sandbox
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.process import NO_HOOKS, Event, Hooks, Outcome, run_job
from tsharness.runner.steps import case_errors, default_memory_limit, raise_for_process
from tsharness.verdict import worst
from tsharness.verification.plan import find_cases, no_cases_error, plan_cases

_UNSTEADY = 0.1
"""Relative range of the processes' medians from which on it is told."""


def benchmark(
    path: str | Path,
    *,
    cases: Path | None = None,
    only: tuple[str, ...] = (),
    device: str = "cpu",
    threads: int | None = None,
    libraries: Sequence[str | Path] = (),
    min_seconds: float = 1.0,
    processes: int = 3,
    budget: Mapping[str, float] = {},
    allow_ops: Sequence[str] = (),
    sandbox: str = "auto",
    timeout: float = 600.0,
    hooks: Hooks = NO_HOOKS,
) -> BenchReport:
    """Warms each case up, then times its calls one by one for at least ``min_seconds``, a share of it in each
    of several fresh processes: where memory lies differs between them. ``budget``: limits in seconds and
    bytes by name ("p99", "first", "load", "memory", "size").

    Raises UsageError without cases, ArtifactError if the artifact does not load, RefusedError if
    it can do more than compute, and the other errors of the tree as they occur; a case
    that fails by itself is in ``.errors``. After an interrupt (Ctrl-C) the report is of the processes that
    had ended, and says that it is incomplete.
    """
    if processes < 1:
        raise UsageError(f"processes must be at least 1, got {processes}")
    artifact, launcher = Path(path), Launcher(find_runner(), parse_sandbox(sandbox))
    refuse_dangers(artifact, allow_ops, bool(libraries))
    found = find_cases(artifact, cases)
    if found is None:
        raise no_cases_error(artifact)
    plan = plan_cases(artifact, *found, only)
    names = [summary.name for summary in plan.cases]
    bench = {"step": "bench", "cases": names, "min_seconds": min_seconds / processes}
    machine = read_machine()
    outcomes = []
    for _ in range(processes):
        job = Job(
            artifact=artifact,
            steps=({"step": "load"}, bench),
            cases=plan.document.location,
            device=device,
            threads=threads,
            libraries=tuple(map(Path, libraries)),
            memory_limit=default_memory_limit(),
        )
        outcome = run_job(job, launcher, timeout, hooks)
        if launcher.interrupted:
            break
        raise_for_process(outcome, artifact)
        outcomes.append(outcome)
    if not outcomes:
        raise KeyboardInterrupt
    errors: dict[str, CaseError] = {}
    for outcome in outcomes:
        errors |= case_errors(outcome)
    latencies = tuple(_latencies([name for name in names if name not in errors], outcomes))
    hello = outcomes[0].hello
    assert hello is not None
    info = RunnerInfo.from_hello(hello, device)
    loads = [event for outcome in outcomes for event in outcome.results("load")]
    load_seconds = median(event["seconds"] for event in loads)
    measured = [event for outcome in outcomes for event in outcome.results("bench")]
    memory = max(event["peak_memory_bytes"] for event in [*loads, *measured])
    size = artifact.stat().st_size
    limits = tuple(judge(budget, latencies, load_seconds, memory, size))
    return BenchReport(
        path=str(artifact),
        size=size,
        runner=info,
        machine=machine,
        load_seconds=load_seconds,
        peak_memory_bytes=memory,
        latencies=latencies,
        errors=errors,
        limits=limits,
        warnings=(*machine.warnings(info), *_unsteady(latencies)),
        exit_code=worst(
            [*(one.exit_code for one in errors.values()), *(one.exit_code for one in limits)],
        ),
        incomplete=launcher.interrupted,
    )


def _latencies(names: Sequence[str], outcomes: Sequence[Outcome]) -> Iterator[Latency]:
    """Of the cases that were measured: those behind one that ended the process were not."""
    for name in names:
        events: list[Event] = [
            event for outcome in outcomes for event in outcome.results("bench") if event["case"] == name
        ]
        if not events:
            continue
        warmups = [event["warmup_seconds"] for event in events]
        timed = [event["timed_seconds"] for event in events]
        yield summarize(name, warmups, timed, events[0]["calls_per_sample"])


def _unsteady(latencies: Sequence[Latency]) -> Iterator[str]:
    """Cases whose processes disagree."""
    for latency in latencies:
        low, high = min(latency.processes), max(latency.processes)
        if high > (1 + _UNSTEADY) * low:
            yield (
                f'case "{latency.case}" is unsteady: the medians of its processes differ by '
                f"{high / low - 1:.0%}; --processes and --min-time give it more"
            )
