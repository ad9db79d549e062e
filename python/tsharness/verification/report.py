"""What ``verify`` found, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tsharness.errors import VerificationFailed
from tsharness.report.model import (
    SCHEMA_VERSION,
    CaseError,
    Check,
    Finding,
    RunnerInfo,
    from_dict,
    to_dict,
)
from tsharness.report.notebook import repr_html
from tsharness.verdict import ExitCode, Verdict
from tsharness.verification.place import Localization
from tsharness.verification.profile import Profile


@dataclass(frozen=True)
class ArtifactInfo:
    """What was verified."""

    path: str
    sha256: str
    size: int
    """Bytes."""
    method: str | None
    """"trace" or "script", if its cases say."""
    torch: str | None
    """Version that exported it, if its cases say."""
    parameters: int | None
    """Number of parameters' elements; ``None`` if it did not load, or if its kind does not say."""
    runtime: str = ""
    """As what it ran, or was to run (docs/kinds.md)."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What only that kind has to say, such as its memory plan."""


@dataclass(frozen=True)
class Worst:
    """The element that exceeds its tolerance most, or comes closest to it."""

    index: tuple[int, ...]
    actual: float
    expected: float
    error: float
    allowed: float


@dataclass(frozen=True)
class Float64Errors:
    """Largest absolute errors against a run of the artifact in float64."""

    target: float
    reference: float
    allowed: float


@dataclass(frozen=True)
class Decisions:
    """Rows whose k largest values are at other places than the reference's."""

    k: int
    rows: int
    changed: int


@dataclass(frozen=True)
class Requirement:
    """A figure that decided instead of the tolerance."""

    statistic: str
    """A name of verification/accept.py."""
    at_least: bool
    """Or at most."""
    value: float
    seen: float


@dataclass(frozen=True)
class OutputResult:
    """One output of a case, over all calls that were compared; figures are of the worst call."""

    name: str
    verdict: Verdict
    dtype: str
    shape: tuple[int, ...]
    rtol: float
    atol: float
    exact: bool
    compared: int
    """Calls in which this output was compared."""
    failed: tuple[str, ...]
    """The calls that failed, for example "call 3"."""
    reason: str
    """Why the worst call failed; empty if none did."""
    set_by: str = "table"
    """Whose the tolerance or the figures are: "table", the case "file", or the "user"."""
    decisive: bool = True
    """Whether a wrong value could have failed, in every repetition of one call at least: not where there is
    no value, and not where all expected values are below the tolerance and the output differs from them."""
    aspect: str = "values"
    """What was looked at last: "values", "type", "dtype", "shape", "device", "length", "keys"."""
    resembles: str = ""
    """The other output whose reference the values equal: the two were swapped."""
    numel: int | None = None
    mismatched: int | None = None
    largest_expected: float | None = None
    """The largest finite magnitude that the reference has."""
    max_abs: float | None = None
    mean_abs: float | None = None
    max_rel: float | None = None
    mean_rel: float | None = None
    max_ulp: int | None = None
    cosine: float | None = None
    quantiles: tuple[float, ...] | None = None
    """Upper bounds of the absolute error at 50%, 90%, 99%, 99.9%."""
    l2: float | None = None
    relative_l2: float | None = None
    snr: float | None = None
    """dB, as the next."""
    psnr: float | None = None
    min_atol: float | None = None
    """The smallest atol that would have passed."""
    min_rtol: float | None = None
    """The smallest rtol that would have passed with this atol."""
    worst: Worst | None = None
    requirements: tuple[Requirement, ...] = ()
    """What it was judged by, if figures were asked for."""
    profile: Profile | None = None
    """Where and among which values it differs, if it does; of the first call that fails, or if none does of
    the first that is not equal."""
    float64: Float64Errors | None = None
    """Against a float64 run, if that was asked for."""
    decisions: Decisions | None = None
    """Of a classifier, if they were asked for; of the call in which most changed."""


@dataclass(frozen=True)
class CaseResult:
    """One case."""

    name: str
    family: str
    origin: str
    verdict: Verdict
    calls: int
    """Calls that were compared."""
    outputs: tuple[OutputResult, ...]
    seconds: tuple[float, ...]
    """Duration of each call, in order; the first ones include the executor's warm-up."""
    changed_state: tuple[str, ...] = ()
    """Attributes, buffers and parameters that differ from when they were loaded."""
    error: CaseError | None = None


@dataclass(frozen=True)
class VerifyReport:
    """Everything that one ``verify`` of one artifact found."""

    artifact: ArtifactInfo
    cases_from: str
    """In words: inside the artifact, beside it, a file, or synthesized."""
    proves: str
    """What a pass means, in words."""
    runner: RunnerInfo | None
    """``None`` if no runner got as far as to speak."""
    checks: tuple[Check, ...]
    cases: tuple[CaseResult, ...]
    findings: tuple[Finding, ...]
    verdict: Verdict
    exit_code: ExitCode
    seconds: float
    """Of the whole run."""
    localized: Localization | None = None
    """Where the artifact parts from the reference, if that was asked for."""
    printed: str = ""
    """The last of what the model printed while it ran."""
    judged: str = ""
    """In words, why tolerances are not those of the table; empty if they are, or were stated."""
    left_out: tuple[str, ...] = ()
    """Cases and checks for which there was no time, in words."""
    alone: tuple[str, ...] = ()
    """Sizes beside which no other was proved, because the user has declared them fixed, or the artifact takes
    no other: "batch 1"."""
    incomplete: bool = False
    """Whether it was interrupted: cases and checks that had not ended are not what they would have been."""
    schema_version: int = SCHEMA_VERSION
    kind: str = "verify"

    @property
    def calls(self) -> int:
        """Calls that were compared, in all cases."""
        return sum(case.calls for case in self.cases)

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> VerifyReport:
        return from_dict(cls, data)

    def _repr_html_(self) -> str:
        return repr_html(self)

    def raise_for_verdict(self) -> None:
        """Raises VerificationFailed, with the reason, unless the verdict is a pass."""
        if self.verdict is not Verdict.PASS:
            from tsharness.report.text import verdict_lines

            raise VerificationFailed(*verdict_lines(self))
