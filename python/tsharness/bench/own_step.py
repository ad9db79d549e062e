"""A step of the runner besides timing, in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsharness.bench.options import BenchOptions
from tsharness.bench.points import job_of_step
from tsharness.errors import UsageError
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Event
from tsharness.runner.process import Hooks
from tsharness.runner.steps import case_errors, raise_for_process
from tsharness.verification.plan import Plan


def run_step(
    plan: Plan, options: BenchOptions, step: Mapping[str, Any], launcher: Launcher, hooks: Hooks
) -> tuple[Event, ...]:
    """What it says of each case. Raises as ``run_job``."""
    return run_job(job_of_step(plan, options, step), options.timeout, launcher, hooks)


def run_job(job: Job, timeout: float, launcher: Launcher, hooks: Hooks) -> tuple[Event, ...]:
    """What its last step says of each case. Raises UsageError with what kept a case from it, and as
    ``raise_for_process``; KeyboardInterrupt if somebody interrupts it."""
    outcome = launcher.run(job, timeout, hooks)
    if launcher.interrupted:
        raise KeyboardInterrupt
    raise_for_process(outcome, job.artifact)
    for error in case_errors(outcome).values():
        raise UsageError(f"{job.artifact}: {error.message}")
    return outcome.results(job.steps[-1]["step"])
