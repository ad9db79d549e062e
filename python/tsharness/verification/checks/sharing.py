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
_MOST_ROUNDS = 200
_Z99 = 2.576  # standard normal quantile of a two-sided 99% interval
_DRAWN = 200  # points of a curve
_POINTS = 64  # of a series that are kept: all pairs of them are looked at
_MODES = {"shared": "the shared module", "clones": "clones"}
_SOAKS = {"fixed": "one shape", "varied": "changing shapes", "threads": "a fresh thread a call"}


def threads_requests(context: Context) -> Sequence[Request]:
    requests = []
    for mode in _MODES:
        # What keeps state cannot be shared: that its check says so is enough.
        # Of one case alone, a race could not be seen: all threads would write the same.
        names = context.sample(0.25, single=mode == "shared", least=3)
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
    full = context.options.level is Level.FULL
    cheapest, several = context.sample(0.0), context.sample(0.5, most=2)
    requests = []
    for mode in _SOAKS:
        names = several if mode == "varied" else cheapest
        if mode == "varied" and len(several) < 2:
            continue
        step = {"step": "soak", "id": f"memory:{mode}", "cases": names, "fresh_threads": mode == "threads"}
        bounds = {"seconds": 10.0 if full else 0.2, "min_rounds": 20, "max_rounds": 4000 if full else 200}
        requests.append(Request({**step, **bounds}))
    return requests


def memory(context: Context) -> Check:
    limit = context.options.leak_limit
    worst, told, curves = Verdict.PASS, [], []
    for mode, name in _SOAKS.items():
        outcome = context.answers.get(f"memory:{mode}")
        if outcome is None:
            continue
        if outcome.error is not None:
            return Check("memory", Verdict.ERROR, f"with {name}: {outcome.error.message}")
        if not outcome.results:
            continue  # a bundle did not ask it where it was made: there, a second case was too slow
        (event,) = outcome.results
        curves.append(_curve(name, event))
        low, middle, high = (
            slope / event["calls_per_round"] for slope in growth(_settled(event["heap_bytes"]))
        )
        if low > limit:
            worst = Verdict.FAIL
            told.append(f"with {name} every call keeps {_bytes(middle)} ({_bytes(low)} to {_bytes(high)})")
        elif middle > limit and worst is Verdict.PASS:
            worst = Verdict.INCONCLUSIVE
            told.append(f"with {name} {_bytes(low)} to {_bytes(high)} a call; --level full looks longer")
    if told:
        message = f"{'; '.join(told)}; the limit is {_bytes(limit)}"
        return Check("memory", worst, message, curves=tuple(curves))
    if not curves:
        return Check("memory", Verdict.SKIPPED, "it was not asked")
    calls = sum(
        event["calls"]
        for key, o in context.answers.items()
        if key.startswith("memory:")
        for event in o.results
    )
    message = f"nothing is kept after {many(calls, 'call')} (limit {_bytes(limit)} a call)"
    return Check("memory", Verdict.PASS, message, curves=tuple(curves))


def _curve(name: str, event: Event) -> Curve:
    """The heap after each round, thinned out evenly, against where it began."""
    heap, calls = event["heap_bytes"], event["calls_per_round"]
    step = max(1, len(heap) // _DRAWN)
    places = range(0, len(heap), step)
    return Curve(
        name=f"with {name}",
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
