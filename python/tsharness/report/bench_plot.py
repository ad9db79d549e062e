"""Latency, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tsharness.atomic import atomic_path
from tsharness.bench.points import value_text
from tsharness.bench.report import BenchReport, Latency
from tsharness.errors import EnvironmentProblem, UsageError
from tsharness.printable import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TAILS = ("p50", "p90", "p99", "p99.9")


def plot_bench(report: BenchReport, target: Path) -> None:
    """Draws the median with the range of the processes, and the tails, of every combination; the kind of file
    follows from its name. Raises EnvironmentProblem without matplotlib, UsageError for a kind that it does
    not draw."""
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise EnvironmentProblem("--plot needs matplotlib: pip install matplotlib") from None
    kinds = FigureCanvasAgg.get_supported_filetypes()
    if target.suffix.lstrip(".") not in kinds:
        raise UsageError(f"--plot {target}: a file of a kind such as .png, .svg or .pdf")
    if not report.latencies:
        raise UsageError("--plot: nothing was measured")
    with rc_context({"text.parse_math": False}):  # names of cases are anybody's
        figure = _figure(report, Figure(figsize=(8, 4.5), layout="constrained"))
        with atomic_path(target) as path:
            figure.savefig(path, format=target.suffix.lstrip("."), dpi=120)


def _figure(report: BenchReport, figure: Figure) -> Figure:
    axes = figure.add_subplot()
    for case in dict.fromkeys(one.case for one in report.latencies):
        of = one_line(case)
        shown = [one for one in report.latencies if one.case == case]
        positions = range(len(shown))
        middle = [1e3 * one.median for one in shown]
        below = [1e3 * (one.median - min(one.processes)) for one in shown]
        above = [1e3 * (max(one.processes) - one.median) for one in shown]
        bars = axes.errorbar(positions, middle, (below, above), fmt="o-", capsize=4, label=f"{of}: median")
        for name in _TAILS[1:]:
            tail = [
                (i, 1e3 * one.quantiles[name].seconds) for i, one in enumerate(shown) if name in one.quantiles
            ]
            if tail:
                xs, ys = zip(*tail, strict=True)
                color = bars.lines[0].get_color()
                axes.plot(xs, ys, "^--", color=color, alpha=0.5, label=f"{of}: {name}")
    longest = max((one for one in report.latencies), key=lambda one: len(one.parameters))
    same = [one for one in report.latencies if one.case == longest.case]
    axes.set_xticks(range(len(same)), [_label(one) for one in same], rotation=30, ha="right")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("milliseconds a call")
    axes.set_title(one_line(f"{Path(report.path).name}, {report.scenario}, {report.runner.device}"))
    axes.legend()
    axes.grid(alpha=0.3)
    return figure


def _label(latency: Latency) -> str:
    stated = [f"{name}={value_text(value)}" for name, value in latency.parameters.items()]
    return "\n".join(map(one_line, stated or [latency.case]))
