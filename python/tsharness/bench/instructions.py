"""Instructions a call: a figure that other load does not move. Counted by the processor where the kernel
allows it (perf_event_open), else by valgrind."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tsharness.bench.options import BenchOptions
from tsharness.bench.own_step import run_step
from tsharness.bench.points import job_of_step
from tsharness.errors import EnvironmentProblem, UsageError
from tsharness.runner.cage import Sandbox
from tsharness.runner.find import Runner
from tsharness.runner.launch import Launcher
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.runner.steps import raise_for_process
from tsharness.scratch import ScratchFolder
from tsharness.verification.plan import Plan

_CALLS = 20
_FEWER = 10
"""Of another run under valgrind: what is not of the calls is in both, and cancels."""
_ENOUGH = 10**9
"""Instructions of the calls beside which what does not quite cancel (some 10^5 of a process's 10^9) is
nothing."""
_MOST = 20_000
"""Calls, however short."""
_CAPPED = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
"""valgrind knows no AVX-512."""
_COUNTED = re.compile(r"I\s+refs:\s+([\d,]+)")


@dataclass(frozen=True)
class Instructions:
    """Of one call of each case."""

    by_case: Mapping[str, float]
    counter: str
    """"perf_event" or "valgrind"."""
    threads: int
    """With more than one, waiting for one another costs instructions, too."""


def count_instructions(
    plan: Plan, options: BenchOptions, launcher: Launcher, hooks: Hooks = NO_HOOKS
) -> Instructions:
    """Counts with one thread, if nothing else was asked for. Raises EnvironmentProblem if nothing can count
    here, UsageError on a GPU, and as ``raise_for_process``."""
    if not options.device.startswith("cpu"):
        raise UsageError("--counter instructions counts the processor's; a GPU's are not")
    options = replace(options, threads=options.threads or 1)
    events = run_step(plan, options, _step(_CALLS), launcher, hooks)
    if all(event["instructions"] is not None for event in events):
        found = {event["case"]: event["instructions"] / event["calls"] for event in events}
        return Instructions(found, "perf_event", options.threads or 1)
    if launcher.place:
        raise EnvironmentProblem(
            f"{launcher.place} does not let instructions be counted ({events[0]['problem']})"
        )
    return _by_valgrind(plan, options, events[0]["problem"], launcher.runner, hooks)


def _by_valgrind(
    plan: Plan, options: BenchOptions, problem: str, runner: Runner, hooks: Hooks
) -> Instructions:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise EnvironmentProblem(
            f"the kernel does not let instructions be counted ({problem}), and valgrind is not installed: "
            "apt-get install valgrind, or lower kernel.perf_event_paranoid"
        )
    if Sandbox(options.sandbox) is Sandbox.STRICT:
        raise EnvironmentProblem(
            "valgrind cannot run inside the sandbox; --sandbox auto counts outside of it"
        )
    found = {}
    for summary in plan.cases:
        alone = replace(plan, cases=(summary,))
        counter = _Valgrind(valgrind, runner, alone, options, hooks)
        few, some = (counter.counted(calls) for calls in (_FEWER, _CALLS))
        about = max(1.0, (some - few) / (_CALLS - _FEWER))
        calls = min(_MOST, max(_CALLS, round(_ENOUGH / about)))
        many = some if calls == _CALLS else counter.counted(calls)
        found[summary.name] = (many - few) / (calls - _FEWER)
    return Instructions(found, "valgrind", options.threads or 1)


@dataclass(frozen=True)
class _Valgrind:
    """Counts instructions of whole processes."""

    valgrind: str
    runner: Runner
    plan: Plan
    options: BenchOptions
    hooks: Hooks

    def counted(self, calls: int) -> int:
        """Of a process that makes so many calls."""
        with ScratchFolder() as folder:
            log = Path(folder) / "valgrind.log"
            prefix = (
                *(self.valgrind, "--tool=cachegrind", "--cache-sim=no"),
                *(f"--cachegrind-out-file={folder}/counts", f"--log-file={log}"),
            )
            job = replace(job_of_step(self.plan, self.options, _step(calls)), memory_limit=None)
            launcher = Launcher(replace(self.runner, prefix=prefix), Sandbox.OFF)
            outcome = launcher.run(job, self.options.timeout, self.hooks, _CAPPED)
            if launcher.interrupted:
                raise KeyboardInterrupt
            raise_for_process(outcome, self.plan.artifact)
            match = _COUNTED.search(log.read_text())
        if match is None:
            raise EnvironmentProblem(f"{self.valgrind} has counted nothing; is it of version 3.10 or later?")
        return int(match[1].replace(",", ""))


def _step(calls: int) -> Mapping[str, Any]:
    return {"step": "instructions", "calls": calls}
