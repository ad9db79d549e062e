"""Checks of what a server does with a module: many threads, for a long time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from tsharness.report.model import Check, Curve
from tsharness.report.units import many, size
from tsharness.runner.outcome import Event
from tsharness.verdict import Verdict
from tsharness.verification.checks.context import Context
from tsharness.verification.checks.rule import Level, Request

_THREADS = 4
_CROWDED = 0.05  # seconds of each thread's calls: a race needs its time to show
_MOST_ROUNDS = 100
_Z99 = 2.576  # standard normal quantile of a two-sided 99% interval
_DRAWN = 200  # points of a curve
_POINTS = 64  # of a series that are kept: all pairs of them are looked at
_MODES = {"shared": "the shared module", "clones": "clones"}
_SOAK = {"seconds": 0.2, "min_rounds": 12, "max_rounds": 200}
_LONG_SOAK = {"seconds": 30.0, "min_rounds": 20, "max_rounds": 4000}  # at level full


def threads_requests(context: Context) -> Sequence[Request]:
    requests = []
    for mode in _MODES:
        # What keeps state cannot be shared: that its check says so is enough.
        # Of cases with the same outputs, a race could not be seen: all threads would write the same. With
        # two that differ, what one thread does is another thing than what the next one does, all the time.
        names = context.differing(0.1, single=mode == "shared", least=2)
        if names:
            step = {"step": "threads", "id": f"threads:{mode}", "cases": names, "threads": _THREADS}
            rounds = int(min(_MOST_ROUNDS, max(1, _CROWDED / max(context.seconds_of(names), 1e-6))))
            more = {"shared": mode == "shared", "rounds": rounds, "tolerance": context.tolerance}
            requests.append(Request({**step, **more}))
    return requests


def threads(context: Context) -> Check:
    told, calls = [], 0
    for mode, name in _MODES.items():
        outcome = context.answers.get(f"threads:{mode}")
        if outcome is None:
            continue
        if outcome.error is not None:
            told.append(f"on {name}: {outcome.error.message}")
        for event in outcome.results:
            calls += event["calls"]
            for case, problem in event["problems"].items():
                told.append(f"on {name}: {problem['first']} (case {case})")
    if told:
        return Check("threads", Verdict.FAIL, f"{_THREADS} threads {'; '.join(told[:2])}")
    shared = "threads:shared" in context.answers
    where = "the shared module and on clones" if shared else "clones (it keeps state: do not share it)"
    message = f"{_THREADS} threads on {where} compute what one does ({many(calls, 'call')})"
    return Check("threads", Verdict.PASS, message)


def memory_requests(context: Context) -> Sequence[Request]:
    """One step, whose rounds call a case, after one of another shape if there is one, and call it again in
    a fresh thread. What every call keeps, each of these keeps; what only other shapes or threads make it
    keep, one of them."""
    cases = context.cheapest_forms()
    way = "changing shapes" if len(cases) > 1 else "one shape"
    parts = [
        {"name": way, "cases": cases[::-1], "fresh_threads": False},
        {"name": "a fresh thread a call", "cases": cases[:1], "fresh_threads": True},
    ]
    bounds = _LONG_SOAK if context.options.level is Level.FULL else _SOAK
    return [Request({"step": "soak", "id": "memory", "cases": cases, "parts": parts, **bounds})]


def memory(context: Context) -> Check:
    """What the heap grows by from round to round bounds what calls of each way keep: if that is within the
    limit of one call, every way is. Beyond it, the growth during each way tells which one it is. That alone
    would not do: what one call keeps until the next one, another way may seem to add and the next to free."""
    limit = context.options.leak_limit
    outcome = context.answers["memory"]
    if outcome.error is not None:
        return Check("memory", Verdict.ERROR, outcome.error.message)
    if not outcome.results:
        return Check("memory", Verdict.SKIPPED, "it was not asked")
    (event,) = outcome.results
    ways = _ways(event)
    curves = tuple(_curve(f"with {way}", series, calls) for way, series, calls in ways)
    rounds = growth(_settled(event["heap_bytes"]))
    worst, told = Verdict.PASS, []
    for way, series, calls in ways:
        low, middle, high = (
            min(mine, whole) / calls for mine, whole in zip(growth(_settled(series)), rounds, strict=True)
        )
        if low > limit:
            worst = Verdict.FAIL
            told.append(f"with {way} every call keeps {_bytes(middle)} ({_bytes(low)} to {_bytes(high)})")
        elif middle > limit and worst is Verdict.PASS:
            worst = Verdict.INCONCLUSIVE
            told.append(f"with {way} {_bytes(low)} to {_bytes(high)} a call; --level full looks longer")
    if told:
        return Check("memory", worst, f"{'; '.join(told)}; the limit is {_bytes(limit)}", curves=curves)
    message = f"nothing is kept after {many(event['calls'], 'call')} (limit {_bytes(limit)} a call)"
    return Check("memory", Verdict.PASS, message, curves=curves)


def _ways(event: Event) -> list[tuple[str, list[int], int]]:
    """Each with the heap after its part of every round, as if nothing else were called, and its calls a
    round."""
    return [
        (part["name"], list(itertools.accumulate(part["grown_bytes"])), part["calls"])
        for part in event["parts"]
    ]


def _curve(name: str, heap: Sequence[int], calls: int) -> Curve:
    """The heap after each round, thinned out evenly, against where it began."""
    step = max(1, len(heap) // _DRAWN)
    places = range(0, len(heap), step)
    return Curve(
        name=name,
        x_name="calls",
        y_name="kB of heap since the first round",
        x=tuple(float((place + 1) * calls) for place in places),
        y=tuple((heap[place] - heap[0]) / 1e3 for place in places),
    )


def _settled(series: Sequence[int]) -> list[tuple[int, int]]:
    """Without the first half, in which the executor builds what it keeps; thinned out evenly."""
    rest = series[len(series) // 2 :]
    step = max(1, len(rest) // _POINTS)
    return [(series_at, rest[series_at]) for series_at in range(0, len(rest), step)]


def growth(series: Sequence[tuple[int, float]]) -> tuple[float, float, float]:
    """Slope of points with its 99% interval: low, median, high. The median of the slopes of all pairs,
    with an interval from Kendall's variance (P. K. Sen, 1968): a few outliers do not move it, a leak does."""
    pairs = sorted((b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(series, 2))
    if not pairs:
        return 0.0, 0.0, 0.0
    n = len(series)
    spread = _Z99 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, round((len(pairs) - spread) / 2))
    high = min(len(pairs) - 1, round((len(pairs) + spread) / 2))
    return pairs[low], pairs[len(pairs) // 2], pairs[high]


def _bytes(count: float) -> str:
    return size(round(max(count, 0)))
