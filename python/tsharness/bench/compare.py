"""``tsharness.compare``: is the new one slower? Both run interleaved, in several fresh processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsharness.bench.compare_counts import Count, counter_of
from tsharness.bench.compare_judge import report_of
from tsharness.bench.compare_options import AS_STATED, CompareOptions, SideOptions
from tsharness.bench.compare_report import CompareReport
from tsharness.bench.options import check_counter
from tsharness.bench.points import CASTS
from tsharness.bench.turns import Manner, Seat, take_turns
from tsharness.errors import RunnerCrash, UsageError, error_of_kind
from tsharness.inspection.gate import refuse_dangers
from tsharness.inspection.judged import Judged
from tsharness.runner.cage import parse_sandbox
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Event, Outcome
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.runner.steps import case_errors, default_memory_limit, raise_for_process
from tsharness.runtimes.registry import runner_for, runtime_of
from tsharness.scratch import ScratchFolder
from tsharness.verification.plan import Plan, find_cases, no_cases_error, plan_cases, tolerance_layer

_FEWEST_PROCESSES = 4
"""With fewer, Student's interval at an error rate of 1% is wider than what anybody asks about."""
_FEWEST_ENDED = 2
"""Each side has then come first once."""
_SHARE = 0.6
"""Of a process's time that measuring takes; the rest is its start, which does not depend on it."""
_SHORTEST, _LONGEST = 0.3, 2.0  # seconds of measuring in one process


def compare(
    base: str | Path,
    new: str | Path | None = None,
    *,
    cases: str | Path | None = None,
    only: Sequence[str] = (),
    device: str = "cpu",
    threads: int | None = None,
    base_options: SideOptions = AS_STATED,
    new_options: SideOptions = AS_STATED,
    max_time: float = 10.0,
    margin: float = 0.02,
    max_regression: float | None = None,
    error_rate: float = 0.01,
    counter: str | None = None,
    rtol: float | None = None,
    atol: float | None = None,
) -> CompareReport:
    """Compares outputs and latency of two artifacts, or of one with two sets of options, on the base's cases;
    with the counter "instructions", those decide, not time.

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
        counter,
        tolerance_layer(rtol, atol, exact=False),
    )
    return compare_artifacts(Path(base), Path(new or base), options)


def compare_artifacts(
    base: Path, new: Path, options: CompareOptions, hooks: Hooks = NO_HOOKS
) -> CompareReport:
    """As ``compare``; ``hooks`` hears every process's events."""
    _check(base, new, options)
    if options.counter:
        options = replace(options, threads=options.threads or 1)
    arena = _Arena(base, new, options, hooks)
    for path, kind in arena.artifacts:
        caged, libraries = options.sandbox != "off", bool(options.libraries)
        arena.judge(path, refuse_dangers(path, options.allow_ops, libraries, as_kind=kind, caged=caged))
    plan = _plan(base, options)
    counters = arena.counters if options.counter else ()
    started = time.monotonic()
    outcomes = list(_processes(arena, plan, options))
    if arena.interrupted and len(outcomes) < _FEWEST_ENDED:
        raise KeyboardInterrupt
    counted = tuple(count(plan) for count in counters)
    report = report_of(base, new, plan, options, outcomes, counted, time.monotonic() - started)
    return replace(report, incomplete=arena.interrupted)


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
    check_counter(options.counter, *(side.device or options.device for side in (options.base, options.new)))
    if options.max_time <= 0:
        raise UsageError(f"max_time is a number of seconds above 0; got {options.max_time:g}")


def _plan(base: Path, options: CompareOptions) -> Plan:
    found = find_cases(base, options.cases)
    if found is None:
        raise no_cases_error(base)
    plan = plan_cases(base, *found, options.only)
    return plan if options.only else replace(plan, cases=plan.cases[:1])


def _processes(arena: _Arena, plan: Plan, options: CompareOptions) -> Iterator[Outcome]:
    """Fresh processes one after the other, as many as there is time for; where time does not decide, as few
    as will do. Each begins with another side."""
    started = time.monotonic()
    max_time = 0.0 if options.counter else options.max_time
    seconds, longest, number = _SHORTEST, 0.0, 0
    while number < _FEWEST_ENDED or time.monotonic() - started + longest <= max_time:
        begun = time.monotonic()
        outcome = arena.outcome(plan, seconds, number)
        if arena.interrupted:
            return
        yield outcome
        took = time.monotonic() - begun
        if number == 0:
            # A process that takes long to start is worth measuring in for longer.
            others = took - seconds * len(plan.cases)
            room = max_time / _FEWEST_PROCESSES - others
            seconds = min(max(_SHORTEST, others * _SHARE), max(_SHORTEST, room), _LONGEST)
            longest = others + seconds * len(plan.cases)
        else:
            longest = max(longest, took)
        number += 1


