"""Checks that need no reference: relations that hold between calls of one artifact, whatever it computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tsharness.report.model import Check
from tsharness.report.units import many
from tsharness.runner.steps import StepOutcome
from tsharness.verdict import Verdict
from tsharness.verification.checks.context import Context, listed, nothing_to_compare
from tsharness.verification.checks.rule import Request

_INDEPENDENT = ("permuted", "identical")
"""Relations within the size that is known to be right: if these do not hold, its indices are no rows."""
_OTHER_SIZES = {
    "mirrored": "{rows} rows at once",
    "first alone": "the first row alone",
    "last alone": "the last row alone",
    "padded": "a row of zeros behind the others",
}
_MOST_CASES = 3
_GROWS = 4  # times the largest size that a case has: what is larger may take long


def batch_requests(context: Context) -> Sequence[Request]:
    # Examples before zeros and the like, whose rows are often all the same.
    single = [case for case in context.passing if context.single(case)]
    single.sort(key=lambda case: (case.family not in ("example", "synthesized"), context.cost(case)))
    names = [case.name for case in single[:_MOST_CASES]]
    step = {"step": "batch", "id": "batch", "cases": names, "tolerance": context.tolerance}
    return [Request(step)] if names else []


def batch(context: Context) -> Check:
    outcome = context.answers.get("batch")
    if outcome is None:
        return Check("batch", Verdict.SKIPPED, "every case is a sequence of calls")
    if outcome.error is not None:
        return Check("batch", Verdict.ERROR, outcome.error.message)
    told, right, reasons = [], 0, []
    for name, error in outcome.errors.items():
        if not context.runtime.probing:
            return Check("batch", Verdict.ERROR, f"{error.message} (case {name})")
        # The case itself passes: without its checks, the code takes the size.
        said = error.message.strip().splitlines()[0]
        reasons.append(f"checks that the code has, and a server may switch on, refuse case {name}: {said}")
    if any(map(_mixes_rows, outcome.results)):
        message = "the first dim is no batch: its indices influence one another, and that is right"
        return Check("batch", Verdict.SKIPPED, message)
    for event in outcome.results:
        if not event["relations"]:
            reasons.append("no output has a row for each row of the inputs")
            continue
        if event["rows"] > 1 and not event["rows_differ"]:
            reasons.append(f"the rows of case {event['case']} are all the same")
            continue
        broken = [_broken(relation) for relation in event["relations"] if relation["difference"]]
        told += [f"{text} (case {event['case']})" for text in broken]
        right += sum(1 for relation in event["relations"] if not relation["error"])
        fixed = [relation for relation in event["relations"] if relation["error"]]
        if fixed:
            reasons.append(f"its batch is fixed at {event['rows']}")
    if told:
        return Check("batch", Verdict.FAIL, f"rows are not computed by themselves: {told[0]}")
    if not right:
        return Check("batch", Verdict.SKIPPED, reasons[0] if reasons else "no batch was found")
    note = f"; {reasons[0]}" if reasons else ""
    return Check(
        "batch", Verdict.PASS, f"each row is computed as if it were alone ({many(right, 'relation')}){note}"
    )


def _mixes_rows(event: Mapping[str, Any]) -> bool:
    """At the size of the case, where the artifact is known to be right."""
    return any(
        relation["difference"] or relation["error"]
        for relation in event["relations"]
        if relation["name"] in _INDEPENDENT
    )


def _broken(relation: Mapping[str, Any]) -> str:
    what = _OTHER_SIZES.get(relation["name"], relation["name"]).format(rows=relation["rows"])
    return f"with {what}, {relation['difference']}"


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


def _tensors(method: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    arguments = method.get("arguments", ())
    return [(a["name"], a["dims"]) for a in arguments if a.get("dims") and "[" not in a["name"]]


def _of_symbol(name: str, facts: Mapping[str, Any], method: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    places = [[a, i] for a, dims in _tensors(method) for i, dim in enumerate(dims) if dim == name]
    known = sorted(facts.get("sizes", ()))
    if not places or not known:
        return
    step, low, high = facts.get("step", 1), facts.get("min", known[0]), facts.get("max", known[-1])
    inside = [low, known[0] + step, min(high, _GROWS * known[-1]) // step * step]
    for size in dict.fromkeys([*inside, 2 * known[-1]]):
        if size not in known and size > 0:
            # Without a range that somebody stated, a size between two that work may well be refused.
            stated = "min" in facts or "max" in facts
            label, declared = f"{name}={size}", stated and low <= size <= high
            dim = name if declared else label
            yield {"label": label, "dim": dim, "dims": places, "size": size, "declared": declared}


def _of_fixed(method: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    tensors = _tensors(method)
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
