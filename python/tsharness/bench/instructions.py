"""Instructions a call: a figure that other load does not move. Counted by the processor where the kernel
allows it (perf_event_open), else by valgrind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tsharness.bench.options import BenchOptions
from tsharness.bench.own_step import run_step
from tsharness.bench.points import job_of_step
from tsharness.bench.valgrind import counts_by_valgrind, find_valgrind
from tsharness.errors import EnvironmentProblem
from tsharness.runner.launch import Launcher
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.verification.plan import Plan

_VALGRIND = "valgrind"
_CALLS = 20
_CALLS_BY_VALGRIND = 3
"""One call is as good as the next, and takes fifty to a hundred times as long."""


@dataclass(frozen=True)
class Instructions:
    """Of one call of each case."""

    by_case: Mapping[str, float]
    counter: str
    """"perf_event", or "valgrind", which leaves out the memory allocator's."""
    threads: int
    """With more than one, waiting for one another costs instructions, too."""

    @property
    def exact(self) -> bool:
        """Whether the same calls give the same number each time, but for some ten."""
        return self.counter == _VALGRIND


def count_instructions(
    plan: Plan, options: BenchOptions, launcher: Launcher, hooks: Hooks = NO_HOOKS
) -> Instructions:
    """Counts with one thread, if nothing else was asked for. Raises EnvironmentProblem if nothing can count
    here, and as ``run_job``."""
    options = replace(options, threads=options.threads or 1)
    events = run_step(plan, options, _step(_CALLS), launcher, hooks)
    if all(event["instructions"] is not None for event in events):
        found = {event["case"]: event["instructions"] / event["calls"] for event in events}
        return Instructions(found, "perf_event", options.threads or 1)
    why = f"instructions cannot be counted by the kernel ({events[0]['problem']})"
    if launcher.place:
        raise EnvironmentProblem(f"{launcher.place}: {why}")
    return count_exactly(plan, options, launcher, find_valgrind(why), hooks)


def count_exactly(
    plan: Plan, options: BenchOptions, launcher: Launcher, valgrind: str, hooks: Hooks = NO_HOOKS
) -> Instructions:
    """By that valgrind. Raises as ``counts_by_valgrind``."""
    job = launcher.with_judged(job_of_step(plan, options, _step(_CALLS_BY_VALGRIND)))
    found = counts_by_valgrind(job, launcher.runner, options.timeout, hooks, valgrind, launcher.sandbox)
    return Instructions(found, _VALGRIND, options.threads or 1)


def _step(calls: int) -> Mapping[str, Any]:
    return {"step": "instructions", "calls": calls}
