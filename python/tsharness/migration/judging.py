"""What is said of a new file, from what was seen: the one place that decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tsharness.cases.dims import AT_ONCE
from tsharness.findings import finding
from tsharness.migration.domain import Domain
from tsharness.migration.options import MigrateOptions
from tsharness.migration.stage import Baked, Conversion, Stage
from tsharness.report.model import Finding
from tsharness.verdict import ExitCode, Verdict, worst
from tsharness.verification.report import CaseResult, VerifyReport

_STATELESS = ("onnx",)
"""Targets that keep nothing from call to call."""


@dataclass(frozen=True)
class Judgement:
    """Whether the new file may replace the old one."""

    verdict: str
    """"safe", "differs", "unproved" or "blocked"."""
    reason: str
    exit_code: ExitCode
    scope: str = ""
    """Of what alone it is safe; empty: of all that the old one takes."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """All that was seen of one conversion."""

    options: MigrateOptions
    conversion: Conversion
    stages: tuple[Stage, ...]
    domain: Domain
    verification: VerifyReport | None
    carried: tuple[str, ...] = ()
    """Extra files that the new file has."""

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """Cases that the new file gets wrong, or does not take, where it is to run."""
        cases = self.verification.cases if self.verification else ()
        return tuple(case for case in cases if case.verdict is not Verdict.PASS and not _is_empty(case))

    @property
    def lost_methods(self) -> tuple[str, ...]:
        """Methods of the old file that the target has no form of."""
        if self.options.to == "lite":
            return ()
        return tuple(name for name in self.domain.methods if name != "forward")

    @property
    def uncalled_methods(self) -> tuple[str, ...]:
        """Methods that the new file has, and that no case has called."""
        ran = {case.name for case in self.verification.cases} if self.verification else set()
        called = self.domain.called if ran else ()
        kept = set(self.domain.methods) - set(self.lost_methods)
        return tuple(sorted(kept - set(called)))

    @property
    def lost_files(self) -> tuple[str, ...]:
        """Extra files of the old file that the new one has not."""
        return tuple(name for name in self.domain.extra_files if name not in self.carried)

    def baked(self, what: str) -> tuple[Baked, ...]:
        """What of the sample became part of the new file and makes cases fail."""
        names = {case.name for case in self.failed}
        return tuple(
            one for one in self.conversion.baked if one.what == what and not names.isdisjoint(one.cases)
        )

    @property
    def lost_dims(self) -> tuple[str, ...]:
        """Dims, or values, of which the new file does not do what the old one does, and nothing else is known
        to be the cause."""
        explained = {name for one in self.conversion.baked for name in one.cases}
        names = {case.name for case in self.failed} - explained
        found = tuple(one.dim for one in self.domain.free if not names.isdisjoint(one.cases))
        # All of them at once is told where nothing else is.
        return tuple(one for one in found if one != AT_ONCE) or found

    @property
    def lost_state(self) -> tuple[str, ...]:
        """Buffers that the old file writes to, and the new one does not keep."""
        return self.conversion.state if self.options.to in _STATELESS else ()

    @property
    def unexplained(self) -> tuple[CaseResult, ...]:
        """Failed cases of which none of the above is the cause."""
        known = {name for one in self.conversion.baked for name in one.cases}
        known |= {name for one in self.domain.free for name in one.cases}
        later = bool(self.lost_state)
        return tuple(
            case for case in self.failed if case.name not in known and not (later and _wrong_later(case))
        )


def _is_empty(case: CaseResult) -> bool:
    """Whether its outputs are as empty as the old file's: no rows that pass, as of a filter. That is no
    evidence, and nothing that differs; what is too small to be judged is not meant."""
    return case.verdict is Verdict.INCONCLUSIVE and all(0 in output.shape for output in case.outputs)


def _wrong_later(case: CaseResult) -> bool:
    """Whether its first call is right every time, and only a later one of its sequence is not."""
    calls = [call for output in case.outputs for call in output.failed]
    return case.error is None and bool(calls) and not any(call.startswith("call 1 ") for call in calls)


def judge(evidence: Evidence) -> Judgement:
    """Safe is what was right over all that the old file takes: its sizes and values, its methods, what it
    holds besides."""
    if not evidence.conversion.written or evidence.verification is None:
        return _blocked(evidence)
    losses = list(_losses(evidence))
    findings = tuple(one for _, found in losses for one in found)
    reasons = [reason for reason, _ in losses]
    verification = evidence.verification
    if evidence.unexplained or (verification.verdict is not Verdict.PASS and not losses):
        reasons.insert(0, _at_stage(evidence))
        code = (
            ExitCode.FAILED if losses and verification.exit_code is ExitCode.PASS else verification.exit_code
        )
        return Judgement("differs", "; ".join(reasons), worst([code]), findings=findings)
    if reasons:
        return Judgement("differs", "; ".join(reasons), ExitCode.FAILED, findings=findings)
    unproved = list(_unproved(evidence))
    if unproved:
        return Judgement("unproved", "; ".join(unproved), ExitCode.INCONCLUSIVE)
    return Judgement("safe", "", ExitCode.PASS, ", ".join(_alone(evidence)))


def _blocked(evidence: Evidence) -> Judgement:
    constructs, stages = evidence.conversion.constructs, evidence.stages
    what = constructs[0].what if constructs else (stages[-1].reason if stages else "")
    where = constructs[0].where if constructs else ""
    return Judgement("blocked", what + (f" ({where})" if where else ""), ExitCode.CANNOT_RUN)


def _losses(evidence: Evidence) -> Iterator[tuple[str, list[Finding]]]:
    """What the old file does or has, and the new one has not: in words, and as findings."""
    for one in evidence.baked("constant"):
        text = f"input {one.input} became the constant {one.value}"
        yield text, [finding("TS520", text)]
    for one in evidence.baked("strides"):
        text = f"{one.input} is read with the sample's strides {one.value}"
        yield text, [finding("TS515", f"{text}: wrong in {_some(one.cases)}")]
    if evidence.lost_dims:
        dims = " and ".join(evidence.lost_dims)
        text = f"other sizes of {dims}, which the old one takes, are refused or answered wrongly"
        yield text, [finding("TS521", text)]
    if evidence.lost_state:
        text = f"state that it does not keep: {', '.join(evidence.lost_state)}"
        yield text, [finding("TS523", text)]
    if evidence.lost_methods:
        text = f"methods that it has not: {', '.join(evidence.lost_methods)}"
        yield text, [finding("TS513", text)]
    if evidence.lost_files:
        text = f"extra files that it has not: {', '.join(evidence.lost_files)}"
        yield text, [finding("TS522", text)]


def _some(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _at_stage(evidence: Evidence) -> str:
    """The first stage that gets a case wrong which the new file gets wrong too; other stages have shown
    nothing of it."""
    verification = evidence.verification
    assert verification is not None
    names = {case.name for case in evidence.unexplained}
    last = evidence.stages[-1]
    shown = (one for one in evidence.stages if one.verdict is Verdict.FAIL and names & set(one.failed))
    first = next(shown, last)
    found = first.divergence or (last.divergence if first is last else None)
    operator = f", operator {found.operator}" if found else ""
    operator += f" ({found.source})" if found and found.source else ""
    return f"at stage {first.name}{operator}: {first.reason}"


def _unproved(evidence: Evidence) -> Iterator[str]:
    """Parts of what the old file does of which nothing was seen."""
    domain = evidence.domain
    if evidence.uncalled_methods:
        names = ", ".join(evidence.uncalled_methods)
        yield f"no case calls {names}: add cases that do (tsharness pack --inputs)"
    if domain.unknown:
        yield f"the old one could not be tried at other sizes: {domain.unknown}"
    if domain.untried:
        yield f"the old one died of {', '.join(domain.untried)}: declare that input, --fixed NAME"


def _alone(evidence: Evidence) -> Iterator[str]:
    """What the user has declared, or nobody has tried."""
    if evidence.domain.fixed:
        yield f"for these sizes alone ({', '.join(evidence.domain.fixed)})"
    for one in evidence.conversion.baked:
        if one.what == "constant" and not one.cases:
            yield f"for {one.input}={one.value}"
    if evidence.options.contiguous:
        yield "for contiguous inputs"
