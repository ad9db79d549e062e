"""Latency, drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tsharness.bench.points import value_text
from tsharness.bench.report import BenchReport, Histogram, Latency
from tsharness.report.bench_text import point_name
from tsharness.report.html.svg import FAINT, GOOD, SERIES, Chart, drawing, log_axis
from tsharness.report.units import seconds, time_unit

_MOST = 8
_TAILS = ("p50", "p90", "p99", "p99.9")


def bench_charts(report: BenchReport, number: str) -> Iterator[Chart]:
    for position, latency in enumerate(report.latencies[:_MOST]):
        if latency.histogram is not None:
            yield _distribution(latency, latency.histogram, f"{number}-d{position}")
        if len(latency.warmup.course) > 1:
            yield _warmup(latency, f"{number}-w{position}")
        if latency.course:
            yield _course(latency, f"{number}-o{position}")
    for case in dict.fromkeys(one.case for one in report.latencies):
        points = [one for one in report.latencies if one.case == case]
        if len(points) > 1:
            yield _sweep(case, points, f"{number}-s{len(case)}-{report.latencies.index(points[0])}")


def _distribution(latency: Latency, histogram: Histogram, number: str) -> Chart:
    told = ", ".join(
        f"{name} {seconds(one.seconds)} ({seconds(one.low)} to {seconds(one.high)})"
        for name, one in latency.quantiles.items()
    )
    says = f"Distribution of {latency.count} samples: {told or 'too few of them for a percentile'}."
    with drawing(f"Latency of {point_name(latency)}", says, number) as canvas:
        axes = canvas.axes
        factor, unit = time_unit(latency.median)
        edges = [edge / factor for edge in histogram.edges]
        axes.stairs(histogram.counts, edges, fill=True, color=SERIES[0], alpha=0.75)
        for color, name in zip(SERIES[1:], _TAILS, strict=False):
            found = latency.quantiles.get(name)
            if found is not None and found.seconds / factor <= edges[-1]:
                axes.axvline(found.seconds / factor, color=color, linestyle="--", label=name)
                axes.axvspan(found.low / factor, found.high / factor, color=color, alpha=0.15)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel(f"{unit} (the last bin holds all that is beyond)")
        axes.set_ylabel("samples")
        if axes.lines:
            axes.legend()
    return canvas.chart


def _warmup(latency: Latency, number: str) -> Chart:
    says = (
        f"Blocks of calls in the first process until their time no longer changed: {latency.warmup.calls} "
        f"calls in {seconds(latency.warmup.seconds)}. The very first call took {seconds(latency.first)}."
    )
    with drawing(f"Warm-up of {point_name(latency)}", says, number) as canvas:
        factor, unit = time_unit(latency.median)
        calls, times = zip(*latency.warmup.course, strict=True)
        canvas.axes.plot(calls, [time / factor for time in times], "o-", markersize=3)
        canvas.axes.axhline(latency.median / factor, color=GOOD, linestyle="--", label="median, warm")
        log_axis(canvas.axes, "x", "y")
        canvas.axes.set_xlabel("call")
        canvas.axes.set_ylabel(unit)
        canvas.axes.legend(fontsize=8)
    return canvas.chart


def _course(latency: Latency, number: str) -> Chart:
    says = (
        f"Medians of equal parts of the samples, in order, for each of {len(latency.processes)} processes. "
        f"The first call took {seconds(latency.first)}; {latency.warmup.calls} calls warmed it up."
    )
    with drawing(f"{point_name(latency)} over its calls", says, number) as canvas:
        factor, unit = time_unit(latency.median)
        for process, parts in enumerate(latency.course, 1):
            share = latency.count / len(latency.course) / len(parts)
            places = [(one + 0.5) * share for one in range(len(parts))]
            canvas.axes.plot(places, [part / factor for part in parts], label=f"process {process}")
        canvas.axes.set_xlabel("call")
        canvas.axes.set_ylabel(unit)
        if len(latency.course) <= _MOST:
            canvas.axes.legend(fontsize=8)
    return canvas.chart


def _sweep(case: str, points: Sequence[Latency], number: str) -> Chart:
    best = min(points, key=lambda one: one.median)
    says = f"Median and tails at each combination, bars for the processes; {point_name(best)} has the lowest."
    with drawing(f"{case}: what was varied", says, number, height=3.2) as canvas:
        axes = canvas.axes
        positions = list(range(len(points)))
        factor, unit = time_unit(best.median)
        middle = [one.median / factor for one in points]
        below = [(one.median - min(one.processes)) / factor for one in points]
        above = [(max(one.processes) - one.median) / factor for one in points]
        axes.errorbar(positions, middle, (below, above), fmt="o-", capsize=4, label="median", color=SERIES[0])
        for color, name in zip(SERIES[1:], _TAILS[1:], strict=False):
            known = [(i, one.quantiles[name]) for i, one in enumerate(points) if name in one.quantiles]
            tail = [(i, quantile.seconds / factor) for i, quantile in known]
            if tail:
                axes.plot(*zip(*tail, strict=True), "^--", color=color, label=name)
        axes.plot([points.index(best)], [best.median / factor], "*", color=GOOD, markersize=12, zorder=3)
        axes.set_xticks(positions, [_label(one) for one in points])
        axes.axhline(0, color=FAINT)
        axes.set_ylabel(f"{unit} a call")
        axes.legend(fontsize=8)
    return canvas.chart


def _label(latency: Latency) -> str:
    return "\n".join(f"{name}={value_text(value)}" for name, value in latency.parameters.items())
