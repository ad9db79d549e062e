"""Two latencies against each other, drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tsharness.bench.compare_report import CompareReport
from tsharness.report.compare_text import effect_text
from tsharness.report.html.svg import GOOD, INK, SERIES, Chart, drawing


def compare_charts(report: CompareReport, number: str) -> Iterator[Chart]:
    """The ratio of each case, with its interval, every process, and the margin."""
    told = "; ".join(f"{case.case}: {effect_text(case)}" for case in report.cases)
    what = "Instructions" if report.counter else "Time"
    band = f"the band is the margin of {report.margin:.3g}"
    says = f"{what} of the new one as a share of the base; {band}. {told}."
    height = 1.4 + 0.45 * len(report.cases)
    with drawing("New against base", says, f"{number}-ratio", height=height) as canvas:
        axes = canvas.axes
        axes.axvspan(1 / (1 + report.margin), 1 + report.margin, color=GOOD, alpha=0.15)
        axes.axvline(1, color=INK, linewidth=0.8)
        for row, case in enumerate(report.cases):
            effect = case.decisive
            axes.plot(effect.processes, [row] * len(effect.processes), "|", color=SERIES[1], alpha=0.7)
            if math.isfinite(effect.high):
                axes.plot([effect.low, effect.high], [row, row], color=SERIES[0], linewidth=3)
            axes.plot([effect.ratio], [row], "o", color=SERIES[0])
        axes.set_yticks(range(len(report.cases)), [case.case for case in report.cases])
        axes.set_ylim(len(report.cases) - 0.5, -0.5)
        axes.set_xlabel("new / base (bars: single processes)")
    yield canvas.chart
