"""Figures over time, drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tsharness.history.api import Trend
from tsharness.history.figures import EXIT_CODE
from tsharness.history.text import change_text, value_text
from tsharness.report.html.svg import BAD, Chart, drawing

_FEWEST = 2


def trend_charts(trends: Sequence[Trend]) -> Iterator[Chart]:
    """One for each figure that has several values; exit codes are in the table."""
    shown = [one for one in trends if len(one.series.values) >= _FEWEST]
    for number, trend in enumerate(one for one in shown if not one.series.name.endswith(EXIT_CODE)):
        yield _trend(trend, f"t{number}")


def _trend(trend: Trend, number: str) -> Chart:
    series = trend.series
    last = value_text(series.name, series.values[-1])
    says = f"{len(series.values)} runs on {series.machine}; now {last}. {change_text(trend)}."
    with drawing(f"{series.artifact}: {series.name}", says, number) as canvas:
        axes = canvas.axes
        axes.plot(range(len(series.values)), series.values, "o-", markersize=3)
        for change in trend.changes:
            axes.axvline(change.index - 0.5, color=BAD, linestyle="--")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("run")
        axes.yaxis.set_major_formatter(lambda value, _: value_text(series.name, value))
    return canvas.chart
