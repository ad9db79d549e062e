"""The check of rows: relations that hold between calls of one artifact, whatever it computes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tsharness.report.model import Check
from tsharness.report.units import many
from tsharness.runner.steps import StepOutcome
from tsharness.verdict import Verdict
from tsharness.verification.checks.context import Context, listed
from tsharness.verification.checks.rule import Request
from tsharness.verification.checks.signature import tensors_of

_INDEPENDENT = ("permuted", "identical")
"""Relations within the size that is known to be right: if these do not hold, its indices are no rows."""
_OTHER_SIZES = {
    "mirrored": "{rows} rows at once",
    "first alone": "the first row alone",
    "last alone": "the last row alone",
    "padded": "a row of zeros behind the others",
}
_MOST_CASES = 3
_RANKS = {"example": 0, "synthesized": 0, "sizes": 1, "dims": 1}


def batch_requests(context: Context) -> Sequence[Request]:
    names = _chosen(context)
    if not names:
        return []
    dims, _ = _rows_of(context)
    step: dict[str, Any] = {"step": "batch", "id": "batch", "cases": names, "tolerance": context.tolerance}
    # Where no value decides what runs, rows of one case that differ show what those of another would.
    step["until_shown"] = not context.branches
    return [Request({**step, "dims": dims} if dims else step)]


def _chosen(context: Context) -> list[str]:
    """Cheap cases of several rows, which are called in six ways each, and one of a single row: that shows
    rows even where those of the others are all the same."""
    single = [case for case in context.passing if context.single(case)]
    # Examples before other sizes of them, whose rows may repeat, and these before zeros and the like.
    single.sort(key=lambda case: (_RANKS.get(case.family, len(_RANKS)), context.cost(case)))
    several = [case.name for case in single if context.rows(case) != 1]
    alone = [case.name for case in single if context.rows(case) == 1]
    chosen = [*several[: _MOST_CASES - 1], *alone[:1]]
    rest = [case.name for case in single if case.name not in chosen] if context.branches else []
    return [*chosen, *rest[: _MOST_CASES - len(chosen)]]


def _rows_of(context: Context) -> tuple[dict[str, int], list[str]]:
    """By the argument's name the dim that holds its rows, and the arguments of which it may be another: the
    first dim of the first tensor, and in every other one the dim of that name, or of that size."""
    methods = [one for one in context.plan.document.signature.values() if isinstance(one, Mapping)]
    tensors = tensors_of(methods[0]) if len(methods) == 1 else []
    if not tensors:
        return {}, []
    rows = tensors[0][1][0]
    dims, doubtful = {tensors[0][0]: 0}, []
    for name, sizes in tensors[1:]:
        places = [i for i, size in enumerate(sizes) if size == rows]
        if 0 in places or (len(places) == 1 and rows != 1):
            dims[name] = places[0]
        if len(places) > 1 and isinstance(rows, int):
            doubtful.append(name)
    return dims, doubtful


def batch(context: Context) -> Check:
    outcome = context.answers.get("batch")
    if outcome is None:
        return Check("batch", Verdict.SKIPPED, "every case is a sequence of calls")
    if outcome.error is not None:
        return Check("batch", Verdict.ERROR, outcome.error.message)
    check = _judged(context, outcome)
    _, doubtful = _rows_of(context)
    if check.verdict in (Verdict.FAIL, Verdict.ERROR) and doubtful:
        message = (
            f"which dim of {listed(doubtful)} holds the batch is not known: several have its size; give it "
            "a name, such as --input 'x=float32[N=3,8]'"
        )
        return Check("batch", Verdict.SKIPPED, message)
    return check


def _judged(context: Context, outcome: StepOutcome) -> Check:
    refused = []
    for name, error in outcome.errors.items():
        if not context.runtime.probing:
            return Check("batch", Verdict.ERROR, f"{error.message} (case {name})")
        # The case itself passes: without its checks, the code takes the size.
        said = error.message.strip().splitlines()[0]
        refused.append(f"checks that the code has, and a server may switch on, refuse case {name}: {said}")
    if any(map(_mixes_rows, outcome.results)):
        message = "the first dim is no batch: its indices influence one another, and that is right"
        return Check("batch", Verdict.SKIPPED, message)
    events = [event for event in outcome.results if _shows_rows(event)]
    known = _right_in_python(context)
    told = [text for event in events for text in _broken(event, known)]
    if told:
        return Check("batch", Verdict.FAIL, f"rows are not computed by themselves: {told[0]}")
    if any(one["difference"] for event in events for one in event["relations"]):
        sizes = listed([str(size) for size in sorted(known)], 6)
        message = (
            f"rows influence one another, as the Python model's do: the cases with {sizes} rows, which it "
            "made, are right"
        )
        return Check("batch", Verdict.SKIPPED, message)
    right = sum(not relation["error"] for event in events for relation in event["relations"])
    reasons = refused + [reason for event in outcome.results for reason in _reasons(event)]
    if not right:
        return Check("batch", Verdict.SKIPPED, reasons[0] if reasons else "no batch was found")
    message = f"each row is computed as if it were alone ({many(right, 'relation')})"
    return Check("batch", Verdict.PASS, "; ".join([message, *reasons[:1]]))


def batches_alone(context: Context) -> Iterator[str]:
    """The size of each batch beside which the artifact takes no other."""
    for event, others in _tried(context):
        if others and all(one["error"] for one in others):
            yield f"batch {event['rows']}"


def shows_other_batches(context: Context) -> bool:
    """Whether the rows of some case were right among others, or alone."""
    return any(not (one["error"] or one["difference"]) for _, others in _tried(context) for one in others)


def _tried(context: Context) -> Iterator[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Of each case whose first dim is a batch, the relations to batches of other sizes."""
    outcome = context.answers.get("batch")
    events = outcome.results if outcome is not None and outcome.error is None else ()
    if not any(map(_mixes_rows, events)):
        for event in events:
            yield event, [one for one in event["relations"] if one["name"] in _OTHER_SIZES]


