"""What is measured: every combination of the values of a sweep, as a job."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tsharness.bench.options import BenchOptions
from tsharness.bench.places import is_dim, resizing
from tsharness.bench.scenarios import LATENCY
from tsharness.errors import UsageError
from tsharness.runner.job import Job
from tsharness.runner.steps import default_memory_limit
from tsharness.verification.plan import Plan

CASTS = ("dtype", "memory_format")
"""Parameters that convert the artifact and its inputs."""
_OF_THE_STEP = ("inputs",)
_COMMON = ("cases", "inputs", "resize", "settings", "tolerance", "max_warmup_seconds")
"""Fields of every timing step (docs/protocol.md)."""


@dataclass(frozen=True)
class Point:
    """One combination."""

    values: Mapping[str, Any]
    """By the parameter's name; of the scenario first."""

    @property
    def label(self) -> str:
        """ "threads=2, rate=100"."""
        return ", ".join(f"{name}={value_text(value)}" for name, value in self.values.items())


def value_text(value: Any) -> str:
    """As users write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def points_of(options: BenchOptions) -> Iterator[Point]:
    """Every combination. What the scenario has of its own, and nobody stated, has its defaults."""
    stated = {**options.scenario.parameters, **options.sweep}
    for values in itertools.product(*stated.values()):
        yield Point(dict(zip(stated, values, strict=True)))


def job_of_step(plan: Plan, options: BenchOptions, step: Mapping[str, Any]) -> Job:
    """A job of a step of its own, with the first values of what is varied, one caller."""
    own = options.scenario.parameters
    sweep = {name: values for name, values in options.sweep.items() if name not in own}
    alone = replace(options, scenario=LATENCY, sweep=sweep)
    job = job_of(plan, alone, next(points_of(alone)), 1.0, Path(), 0)
    common = {name: value for name, value in job.steps[1].items() if name in _COMMON}
    return replace(job, steps=({"step": "load"}, {**common, **step}))


def job_of(plan: Plan, options: BenchOptions, point: Point, seconds: float, samples: Path, seed: int) -> Job:
    """The job that measures a point in one process; samples go to that file, a GPU's parts beside it.
    Raises UsageError for a parameter that there is not."""
    values = dict(point.values)
    own = {name: values.pop(name) for name in options.scenario.parameters}
    threads = values.pop("threads", options.threads)
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise UsageError(f"threads={threads}: expected a number of at least 1")
    cast = {name: str(values.pop(name)) for name in CASTS if name in values}
    common: dict[str, Any] = {
        "inputs": options.inputs,
        "tolerance": {"normwise": True},
        "max_warmup_seconds": options.max_warmup,
    }
    common |= {name: values.pop(name) for name in _OF_THE_STEP if name in values}
    resize = resizing(plan, values)
    settings = {name: value for name, value in values.items() if not is_dim(plan, name)}
    if "grad_mode" in settings:
        common["settings"] = {"grad_mode": settings.pop("grad_mode")}
    common["cases"] = [summary.name for summary in plan.cases]
    if resize:
        common["resize"] = resize
    first = {
        **common,
        "step": options.scenario.step,
        **options.scenario.request(seconds, own),
        "seed": seed,
        "samples": str(samples),
    }
    if options.system_root != Path("/"):
        first["system_root"] = f"{options.system_root}/"
    steps = [{"step": "load"}, first]
    if options.scenario.step == "bench" and not options.device.startswith("cpu"):
        split = {"step": "split", "min_seconds": seconds / 2, "samples": f"{samples}.split"}
        steps.append({**common, **split})
    return Job(
        artifact=plan.artifact,
        steps=tuple(steps),
        cases=plan.document.location,
        kind=options.kind or "",
        device=options.device,
        threads=threads,
        libraries=options.libraries,
        memory_limit=default_memory_limit(),
        settings=settings,
        cast=cast,
    )
