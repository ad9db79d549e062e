"""Runs what is measured, in fresh processes, in an order in which whatever else the machine does meets all of
it alike."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tsharness.bench.gpu import GpuWatch
from tsharness.bench.options import BenchOptions
from tsharness.bench.points import Point, job_of
from tsharness.bench.samples import read_rows
from tsharness.bench.scenarios import Sampled
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Event, Outcome
from tsharness.runner.process import Hooks
from tsharness.runner.steps import case_errors, raise_for_process
from tsharness.scratch import ScratchFolder
from tsharness.verification.plan import Plan

if TYPE_CHECKING:
    from tsharness.bench.scenarios import Rows
    from tsharness.report.model import CaseError


@dataclass(frozen=True)
class Sample:
    """What one process said of one case at one point."""

    event: Event
    rows: Rows
    sampled: Sampled
    split: tuple[Event, Rows] | None
    """Of a GPU: the parts of a call."""
    gpu_watts: float | None = None
    """That a GPU took meanwhile."""


def pooled(samples: Sequence[Sample]) -> Rows:
    """The seconds of all processes, sorted."""
    import numpy as np

    return np.sort(np.concatenate([one.sampled.seconds for one in samples]))


@dataclass
class Measured:
    """What the processes have said so far."""

    samples: dict[tuple[int, str], list[Sample]] = field(default_factory=dict)
    """By the number of the point and the name of the case."""
    outcomes: list[Outcome] = field(default_factory=list)
    errors: dict[tuple[int, str], CaseError] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurer:
    """Measures points of one artifact."""

    plan: Plan
    options: BenchOptions
    launcher: Launcher
    hooks: Hooks
    points: list[Point]
    gpu: GpuWatch
    measured: Measured = field(default_factory=Measured)

    def rounds(self, count: int, seconds: float) -> None:
        """So many rounds of a process a point, each timing for ``seconds``. An interrupt (Ctrl-C) ends
        them."""
        for _ in range(count):
            order = random.sample(range(len(self.points)), len(self.points))
            for number in order:
                self.one(number, seconds)
                if self.launcher.interrupted:
                    return

    def until(self, precise: Callable[[], bool], seconds: float, deadline: float) -> None:
        """Further rounds until the interval is narrow enough, or there is no time for another one."""
        longest = 0.0
        while not precise() and time.monotonic() + longest < deadline and not self.launcher.interrupted:
            started = time.monotonic()
            self.rounds(1, seconds)
            longest = max(longest, time.monotonic() - started)

    def one(self, number: int, seconds: float) -> None:
        """A process for one of the points."""
        with ScratchFolder() as folder:
            path = Path(folder) / "samples.f64"
            seed = int.from_bytes(os.urandom(6), "little")
            job = job_of(self.plan, self.options, self.points[number], seconds, path, seed)
            outcome = self.launcher.run(job, self.options.timeout, self.hooks)
            if self.launcher.interrupted:
                return
            raise_for_process(outcome, self.plan.artifact)
            self.measured.outcomes.append(outcome)
            for name, error in case_errors(outcome).items():
                self.measured.errors[number, name] = error
            self._take(number, outcome, path)

    def _watts(self, event: Event) -> float | None:
        spent = sum(block["seconds"] for block in event.get("blocks", ()))
        return self.gpu.watts(event["received"] - spent, event["received"])

    def _take(self, number: int, outcome: Outcome, path: Path) -> None:
        splits: Mapping[str, Event] = {event["case"]: event for event in outcome.results("split")}
        for event in outcome.results(self.options.scenario.step):
            rows = read_rows(path, event["samples"])
            split = splits.get(event["case"])
            parts = read_rows(path.with_name(f"{path.name}.split"), split["samples"]) if split else None
            sample = Sample(
                event,
                rows,
                self.options.scenario.sampled(rows, event),
                (split, parts) if split is not None and parts is not None else None,
                self._watts(event),
            )
            self.measured.samples.setdefault((number, event["case"]), []).append(sample)
