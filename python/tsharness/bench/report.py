"""Latency as data. Raw samples are kept; everything else can be computed again from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tsharness.bench.budget import Limit
from tsharness.bench.machine import Machine
from tsharness.bench.quantiles import LEVELS, Quantile, quantile, samples_needed
from tsharness.report.model import SCHEMA_VERSION, CaseError, RunnerInfo, from_dict, to_dict
from tsharness.verdict import ExitCode


@dataclass(frozen=True)
class Outliers:
    """Samples far from the rest, by Tukey's fences: beyond 1.5 (mild) or 3 (severe) interquartile ranges.
    They are kept in every figure."""

    mild: int
    severe: int


@dataclass(frozen=True)
class Latency:
    """Latency of one case, in seconds."""

    case: str
    calls: int
    """Calls that each sample covers: a case that is a sequence is timed as a whole."""
    first: float
    """The first call of all, which compiles and allocates; the median over the processes."""
    median: float
    """Of all timed samples."""
    minimum: float
    quantiles: Mapping[str, Quantile]
    """"p50", "p99", ...: those that there are enough samples for."""
    needed: Mapping[str, int]
    """For the others: how many samples they need."""
    outliers: Outliers
    processes: tuple[float, ...]
    """The median in each process."""
    warmup: tuple[float, ...]
    """Samples before the timed ones, in order, of all processes."""
    samples: tuple[float, ...]
    """Every timed sample, in order, of one process after the other."""


@dataclass(frozen=True)
class BenchReport:
    """Latency of an artifact, case by case."""

    path: str
    size: int
    """Bytes of the file."""
    runner: RunnerInfo
    machine: Machine
    load_seconds: float
    """Median over the processes."""
    peak_memory_bytes: int
    """Of the process that took most."""
    latencies: tuple[Latency, ...]
    errors: Mapping[str, CaseError]
    """What kept a case from being measured, by its name."""
    limits: tuple[Limit, ...]
    """What was demanded, and what came of it."""
    warnings: tuple[str, ...]
    """What about the machine makes these figures doubtful."""
    exit_code: ExitCode
    incomplete: bool = False
    """Whether somebody interrupted it."""
    schema_version: int = SCHEMA_VERSION
    kind: str = "bench"

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BenchReport:
        return from_dict(cls, data)


def summarize(
    case: str, warmup: Sequence[Sequence[float]], timed: Sequence[Sequence[float]], calls: int = 1
) -> Latency:
    """Figures of the samples of one case: a sequence for each process. Raises ValueError without samples."""
    pooled = [sample for process in timed for sample in process]
    ordered = sorted(pooled)
    found = {name: quantile(ordered, level) for name, level in LEVELS.items()}
    return Latency(
        case=case,
        calls=calls,
        first=median(process[0] for process in (warmup if any(warmup) else timed)),
        median=median(ordered),
        minimum=ordered[0],
        quantiles={name: one for name, one in found.items() if one is not None},
        needed={name: samples_needed(LEVELS[name]) for name, one in found.items() if one is None},
        outliers=_outliers(ordered),
        processes=tuple(median(process) for process in timed),
        warmup=tuple(sample for process in warmup for sample in process),
        samples=tuple(pooled),
    )


def _outliers(ordered: Sequence[float]) -> Outliers:
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    span = high - low
    severe = sum(not low - 3 * span <= sample <= high + 3 * span for sample in ordered)
    beyond = sum(not low - 1.5 * span <= sample <= high + 1.5 * span for sample in ordered)
    return Outliers(mild=beyond - severe, severe=severe)
