"""What ``export`` did, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tsharness.errors import ExportError
from tsharness.report.model import SCHEMA_VERSION, Finding, from_dict, to_dict
from tsharness.verdict import ExitCode, Verdict
from tsharness.verification.report import VerifyReport


@dataclass(frozen=True)
class CandidateResult:
    """One way to export the model, and what the C++ runner made of it."""

    method: str
    """"trace" or "script"."""
    strict: bool | None
    """Of a trace: ``False`` if lists and dicts in the outputs needed a non-strict one."""
    verdict: Verdict
    passed: int
    """Families on which it computes what the model computes."""
    families: int
    reason: str
    """Why it failed, in a line; empty if it did not."""
    findings: tuple[Finding, ...]
    check: VerifyReport | None
    """Of the self-check in the runner; ``None`` if the candidate could not be made."""


@dataclass(frozen=True)
class DroppedFamily:
    """A family that is no case of the artifact."""

    name: str
    reason: str


@dataclass(frozen=True)
class FreeSizes:
    """A dim that nobody declared, and that the Python model takes at other sizes."""

    name: str
    """Of its symbol, and of its cases: "x_0" in "x_0=2"."""
    dims: str
    """In words: "x dim 0, mask dim 0"."""
    inputs: tuple[str, ...]
    """Names of the tensors that have it."""
    sizes: tuple[int, ...]
    """At which it was tried, the example's among them."""


@dataclass(frozen=True)
class StageResult:
    """The outputs after one stage, against the Python model's."""

    name: str
    verdict: Verdict
    max_abs: float | None
    max_rel: float | None
    worst: str
    """Case and output that exceed their tolerance most, or come closest to it."""
    message: str
    """Why it failed, or what could not be done; empty for a pass."""


_UNAVOIDABLE = ("traced", "scripted", "C++ runner")
"""Stages that no option asks for."""


def refused_stage(stages: Sequence[StageResult]) -> StageResult | None:
    """The first stage that is no pass, if it is one that can be left out."""
    bad = next((stage for stage in stages if stage.verdict is not Verdict.PASS), None)
    return bad if bad is not None and bad.name not in _UNAVOIDABLE else None


@dataclass(frozen=True)
class ExportReport:
    """An export: what was tried, what was chosen and why, what was found, and how the self-check ended."""

    path: str
    method: str
    """"trace" or "script"; the one that was asked for or, by "auto", chosen."""
    chosen_because: str
    candidates: tuple[CandidateResult, ...]
    cases: tuple[str, ...]
    """Names of the cases inside the artifact."""
    dropped: tuple[DroppedFamily, ...]
    stages: tuple[StageResult, ...]
    findings: tuple[Finding, ...]
    verdict: Verdict
    exit_code: ExitCode
    forced: bool
    """Written although the verdict is no pass."""
    size: int
    """Bytes of the artifact; 0 if none was written."""
    seconds: float
    schema_version: int = SCHEMA_VERSION
    kind: str = "export"
    free: tuple[FreeSizes, ...] = ()
    """Sizes that were found by trying the model."""
    fixed: tuple[str, ...] = ()
    """Batches that the user has declared fixed: "batch 1"."""

    @property
    def refused(self) -> StageResult | None:
        """The first stage that was asked for, and moved the outputs or could not be done."""
        return refused_stage(self.stages)

    @property
    def written(self) -> bool:
        return self.verdict is Verdict.PASS or self.forced

    @property
    def check(self) -> VerifyReport | None:
        """The self-check of the chosen candidate."""
        chosen = [c for c in self.candidates if c.method == self.method]
        return chosen[0].check if chosen else None

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ExportReport:
        return from_dict(cls, data)

    def raise_for_verdict(self) -> None:
        """Raises ExportError, with the reason and this report, unless the verdict is a pass."""
        if self.verdict is not Verdict.PASS:
            from tsharness.report.export_text import verdict_lines

            raise ExportError("\n".join(verdict_lines(self)), self)