def _shows_rows(event: Mapping[str, Any]) -> bool:
    return bool(event["relations"]) and (event["rows"] == 1 or event["rows_differ"])


def _reasons(event: Mapping[str, Any]) -> Iterator[str]:
    """What a case does not show, in words."""
    if event["unchanged"]:
        yield f"{listed(event['unchanged'])} has {event['rows']} rows whatever the batch"
    if event["reshaped"]:
        yield (
            f"the sizes of {listed(event['reshaped'])} depend on the rows together, as by padding to the "
            "longest: its rows were not compared"
        )
    if not event["relations"]:
        yield "no output has a row for each row of the inputs"
    elif event["rows"] > 1 and not event["rows_differ"]:
        yield f"the rows of case {event['case']} are all the same"
    elif any(relation["error"] for relation in event["relations"]):
        yield f"its batch is fixed at {event['rows']}"


def _mixes_rows(event: Mapping[str, Any]) -> bool:
    """At the size of the case, where the artifact is known to be right."""
    return any(
        relation["difference"] or relation["error"]
        for relation in event["relations"]
        if relation["name"] in _INDEPENDENT
    )


def _right_in_python(context: Context) -> set[int]:
    """Numbers of rows at which the artifact was right by outputs of the Python model itself."""
    passing = {case.name for case in context.passing}
    cases = (one for one in context.plan.cases if one.name in passing and one.origin == "eager")
    return {one.shape[0] for one in cases if one.shape and one.calls == 1}


def _broken(event: Mapping[str, Any], known: Collection[int]) -> Iterator[str]:
    """``known``: numbers of rows at which the outputs are the Python model's."""
    for relation in event["relations"]:
        if relation["difference"] and relation["rows"] not in known:
            what = _OTHER_SIZES.get(relation["name"], relation["name"]).format(rows=relation["rows"])
            yield f"with {what}, {relation['difference']} (case {event['case']})"