class _Arena:
    """Where the two meet: in one process, or if their LibTorches differ in two that take turns."""

    def __init__(self, base: Path, new: Path, options: CompareOptions, hooks: Hooks) -> None:
        self._paths = (base, new)
        self._sides = (options.base, options.new)
        self._options, self._hooks = options, hooks
        both = list(zip(self._paths, self._sides, strict=True))
        runtimes = [runtime_of(path, side.kind) for path, side in both]
        self._kinds = [runtime.name for runtime in runtimes]
        self._runners = [
            runner_for(runtime, side.runner) for runtime, side in zip(runtimes, self._sides, strict=True)
        ]
        self._launcher = Launcher(self._runners[0], parse_sandbox(options.sandbox))
        self.interrupted = False

    @property
    def artifacts(self) -> set[tuple[Path, str]]:
        """What is run, and as what."""
        return set(zip(self._paths, self._kinds, strict=True))

    def judge(self, path: Path, judged: Judged) -> None:
        """What its jobs say that was judged of an artifact."""
        self._launcher.judged[path.absolute()] = judged.for_job()

    @property
    def counters(self) -> tuple[Count, ...]:
        """What counts the instructions of each side. Raises as ``counter_of``."""
        sides = zip(self._paths, self._sides, self._kinds, self._runners, strict=True)
        judged = self._launcher.judged
        return tuple(counter_of(*side, self._options, self._hooks, judged) for side in sides)

    def outcome(self, plan: Plan, seconds: float, number: int) -> Outcome:
        """Of the process of that number. Raises what kept it from its end."""
        if self._runners[0] == self._runners[1]:
            outcome = self._launcher.run(
                self._job(plan, 0, (self._together(plan, seconds, number),)),
                self._options.timeout,
                self._hooks,
            )
            self.interrupted = self._launcher.interrupted
            if not self.interrupted:
                _raise_for(outcome, self._paths[0])
            return outcome
        try:
            return self._in_turns(plan, seconds, number)
        except KeyboardInterrupt:
            self.interrupted = True
            return Outcome((), None, "")

    def _together(self, plan: Plan, seconds: float, number: int) -> dict[str, Any]:
        return {
            "step": "ab",
            "cases": [summary.name for summary in plan.cases],
            "sides": [self._side(0), self._side(1)],
            "first": number % 2,
            "seed": int.from_bytes(os.urandom(6), "little"),
            "seconds": seconds,
            "tolerance": self._tolerance,
        }

    def _in_turns(self, plan: Plan, seconds: float, number: int) -> Outcome:
        """Two processes for each case."""
        manner = Manner(parse_sandbox(self._options.sandbox), self._options.timeout, seconds)
        events: list[Event] = []
        for summary in plan.cases:
            with ScratchFolder() as scratch:
                saved = f"{scratch}/outputs.safetensors"
                seats = (
                    self._seat(plan, summary.name, 0, {"save_outputs": saved}),
                    self._seat(plan, summary.name, 1, {"compare": saved}),
                )
                outcomes, event = take_turns(seats, manner, self._hooks, number % 2)
            for outcome, path in zip(outcomes, self._paths, strict=False):
                _raise_for(outcome, path)
            if event is None:
                raise RunnerCrash(f"{self._paths[0]}: a process ended before its turns were over")
            events += [*(one.hello for one in outcomes if one.hello), event]
        return Outcome(tuple(events), None, "")

    def _seat(self, plan: Plan, case: str, number: int, more: Mapping[str, str]) -> Seat:
        step = {**self._side(number), "step": "turns", "cases": [case], "tolerance": self._tolerance, **more}
        job = self._launcher.with_judged(self._job(plan, number, (step,)))
        return Seat(self._runners[number], job)

    def _job(self, plan: Plan, number: int, steps: tuple[Mapping[str, Any], ...]) -> Job:
        options = self._options
        return Job(
            artifact=self._paths[number],
            steps=steps,
            cases=plan.document.location,
            device=options.device,
            threads=options.threads,
            libraries=options.libraries,
            memory_limit=default_memory_limit(),
        )

    def _side(self, number: int) -> dict[str, Any]:
        """As jobs carry it. Its kind is stated: what was judged is what runs."""
        side = self._sides[number]
        stated = side.all_settings
        return {
            "artifact": str(self._paths[number].absolute()),
            "kind": self._kinds[number],
            "device": side.device or self._options.device,
            "settings": {name: value for name, value in stated.items() if name not in CASTS},
            "cast": {name: str(stated[name]) for name in CASTS if name in stated},
        }

    @property
    def _tolerance(self) -> dict[str, Any]:
        return {"normwise": True, **self._options.tolerance}


def _raise_for(outcome: Outcome, base: Path) -> None:
    raise_for_process(outcome, base)
    for event in outcome.errors():
        raise error_of_kind(event["kind"])(event["message"])
    for error in case_errors(outcome).values():
        raise RunnerCrash(f"{base}: {error.message}")
