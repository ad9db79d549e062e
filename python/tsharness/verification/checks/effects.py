"""Checks of what calls do besides giving outputs; the calls of the cases show it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tsharness.report.model import Check
from tsharness.report.units import many, seconds
from tsharness.verdict import Verdict
from tsharness.verification.checks.context import Context, listed
from tsharness.verification.checks.rule import Request
from tsharness.verification.report import CaseResult

_STEADY = 1.5  # of the steady call's time: a call that takes longer is not steady yet


def repeatability(context: Context) -> Check:
    """Bits may differ within the tolerance: the executor fuses operators after the first calls."""
    differing: list[str] = []
    tolerated: list[str] = []
    repeated = 0
    for case in context.cases:
        event = context.events(case)
        if event is None:
            continue
        prints: dict[int, set[str]] = {}
        for call in event["calls"]:
            prints.setdefault(call["call"], set()).add(call["fingerprint"])
        repeated += len(event["calls"]) > len(prints)
        if any(len(different) > 1 for different in prints.values()):
            (tolerated if case.verdict is Verdict.PASS else differing).append(case.name)
    if differing:
        message = f"identical calls give different outputs: {listed(differing)}"
        return Check("repeatability", Verdict.FAIL, message)
    if not repeated:
        return Check("repeatability", Verdict.SKIPPED, "no case was called twice")
    bits = f"; bits differ within the tolerance in {listed(tolerated)}" if tolerated else ", bit for bit"
    return Check("repeatability", Verdict.PASS, f"identical calls give the same outputs{bits}")


def inputs_unchanged(context: Context) -> Check:
    places = _by_name(context, "changed_inputs")
    if places:
        message = f"a call writes to its input {listed(list(places))} (case {next(iter(places.values()))})"
        return Check("inputs-unchanged", Verdict.FAIL, message)
    return _seen(context, "inputs-unchanged", "every byte of the inputs is as it was before the call")


def state(context: Context) -> Check:
    kept: list[str] = []
    sequences: list[str] = []
    for case in context.cases:
        event = context.events(case)
        if event is not None and event["changed_state"]:
            (kept if context.single(case) else sequences).extend(event["changed_state"])
    if kept:
        message = f"a call changes the module: {listed(sorted(set(kept)))}; calls are not independent"
        return Check("state", Verdict.FAIL, message)
    if sequences:
        message = f"the module keeps {listed(sorted(set(sequences)))}; its cases are sequences that say so"
        return Check("state", Verdict.PASS, message)
    return _seen(context, "state", "parameters, buffers and attributes are as they were loaded")


def aliasing(context: Context) -> Check:
    shared = _pairs(context, "state_aliases")
    if shared:
        message = f"{_told(shared)}: who writes to the output changes the model"
        return Check("aliasing", Verdict.FAIL, message)
    views = _pairs(context, "input_aliases")
    if views:
        message = f"{_told(views)}: copy the output before the input's buffer is used again"
        return Check("aliasing", Verdict.PASS, message)
    return _seen(context, "aliasing", "outputs share no memory with inputs or the module")


def finite_requests(context: Context) -> Sequence[Request]:
    """One look at every operator of the first case that is not in order."""
    bad, _ = _nonfinite(context)
    return [Request({"step": "tap", "id": "finite", "case": bad[0][0]})] if bad else []


def finite(context: Context) -> Check:
    bad, known = _nonfinite(context)
    if bad:
        message = f"NaN or infinity from finite inputs: {listed([told for _, told in bad])}"
        return Check("finite", Verdict.FAIL, message + _first_nonfinite(context))
    if known:
        message = f"not finite, as the reference: {listed([told for _, told in known])}"
        return Check("finite", Verdict.PASS, message)
    return _seen(context, "finite", "finite inputs give finite outputs")


def _nonfinite(context: Context) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Cases with their outputs that are not finite: those that nobody vouches for, and those that an
    independent reference has too."""
    bad: list[tuple[str, str]] = []
    known: list[tuple[str, str]] = []
    for case in context.cases:
        event = context.events(case)
        if event is None or not event["nonfinite"]:
            continue
        trusted = case.verdict is Verdict.PASS and case.origin in ("eager", "file")
        names = ((case.name, f"{one['name']} in case {case.name}") for one in event["nonfinite"])
        (known if trusted else bad).extend(names)
    return bad, known


def _first_nonfinite(context: Context) -> str:
    """The operator that made the first one; empty if that cannot be told."""
    outcome = context.answers.get("finite")
    taps = outcome.results[0]["taps"] if outcome is not None and outcome.results else ()
    for tap in taps:
        if not tap["finite"]:
            return f"; first made by {tap['op']}" + (f" ({tap['source']})" if tap["source"] else "")
    return ""


def cold_start(context: Context) -> Check:
    """The limit is on a call, not on the load, which has its own figure."""
    timed = [case for case in context.cases if context.single(case) and len(case.seconds) > 2]
    if not timed:
        return Check("cold-start", Verdict.SKIPPED, "no case was called three times")
    first = timed[0]
    slowest = max(timed, key=lambda case: max(case.seconds))
    if max(slowest.seconds) > context.options.cold_start_limit:
        limit = seconds(context.options.cold_start_limit)
        message = f"a call of case {slowest.name} took {seconds(max(slowest.seconds))}; the limit is {limit}"
        return Check("cold-start", Verdict.FAIL, message)
    steady = context.cost(first)
    told = (
        f"first call {seconds(first.seconds[0])}, then {seconds(steady)} from call {_steady_from(first)} on"
    )
    new = [case for case in timed[1:] if case.seconds[0] > _STEADY * context.cost(case)]
    if new:
        worst = max(new, key=lambda case: case.seconds[0])
        told += f"; case {worst.name} first {seconds(worst.seconds[0])}, then {seconds(context.cost(worst))}"
    return Check("cold-start", Verdict.PASS, told)


def _steady_from(case: CaseResult) -> int:
    """The first call from which on none takes longer than a steady one."""
    steady = sorted(case.seconds)[len(case.seconds) // 2]
    slow = [number for number, taken in enumerate(case.seconds, 1) if taken > _STEADY * steady]
    return slow[-1] + 1 if slow and slow[-1] < len(case.seconds) else 1 if not slow else slow[-1]


def _seen(context: Context, identity: str, message: str) -> Check:
    calls = sum(case.calls for case in context.cases if context.events(case) is not None)
    if not calls:
        return Check(identity, Verdict.SKIPPED, "no case ran to its end")
    return Check(identity, Verdict.PASS, f"{message} ({many(calls, 'call')})")


def _by_name(context: Context, key: str) -> dict[str, str]:
    """Names in a list of the events, each with the first case that has it."""
    found: dict[str, str] = {}
    for case in context.cases:
        for name in (context.events(case) or {}).get(key, ()):
            found.setdefault(name, case.name)
    return found


def _pairs(context: Context, key: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for case in context.cases:
        found.update((context.events(case) or {}).get(key, {}))
    return found


def _told(pairs: Mapping[str, str]) -> str:
    return listed([f"{output} shares its memory with {other}" for output, other in pairs.items()], 2)
