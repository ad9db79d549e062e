"""The check of sizes that no case has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tsharness.report.model import Check
from tsharness.runner.steps import StepOutcome
from tsharness.verdict import Verdict
from tsharness.verification.checks.context import Context, listed, nothing_to_compare
from tsharness.verification.checks.rule import Request
from tsharness.verification.checks.signature import tensors_of

_GROWS = 4  # times the largest size that a case has: what is larger may take long


def shapes_requests(context: Context) -> Sequence[Request]:
    base = context.sample(0.0, single=True)
    variations = [one for one in _variations(context) if one["label"]]
    if not base or not variations:
        return []
    return [Request({"step": "resize", "id": "shapes", "case": base[0], "variations": variations})]


def shapes(context: Context) -> Check:
    if not context.passing:
        return nothing_to_compare("shapes")
    outcome = context.answers.get("shapes")
    if outcome is None:
        return Check("shapes", Verdict.SKIPPED, "the cases do not say which dims there are")
    if outcome.error is not None and not outcome.results:
        return Check("shapes", Verdict.ERROR, outcome.error.message)
    seen = outcome.by_case()
    declared = [one for one in _variations(context) if one["declared"]]
    bad = [one["label"] for one in declared if _problem(outcome, one["label"], seen)]
    if bad:
        why = str(_problem(outcome, bad[0], seen)).strip().splitlines()[-1]
        return Check(
            "shapes", Verdict.FAIL, f"does not run at {listed(bad)}, which its signature allows: {why}"
        )
    others = [one for one in _variations(context) if not one["declared"]]
    free = [one["dim"] for one in others if not _problem(outcome, one["label"], seen)]
    fixed = [one["dim"] for one in others if one["dim"] not in free]
    told = [f"runs at {listed([one['label'] for one in declared], 6)} too"] if declared else []
    told += [f"free besides: {listed(free)}"] if free else []
    told += [f"fixed: {listed(fixed)}"] if fixed else []
    return Check("shapes", Verdict.PASS, "; ".join(told))


def _problem(outcome: StepOutcome, label: str, seen: Mapping[str, Any]) -> str | None:
    """Why it did not run at a size; a process that died did not either."""
    if label in outcome.errors:
        return outcome.errors[label].message
    return seen[label]["error"] if label in seen else "was not run"


def _variations(context: Context) -> list[dict[str, Any]]:
    """Sizes that no case has: of every dim that the signature calls dynamic, and one more of each other."""
    found = []
    for method in context.plan.document.signature.values():
        if not isinstance(method, Mapping):
            continue
        symbols = method.get("symbols", {})
        found += [one for name in symbols for one in _of_symbol(name, symbols[name], method)]
        found += list(_of_fixed(method))
        break  # the first method is that of the first case
    return found


def _of_symbol(name: str, facts: Mapping[str, Any], method: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    places = [[a, i] for a, dims in tensors_of(method) for i, dim in enumerate(dims) if dim == name]
    known = sorted(facts.get("sizes", ()))
    if not places or not known:
        return
    step, low, high = facts.get("step", 1), facts.get("min", known[0]), facts.get("max", known[-1])
    inside = [low, known[0] + step, min(high, _GROWS * known[-1]) // step * step]
    # Where somebody says how large it gets, nobody asks whether more would do, which costs the most.
    beyond = [] if "max" in facts else [2 * known[-1]]
    for size in dict.fromkeys([*inside, *beyond]):
        if size not in known and size > 0:
            # Without a range that somebody stated, a size between two that work may well be refused.
            stated = "min" in facts or "max" in facts
            label, declared = f"{name}={size}", stated and low <= size <= high
            dim = name if declared else label
            yield {"label": label, "dim": dim, "dims": places, "size": size, "declared": declared}


def _of_fixed(method: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    tensors = tensors_of(method)
    for argument, dims in tensors:
        for i, dim in enumerate(dims):
            if not isinstance(dim, int) or dim < 1:
                continue
            first = i == 0 and argument == tensors[0][0]
            if i == 0 and not first and tensors[0][1][0] == dim:
                continue  # goes with the first one
            places = [[a, 0] for a, d in tensors if d[0] == dim] if first else [[argument, i]]
            label = f"{argument} dim {i} = {dim + 1}"
            yield {
                "label": label,
                "dim": f"{argument} dim {i} ({dim})",
                "dims": places,
                "size": dim + 1,
                "declared": False,
            }
