"""``tsharness.compare``: is the new one slower? Both run interleaved, in several fresh processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tsharness.bench.compare_report import ComparedCase, ComparedSide, CompareReport
from tsharness.bench.statistics import Change, Effect, Pair, paired_effect
from tsharness.errors import EnvironmentProblem, RunnerCrash, UsageError, error_of_kind
from tsharness.inspection.gate import refuse_dangers
from tsharness.report.model import RunnerInfo
from tsharness.runner.cage import parse_sandbox
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.process import NO_HOOKS, Event, Hooks, Outcome, run_job
from tsharness.runner.steps import case_errors, default_memory_limit
from tsharness.verdict import ExitCode, worst
from tsharness.verification.plan import Plan, find_cases, no_cases_error, plan_cases, tolerance_layer

_FEWEST_PROCESSES = 4
"""With fewer, Student's interval at an error rate of 1% is wider than what anybody asks about."""
_SHARE = 0.6
"""Of a process's time that measuring takes; the rest is its start, which does not depend on it."""
_SHORTEST, _LONGEST = 0.3, 2.0  # seconds of measuring in one process


@dataclass(frozen=True)
class SideOptions:
    """Where one side runs; what is not stated is as for both."""

    device: str | None = None
    threads: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of LibTorch (docs/protocol.md)."""

    @property
    def all_settings(self) -> dict[str, Any]:
        """As jobs carry them."""
        threads = {} if self.threads is None else {"threads": self.threads}
        return {**threads, **self.settings}


@dataclass(frozen=True)
class CompareOptions:
    """How to compare."""

    cases: Path | None = None
    only: tuple[str, ...] = ()
    """Cases by name; the first one if empty."""
    device: str = "cpu"
    threads: int | None = None
    base: SideOptions = SideOptions()
    new: SideOptions = SideOptions()
    max_time: float = 10.0
    """Seconds for all of it."""
    margin: float = 0.02
    """Relative change that does not matter."""
    max_regression: float | None = None
    """Relative change from which on it fails; ``None``: any slowdown beyond the margin."""
    error_rate: float = 0.01
    """Of the interval: how often a case that has not changed may be called changed."""
    tolerance: Mapping[str, Any] = field(default_factory=dict)
    allow_ops: tuple[str, ...] = ()
    libraries: tuple[Path, ...] = ()
    sandbox: str = "auto"
    timeout: float = 600.0


def compare(
    base: str | Path,
    new: str | Path | None = None,
    *,
    cases: str | Path | None = None,
    only: Sequence[str] = (),
    device: str = "cpu",
    threads: int | None = None,
    base_options: SideOptions = SideOptions(),
    new_options: SideOptions = SideOptions(),
    max_time: float = 10.0,
    margin: float = 0.02,
    max_regression: float | None = None,
    error_rate: float = 0.01,
    rtol: float | None = None,
    atol: float | None = None,
) -> CompareReport:
    """Compares outputs and latency of two artifacts, or of one with two sets of options, on the base's cases.

    Raises UsageError for options that do not fit or if there are no cases, ArtifactError if one does not
    load, RefusedError if one can do more than compute, and the other errors of the tree as they occur. A
    slower or different one is not raised: see ``.exit_code``."""
    options = CompareOptions(
        Path(cases) if cases else None,
        tuple(only),
        device,
        threads,
        base_options,
        new_options,
        max_time,
        margin,
        max_regression,
        error_rate,
        tolerance_layer(rtol, atol, exact=False),
    )
    return compare_artifacts(Path(base), Path(new or base), options)


def compare_artifacts(
    base: Path, new: Path, options: CompareOptions, hooks: Hooks = NO_HOOKS
) -> CompareReport:
    """As ``compare``; ``hooks`` hears every process's events."""
    _check(base, new, options)
    launcher = Launcher(find_runner(), parse_sandbox(options.sandbox))
    for path in {base, new}:
        refuse_dangers(path, options.allow_ops, bool(options.libraries))
    plan = _plan(base, options)
    started = time.monotonic()
    outcomes = list(_processes(base, new, plan, options, launcher, hooks))
    return _report(base, new, plan, options, outcomes, time.monotonic() - started)


def _check(base: Path, new: Path, options: CompareOptions) -> None:
    if base == new and options.base == options.new:
        raise UsageError(
            f"{base} is compared with itself: name another artifact, or an option of one side (--b-threads 4)"
        )
    for name, value in (("margin", options.margin), ("max_regression", options.max_regression)):
        if value is not None and not 0 < value < 10:
            raise UsageError(f"{name} is a relative change above 0, such as 0.02 or 2%; got {value:g}")
    if not 0 < options.error_rate < 0.5:
        raise UsageError(f"the error rate lies between 0 and 0.5, such as 0.01; got {options.error_rate:g}")
    if options.max_time <= 0:
        raise UsageError(f"max_time is a number of seconds above 0; got {options.max_time:g}")


def _plan(base: Path, options: CompareOptions) -> Plan:
    found = find_cases(base, options.cases)
    if found is None:
        raise no_cases_error(base)
    plan = plan_cases(base, *found, options.only)
    first = plan.cases[0].name
    return plan if options.only else plan_cases(base, *found, (first,))


