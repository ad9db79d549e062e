"""From the runner's events to verdicts. Nothing here runs anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tsharness.cases.case_file import CaseSummary
from tsharness.errors import UsageError
from tsharness.report.model import CaseError, from_dict
from tsharness.runner.outcome import Event
from tsharness.verdict import ExitCode, Verdict
from tsharness.verification.profile import Profile
from tsharness.verification.report import (
    CaseResult,
    Decisions,
    Float64Errors,
    OutputResult,
    Requirement,
    Worst,
)

NOT_RUN = CaseError("not-run", "was not run", ExitCode.CRASH)


def judge_case(
    summary: CaseSummary, event: Event | None, error: CaseError | None, short_of_time: bool = False
) -> CaseResult:
    """One case from its "result" event, or from what kept it from having one. A case that ran to its
    end counts as erroneous all the same if the process died on it afterwards. ``short_of_time``: cases may
    have been left out."""
    if event is None:
        if error is None and short_of_time:
            return CaseResult(summary.name, summary.family, summary.origin, Verdict.SKIPPED, 0, (), ())
        error = error or NOT_RUN
        return CaseResult(summary.name, summary.family, summary.origin, Verdict.ERROR, 0, (), (), error=error)
    calls = event["calls"]
    profiles = event.get("profiles", {})
    outputs = tuple(_outputs(calls, summary.calls, profiles))
    failed = any(output.verdict is Verdict.FAIL for output in outputs)
    verdict = Verdict.FAIL if failed or not outputs else Verdict.PASS
    if verdict is Verdict.PASS and not any(output.decisive for output in outputs):
        verdict = Verdict.INCONCLUSIVE
    return CaseResult(
        summary.name,
        summary.family,
        summary.origin,
        Verdict.ERROR if error else verdict,
        len(calls),
        outputs,
        tuple(call["seconds"] for call in calls),
        tuple(event["changed_state"]),
        error,
    )


def _outputs(
    calls: Sequence[Mapping[str, Any]], sequence: int, profiles: Mapping[str, Any]
) -> list[OutputResult]:
    """Groups the comparisons of all calls by the name of the output."""
    by_name: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    decisive: dict[str, dict[int, bool]] = {}
    for call in calls:
        label = _label(call, sequence)
        for output in call["outputs"]:
            by_name.setdefault(output["name"], []).append((label, output))
            shown, place = decisive.setdefault(output["name"], {}), call["call"]
            shown[place] = shown.get(place, True) and output.get("decisive", True)
    return [
        replace(_output(name, found, profiles.get(name)), decisive=any(decisive[name].values()))
        for name, found in by_name.items()
    ]


def _label(call: Mapping[str, Any], sequence: int) -> str:
    """ "call 3", or for a sequence "call 3 of round 2"."""
    if sequence == 1:
        return f"call {call['repetition'] + 1}"
    return f"call {call['call'] + 1} of round {call['repetition'] + 1}"


def _output(
    name: str, found: Sequence[tuple[str, Mapping[str, Any]]], profile: Mapping[str, Any] | None
) -> OutputResult:
    failed = tuple(label for label, output in found if not output["passed"])
    worst = max((output for _, output in found), key=_badness)
    difference = worst.get("difference")
    decisions = [Decisions(**output["decisions"]) for _, output in found if "decisions" in output]
    return OutputResult(
        name=name,
        verdict=Verdict.FAIL if failed else Verdict.PASS,
        dtype=worst["dtype"],
        shape=tuple(worst["shape"]),
        rtol=worst["rtol"],
        atol=worst["atol"],
        exact=worst["exact"],
        set_by=worst.get("set_by", "table"),
        compared=len(found),
        failed=failed,
        reason=worst["reason"],
        aspect=worst["aspect"],
        resembles=worst["resembles"],
        **(_figures(difference) if difference else {}),
        requirements=tuple(map(_requirement, worst.get("requirements", ()))),
        profile=from_dict(Profile, profile) if profile and failed else None,
        float64=_float64(worst.get("float64")),
        decisions=max(decisions, key=lambda one: one.changed, default=None),
    )


def _badness(output: Mapping[str, Any]) -> tuple[bool, bool, bool, float, float]:
    """Orders comparisons of one output: other structure is worse than other values, and what has
    figures says more than what has none."""
    failed, difference = not output["passed"], output.get("difference")
    if difference is None:
        return (failed, failed, False, 0.0, 0.0)
    return (failed, False, True, float(difference["min_atol"]), float(difference["max_abs"]))


_NUMBERS = (
    *("max_abs", "mean_abs", "max_rel", "mean_rel", "min_atol", "min_rtol"),
    *("cosine", "l2", "relative_l2", "snr", "psnr"),
)


def _figures(difference: Mapping[str, Any]) -> dict[str, Any]:
    worst = difference.get("worst")
    return {
        **{name: float(difference[name]) for name in _NUMBERS},
        **{name: difference[name] for name in ("numel", "mismatched", "max_ulp")},
        "largest_expected": float(difference.get("largest_expected", "nan")),
        "quantiles": tuple(float(value) for value in difference["quantiles"]),
        "worst": _worst(worst) if worst else None,
    }


def _requirement(found: Mapping[str, Any]) -> Requirement:
    value, seen = float(found["value"]), float(found["seen"])
    return Requirement(found["statistic"], found["at_least"], value, seen)


def _float64(errors: Mapping[str, Any] | None) -> Float64Errors | None:
    return Float64Errors(**{name: float(value) for name, value in errors.items()}) if errors else None


def _worst(worst: Mapping[str, Any]) -> Worst:
    index = tuple(worst["index"])
    values = {name: float(worst[name]) for name in ("actual", "expected", "error", "allowed")}
    return Worst(index, **values)


def check_output_names(tolerance: Mapping[str, Any], cases: Sequence[CaseResult]) -> None:
    """Raises UsageError if a tolerance was stated for an output that no case has: it would have had
    no effect, silently."""
    known = sorted({output.name for case in cases for output in case.outputs})
    for name in tolerance.get("outputs", {}):
        if known and name not in known:
            raise UsageError(f"no output is named '{name}'; there are: {', '.join(known)}")


def exit_codes_of(cases: Sequence[CaseResult]) -> list[ExitCode]:
    """One for each case. Cases that show nothing count where no other shows anything."""
    shown = any(case.verdict is Verdict.PASS for case in cases)
    nothing = ExitCode.PASS if shown else ExitCode.INCONCLUSIVE
    codes = {Verdict.PASS: ExitCode.PASS, Verdict.INCONCLUSIVE: nothing, Verdict.SKIPPED: nothing}
    return [
        case.error.exit_code if case.error is not None else codes.get(case.verdict, ExitCode.FAILED)
        for case in cases
    ]
