"""Two artifacts, or one in two environments, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tsharness.bench.statistics import Effect, exactly
from tsharness.errors import VerificationFailed
from tsharness.report.model import SCHEMA_VERSION, RunnerInfo, from_dict, to_dict
from tsharness.report.notebook import repr_html
from tsharness.verdict import ExitCode


@dataclass(frozen=True)
class ComparedSide:
    """One of the two. Load figures are medians over the processes in which it was loaded first."""

    path: str
    size: int
    """Bytes of the file."""
    device: str
    settings: Mapping[str, Any]
    """That this side alone has."""
    load_seconds: float
    load_bytes: int
    """Of the heap, that loading it took."""
    runner: str = "installed"
    libtorch: str = ""
    """Version; empty in a report of before there were several."""


@dataclass(frozen=True)
class ComparedCase:
    """A case on both sides."""

    case: str
    base_seconds: float
    new_seconds: float
    """Medians over all blocks of all processes, per call (of a sequence: of all its calls)."""
    base_first_seconds: float
    new_first_seconds: float
    """The first time it ran, which compiles and allocates; median over the processes in which it came
    first."""
    effect: Effect
    change: str
    """"faster", "slower", "same" or "inconclusive"; of instructions "fewer", "more" or "same"."""
    differences: tuple[str, ...]
    """Outputs that differ by more than the tolerance, in words."""
    exit_code: ExitCode = ExitCode.PASS
    """What it means for the gate."""
    base_instructions: float | None = None
    new_instructions: float | None = None
    """Of a call, where they decide, not time."""
    runs_compared: int = 0
    """Whose outputs were compared, of all processes: the first of each, and others up to the last one."""
    unproven: str = ""
    """Why the outputs of later calls could not be compared, in words; empty if they were."""

    @property
    def decisive(self) -> Effect:
        """What is judged: the effect on time or, exactly, the ratio of the instructions."""
        if self.base_instructions is None or self.new_instructions is None:
            return self.effect
        return exactly(self.new_instructions / self.base_instructions)


@dataclass(frozen=True)
class CompareReport:
    """What changed from the base to the new one."""

    base: ComparedSide
    new: ComparedSide
    runner: RunnerInfo
    cases: tuple[ComparedCase, ...]
    margin: float
    max_regression: float | None
    error_rate: float
    processes: int
    seconds: float
    """That all of it took."""
    exit_code: ExitCode
    verdict: str
    """The worst change, "different" if outputs are."""
    incomplete: bool = False
    """Whether somebody interrupted it."""
    counter: str | None = None
    """"instructions", if they decide."""
    schema_version: int = SCHEMA_VERSION
    kind: str = "compare"

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CompareReport:
        return from_dict(cls, data)

    def _repr_html_(self) -> str:
        return repr_html(self)

    def raise_for_verdict(self) -> None:
        """Raises VerificationFailed, with the reason, unless the gate lets it pass."""
        if self.exit_code is not ExitCode.PASS:
            from tsharness.report.compare_text import verdict_line

            raise VerificationFailed(verdict_line(self))
