"""Figures of what the processes have said."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from tsharness.bench.measure import Sample, pooled
from tsharness.bench.quantiles import LEVELS, quantile, samples_needed
from tsharness.bench.report import Histogram, Interval, Latency, Outliers, WarmUpFacts
from tsharness.bench.split import bottleneck, parts
from tsharness.bench.stability import instability, late
from tsharness.bench.statistics import ERROR_RATE, mean_with_interval

if TYPE_CHECKING:
    from tsharness.bench.scenarios import Rows


def summarize(
    case: str, samples: Sequence[Sample], parameters: Mapping[str, Any], statistic: str = "p50"
) -> Latency:
    """Of one case at one point: a sample for each process. Raises ValueError without any."""
    import numpy as np

    processes = [one.sampled.seconds for one in samples]
    ordered = pooled(samples)
    found = {name: quantile(ordered, level) for name, level in LEVELS.items()}
    medians = tuple(float(np.median(process)) for process in processes)
    events = [one.event for one in samples]
    blocks = tuple(tuple(event.get("blocks", ())) for event in events)
    return Latency(
        case=case,
        parameters=dict(parameters),
        calls=events[0]["calls_per_sample"],
        count=len(ordered),
        per_second=median(one.sampled.per_second for one in samples),
        first=median(event["warmup"]["first_seconds"] for event in events),
        warmup=_warmup([event["warmup"] for event in events]),
        median=float(np.median(ordered)),
        minimum=float(ordered[0]),
        quantiles={name: one for name, one in found.items() if one is not None},
        needed={name: samples_needed(LEVELS[name]) for name, one in found.items() if one is None},
        outliers=_outliers(ordered),
        processes=medians,
        interval=_interval(statistic, processes),
        facts=_facts(samples),
        bottleneck=bottleneck([one.split for one in samples if one.split]),
        joules=_joules(samples),
        input_copies=events[0].get("input_copies", 1),
        input_bytes=events[0].get("input_bytes", 0),
        checked=sum(event["outputs"]["checked"] for event in events if "outputs" in event),
        differences=_differences(events),
        changed=tuple(
            sorted({name for event in events for name in event.get("outputs", {}).get("changed", ())})
        ),
        unstable=(*instability(events, medians), *late(_facts(samples))),
        blocks=blocks,
        histogram=_histogram(ordered),
        course=tuple(map(_course, processes)),
    )


_BINS = 80
_PARTS = 100


def _histogram(ordered: Rows) -> Histogram:
    """Up to the 99.5th percentile in equal bins, all beyond it in a last one: a single stall must not press
    everything else into one bin."""
    import numpy as np

    high = float(np.quantile(ordered, 0.995))
    edges = np.linspace(float(ordered[0]), max(high, float(ordered[0]) * (1 + 1e-9)), _BINS + 1)
    counts, _ = np.histogram(np.minimum(ordered, edges[-1]), edges)
    return Histogram(tuple(map(float, edges)), tuple(map(int, counts)))


def _course(process: Rows) -> tuple[float, ...]:
    import numpy as np

    parts = np.array_split(process, min(_PARTS, len(process)))
    return tuple(float(np.median(part)) for part in parts)


def _warmup(seen: Sequence[Mapping[str, Any]]) -> WarmUpFacts:
    return WarmUpFacts(
        calls=int(median(one["calls"] for one in seen)),
        seconds=median(one["seconds"] for one in seen),
        transient_calls=int(median(one["transient_calls"] for one in seen)),
        steady=all(one["steady"] for one in seen),
        course=tuple(_blocks(seen[0].get("blocks", ()))),
    )


def _blocks(blocks: Sequence[Sequence[float]]) -> Iterator[tuple[float, float]]:
    """The first call is one of its own; blocks grow, so there are few of them."""
    total = 0.0
    for calls, seconds in blocks:
        total += calls
        yield total, seconds / calls


def _interval(statistic: str, processes: Sequence[Rows]) -> Interval | None:
    import numpy as np

    if len(processes) < 2:
        return None
    logs = [math.log(float(np.quantile(process, LEVELS[statistic]))) for process in processes]
    center, half = mean_with_interval(logs, ERROR_RATE)
    return Interval(statistic, math.exp(center), math.exp(center - half), math.exp(center + half))


def _facts(samples: Sequence[Sample]) -> dict[str, float]:
    """What every process has said of, with the parts of a GPU's call behind it."""
    seen = [{**one.sampled.facts, **(parts(*one.split) if one.split else {})} for one in samples]
    return {name: median(one[name] for one in seen) for name in seen[0] if all(name in one for one in seen)}


def _differences(events: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(text for event in events for text in event.get("outputs", {}).get("differences", ()))
    )


def _joules(samples: Sequence[Sample]) -> float | None:
    """A GPU's own, or else what the processors took."""
    watts = [one.gpu_watts for one in samples if one.gpu_watts is not None]
    if watts:
        return median(watts) / median(one.sampled.per_second for one in samples)
    blocks = [block for one in samples for block in one.event.get("blocks", ())]
    taken = [block["joules"] for block in blocks]
    if not taken or None in taken:
        return None
    return float(sum(taken) / sum(block["calls"] for block in blocks))


def _outliers(ordered: Rows) -> Outliers:
    low, high = float(ordered[len(ordered) // 4]), float(ordered[(3 * len(ordered)) // 4])
    span = high - low

    def beyond(times: float) -> int:
        return int(((ordered < low - times * span) | (ordered > high + times * span)).sum())

    severe = beyond(3)
    return Outliers(mild=beyond(1.5) - severe, severe=severe)
