"""Latency as data. Raw samples are kept; everything else can be computed again from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tsharness.report.model import SCHEMA_VERSION, CaseError, RunnerInfo, from_dict, to_dict


@dataclass(frozen=True)
class Latency:
    """Latency of one case, in seconds."""

    case: str
    calls: int
    """Calls that each sample covers: a case that is a sequence is timed as a whole."""
    first: float
    """The first call of all, which compiles and allocates."""
    median: float
    p95: float
    p99: float | None
    """``None`` with fewer than 100 samples: then it would be the maximum by another name."""
    minimum: float
    warmup: tuple[float, ...]
    """Samples before the timed ones, in order."""
    samples: tuple[float, ...]
    """Every timed sample, in order."""


@dataclass(frozen=True)
class BenchReport:
    """Latency of an artifact, case by case."""

    path: str
    runner: RunnerInfo
    latencies: tuple[Latency, ...]
    errors: Mapping[str, CaseError]
    """What kept a case from being measured, by its name."""
    schema_version: int = SCHEMA_VERSION
    kind: str = "bench"

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BenchReport:
        return from_dict(cls, data)


def percentile(samples: Sequence[float], q: float) -> float:
    """The smallest sample that at least ``q`` percent of the samples do not exceed (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(q / 100 * len(ordered)) - 1)]


def summarize(case: str, warmup: Sequence[float], timed: Sequence[float], calls: int = 1) -> Latency:
    """Figures of the samples of one case."""
    return Latency(
        case=case,
        calls=calls,
        first=warmup[0] if warmup else timed[0],
        median=percentile(timed, 50),
        p95=percentile(timed, 95),
        p99=percentile(timed, 99) if len(timed) >= 100 else None,
        minimum=min(timed),
        warmup=tuple(warmup),
        samples=tuple(timed),
    )
