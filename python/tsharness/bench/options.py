"""How to measure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsharness.bench.budget import INSTRUCTIONS
from tsharness.bench.quantiles import LEVELS
from tsharness.bench.scenarios import LATENCY, Scenario
from tsharness.errors import UsageError

Sweep = Mapping[str, tuple[Any, ...]]
"""Values by the name of a parameter; every combination is measured."""


@dataclass(frozen=True)
class BenchOptions:
    """How to measure; the same for every case."""

    cases: Path | None = None
    only: tuple[str, ...] = ()
    """Cases by name; all if empty."""
    kind: str | None = None
    """As what to run the artifact (docs/kinds.md); ``None``: as what it is."""
    device: str = "cpu"
    threads: int | None = None
    runner: str = "installed"
    """A name of the store of runners, or a path."""
    host: str | None = None
    """A machine that ssh reaches, where the runner works; ``None``: here."""
    cpu_capability: str | None = None
    """The instructions that LibTorch may use; ``None``: the best."""
    libraries: tuple[Path, ...] = ()
    allow_ops: tuple[str, ...] = ()
    sandbox: str = "auto"
    timeout: float = 600.0
    scenario: Scenario = LATENCY
    sweep: Sweep = field(default_factory=dict)
    """By "threads", "dtype", a setting of LibTorch, a parameter of the scenario, or a dim's name."""
    min_seconds: float = 1.0
    """Of timing, for each case and combination; processes share it."""
    max_seconds: float = 60.0
    """Of everything, where a precision is asked for."""
    max_warmup: float = 5.0
    """Seconds of a case's warm-up in a process."""
    precision: float | None = None
    """Relative half width of the statistic's interval from which on it is enough."""
    statistic: str = "p50"
    processes: int = 3
    inputs: str = "same"
    """"same", or "rotate" among copies that are larger than the cache."""
    slo: tuple[str, float] | None = None
    """A percentile and its limit in seconds, whose highest rate is sought (scenario "server")."""
    budget: Mapping[str, float] = field(default_factory=dict)
    counter: str | None = None
    """"instructions", or nothing."""
    profile: bool = False
    """Whether to say what each operator takes."""
    trace: Path | None = None
    """Where to keep a Chrome trace; asks for ``profile``."""
    against: str | None = None
    """"python", or nothing."""
    reference: str | None = None
    """``MODULE:FACTORY`` of the eager model, for ``against``."""
    baseline: Path | None = None
    """A report that was kept, to compare with."""
    margin: float = 0.02
    """Relative change from the baseline that does not matter."""
    across_machines: bool = False
    """Whether the baseline may be of another machine."""
    samples: Path | None = None
    """Where to keep every sample."""
    system_root: Path = Path("/")
    """Where the machine's facts are read; tests have their own."""

    @property
    def counted(self) -> str | None:
        """What somebody asked to be counted, or set a limit for."""
        return self.counter or (INSTRUCTIONS if INSTRUCTIONS in self.budget else None)

    @property
    def fewest_processes(self) -> int:
        """That are needed, if no precision asks for more."""
        varied = {**self.scenario.parameters, **self.sweep}
        return self.processes * math.prod(map(len, varied.values()))

    def check(self) -> None:
        """Raises UsageError for what cannot be meant."""
        if self.processes < 1:
            raise UsageError(f"processes must be at least 1, got {self.processes}")
        if self.min_seconds <= 0 or self.max_seconds <= 0:
            raise UsageError("times to measure are numbers of seconds above 0")
        if self.precision is not None and not 0 < self.precision < 1:
            raise UsageError(f"precision is a share such as 0.01 or 1%; got {self.precision:g}")
        if self.statistic not in LEVELS:
            raise UsageError(f"statistic '{self.statistic}': there is {', '.join(LEVELS)}")
        if self.slo is not None and self.scenario.name != "server":
            raise UsageError("slo seeks the highest rate of requests; it needs the scenario server")
        check_counter(self.counted, self.device)
        if self.against not in (None, "python"):
            raise UsageError(f"against '{self.against}': expected python")
        if self.against is not None and (self.sweep or self.scenario is not LATENCY):
            raise UsageError("--against python measures one caller without a sweep")
        if self.against is not None and self.host is not None:
            raise UsageError("--against python measures both here; it goes with no --host")
        if self.reference is not None and self.against is None:
            raise UsageError("a reference is timed with --against python")
        if self.inputs not in ("same", "rotate"):
            raise UsageError(f"inputs '{self.inputs}': expected same or rotate")


def check_counter(counter: str | None, *devices: str) -> None:
    """Raises UsageError for a counter that there is not, and for a device of which it knows nothing."""
    if counter not in (None, INSTRUCTIONS):
        raise UsageError(f"counter '{counter}': expected {INSTRUCTIONS}")
    for device in devices:
        if counter is not None and not device.startswith("cpu"):
            raise UsageError(f"instructions are the processor's; those of {device} are not counted")