def _processes(
    base: Path, new: Path, plan: Plan, options: CompareOptions, launcher: Launcher, hooks: Hooks
) -> Iterator[Outcome]:
    """Fresh processes one after the other, as many as there is time for. Each begins with another side."""
    started = time.monotonic()
    seconds, longest, number = _SHORTEST, 0.0, 0
    while number < 2 or time.monotonic() - started + longest <= options.max_time:
        begun = time.monotonic()
        job = _job(base, new, plan, options, seconds, number)
        outcome = run_job(job, launcher, options.timeout, hooks)
        _raise_for(outcome, base)
        yield outcome
        took = time.monotonic() - begun
        if number == 0:
            # A process that takes long to start is worth measuring in for longer.
            others = took - seconds * len(plan.cases)
            room = options.max_time / _FEWEST_PROCESSES - others
            seconds = min(max(_SHORTEST, others * _SHARE), max(_SHORTEST, room), _LONGEST)
            longest = others + seconds * len(plan.cases)
        else:
            longest = max(longest, took)
        number += 1


def _job(base: Path, new: Path, plan: Plan, options: CompareOptions, seconds: float, number: int) -> Job:
    step = {
        "step": "ab",
        "cases": [summary.name for summary in plan.cases],
        "sides": [_side(base, options.base, options), _side(new, options.new, options)],
        "first": number % 2,
        "seed": int.from_bytes(os.urandom(6), "little"),
        "seconds": seconds,
        "tolerance": {"normwise": True, **options.tolerance},
    }
    return Job(
        artifact=base,
        steps=(step,),
        cases=plan.document.location,
        device=options.device,
        threads=options.threads,
        libraries=options.libraries,
        memory_limit=default_memory_limit(),
    )


def _side(path: Path, side: SideOptions, options: CompareOptions) -> dict[str, Any]:
    return {
        "artifact": str(path.absolute()),
        "device": side.device or options.device,
        "settings": side.all_settings,
    }


def _raise_for(outcome: Outcome, base: Path) -> None:
    for event in outcome.errors():
        raise error_of_kind(event["kind"])(event["message"])
    for error in case_errors(outcome).values():
        raise RunnerCrash(f"{base}: {error.message}")
    if outcome.death is not None:
        raise RunnerCrash(f"{base}: the runner {outcome.death.message}")
    if outcome.hello is None:
        raise EnvironmentProblem("the runner ended without a word; reinstall tsharness")


def _report(
    base: Path, new: Path, plan: Plan, options: CompareOptions, outcomes: Sequence[Outcome], seconds: float
) -> CompareReport:
    events = [event for outcome in outcomes for event in outcome.results("ab")]
    by_case = {summary.name: [e for e in events if e["case"] == summary.name] for summary in plan.cases}
    judged = tuple(_case(name, found, options) for name, found in by_case.items())
    codes = [_exit_code(case, options) for case in judged]
    hello = outcomes[0].hello
    assert hello is not None
    return CompareReport(
        base=_compared(base, options.base, options, _first(events, 0)),
        new=_compared(new, options.new, options, _first(events, 1)),
        runner=RunnerInfo.from_hello(hello, options.device),
        cases=judged,
        margin=options.margin,
        max_regression=options.max_regression,
        error_rate=options.error_rate,
        processes=len(outcomes),
        seconds=seconds,
        exit_code=worst(codes),
        verdict=_verdict(judged, codes),
    )


def _first(events: Sequence[Event], side: int) -> list[Mapping[str, Any]]:
    """What was seen of a side in the processes in which it came first: the other one finds warm what both
    need."""
    return [event["sides"][side] for event in events if event["first"] == side]


def _compared(
    path: Path, side: SideOptions, options: CompareOptions, seen: Sequence[Mapping[str, Any]]
) -> ComparedSide:
    return ComparedSide(
        path=str(path),
        size=path.stat().st_size,
        device=side.device or options.device,
        settings=side.all_settings,
        load_seconds=median(one["load_seconds"] for one in seen),
        load_bytes=int(median(one["load_bytes"] for one in seen)),
    )


def _case(name: str, events: Sequence[Event], options: CompareOptions) -> ComparedCase:
    processes: list[list[Pair]] = [[(base, new) for base, new in event["pairs"]] for event in events]
    effect = paired_effect(processes, options.error_rate)
    pairs = [pair for process in processes for pair in process]
    return ComparedCase(
        case=name,
        base_seconds=median(base for base, _ in pairs),
        new_seconds=median(new for _, new in pairs),
        base_first_seconds=median(one["first_seconds"] for one in _first(events, 0)),
        new_first_seconds=median(one["first_seconds"] for one in _first(events, 1)),
        effect=effect,
        change=effect.change(options.margin).value,
        differences=tuple(
            f"{one['name']} {one['reason']}" for one in events[0]["outputs"] if not one["passed"]
        ),
    )


def _exit_code(case: ComparedCase, options: CompareOptions) -> ExitCode:
    if case.differences:
        return ExitCode.FAILED
    if options.max_regression is not None:
        return _gate(case.effect, 1 + options.max_regression)
    codes = {Change.SLOWER: ExitCode.REGRESSION, Change.INCONCLUSIVE: ExitCode.INCONCLUSIVE}
    return codes.get(Change(case.change), ExitCode.PASS)


def _gate(effect: Effect, limit: float) -> ExitCode:
    """Fails only if the interval says so, and says when it cannot tell."""
    if effect.low > limit:
        return ExitCode.REGRESSION
    return ExitCode.PASS if effect.high <= limit else ExitCode.INCONCLUSIVE


def _verdict(cases: Sequence[ComparedCase], codes: Sequence[ExitCode]) -> str:
    """Of the case that the exit code is of."""
    case = cases[list(codes).index(worst(codes))]
    return "different" if case.differences else case.change
