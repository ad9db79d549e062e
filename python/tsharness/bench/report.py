"""Latency as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tsharness.bench.baseline import Since
from tsharness.bench.budget import Limit
from tsharness.bench.extras import Extras
from tsharness.bench.machine import Machine
from tsharness.bench.quantiles import Quantile
from tsharness.bench.slo import Slo
from tsharness.errors import VerificationFailed
from tsharness.report.model import SCHEMA_VERSION, CaseError, RunnerInfo, from_dict, to_dict
from tsharness.report.notebook import repr_html
from tsharness.verdict import ExitCode, Verdict, verdict_of


@dataclass(frozen=True)
class Outliers:
    """Samples far from the rest, by Tukey's fences: beyond 1.5 (mild) or 3 (severe) interquartile ranges.
    They are kept in every figure."""

    mild: int
    severe: int


@dataclass(frozen=True)
class Histogram:
    """How many samples lie between each two edges, which are in seconds."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Interval:
    """Of a statistic, at 99%, with what differs between processes as a part of it; in seconds."""

    statistic: str
    """"p50", "p99", ..."""
    seconds: float
    low: float
    high: float

    @property
    def precision(self) -> float:
        """Half of its width, relative."""
        return (self.high - self.low) / 2 / self.seconds


@dataclass(frozen=True)
class WarmUpFacts:
    """Calls before the timed ones; medians over the processes."""

    calls: int
    seconds: float
    transient_calls: int
    """That were not yet steady."""
    steady: bool
    """Whether it had become steady in every process before its time was over."""
    course: tuple[tuple[float, float], ...] = ()
    """Of the first process, by block: number of its last call, and seconds a call."""


@dataclass(frozen=True)
class Latency:
    """Latency of one case at one combination of parameters, in seconds."""

    case: str
    parameters: Mapping[str, Any]
    """That were varied."""
    calls: int
    """Calls that each sample covers: a case that is a sequence is timed as a whole."""
    count: int
    """Samples, of all processes."""
    per_second: float
    """Samples a second; median over the processes."""
    first: float
    """The first call of all, which compiles and allocates; the median over the processes."""
    warmup: WarmUpFacts
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
    interval: Interval | None
    """Of the statistic that was asked for; ``None`` of a single process."""
    facts: Mapping[str, float]
    """Seconds by name, of what the scenario looks at besides; medians over the processes."""
    bottleneck: str
    """Of an accelerator, in words."""
    joules: float | None
    """A sample; ``None`` where neither RAPL nor NVML says."""
    input_copies: int
    input_bytes: int
    """Of one copy."""
    checked: int
    """Samples whose outputs were compared with the case."""
    differences: tuple[str, ...]
    """Of these outputs, beyond the tolerance, in words."""
    unstable: tuple[str, ...]
    """Why the figures may not be believed, in words; empty if nothing was seen."""
    blocks: tuple[tuple[Mapping[str, Any], ...], ...] = ()
    """By process: about 50 ms of calls each, with what kept the process from its work meanwhile."""
    histogram: Histogram | None = None
    """Of all timed samples."""
    course: tuple[tuple[float, ...], ...] = ()
    """By process: the medians of up to 100 equal parts of its samples, in the order of the calls."""
    changed: tuple[str, ...] = ()
    """What the calls have changed of the module, where it no longer gives the case's outputs once it is
    timed: nobody has said what it should give then."""


@dataclass(frozen=True)
class BenchReport:
    """Latency of an artifact, case by case."""

    path: str
    size: int
    """Bytes of the file."""
    runner: RunnerInfo
    machine: Machine
    scenario: str
    inputs: str
    """"same" or "rotate"."""
    cases_from: str
    load_seconds: float
    """Median over the processes."""
    peak_memory_bytes: int
    """Of the process that took most."""
    latencies: tuple[Latency, ...]
    best: int | None
    """Which of the latencies is the best; ``None`` where nothing was varied."""
    slo: Slo | None
    """What was asked for of the server, and what it can do."""
    extras: Extras
    since: tuple[Since, ...]
    """A baseline, if there was one to compare with."""
    errors: Mapping[str, CaseError]
    """What kept a case from being measured, by its name and its parameters."""
    limits: tuple[Limit, ...]
    """What was demanded, and what came of it."""
    warnings: tuple[str, ...]
    """What about the machine makes these figures doubtful."""
    exit_code: ExitCode
    seconds: float
    """That all of it took."""
    samples_file: str | None = None
    incomplete: bool = False
    """Whether somebody interrupted it."""
    device: Mapping[str, Any] = field(default_factory=dict)
    """Of a GPU: what its driver says of it."""
    schema_version: int = SCHEMA_VERSION
    kind: str = "bench"

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BenchReport:
        return from_dict(cls, data)

    @property
    def verdict(self) -> Verdict:
        """Of what was demanded; a pass if nothing was, and everything could be measured."""
        return verdict_of(self.exit_code)

    def raise_for_verdict(self) -> None:
        """Raises VerificationFailed, with the reason, unless everything that was demanded holds."""
        if self.exit_code is not ExitCode.PASS:
            from tsharness.report.bench_text import verdict_line

            raise VerificationFailed(verdict_line(self))

    def _repr_html_(self) -> str:
        return repr_html(self)
