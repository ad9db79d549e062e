"""A history in words."""

from __future__ import annotations

from collections.abc import Sequence

from tsharness.bench.budget import INSTRUCTIONS
from tsharness.history.api import Trend
from tsharness.history.changepoint import FEWEST
from tsharness.history.figures import BYTES, EXIT_CODE
from tsharness.report.outline import Table
from tsharness.report.units import error, seconds, size

COLUMNS = ("artifact", "machine", "figure", "runs", "first", "last", "change")


def value_text(name: str, value: float) -> str:
    """With its unit."""
    if name in BYTES:
        return size(round(value))
    if name.endswith(EXIT_CODE):
        return f"{value:.0f}"
    if name.startswith(INSTRUCTIONS):
        return f"{value:,.0f}"
    if name.startswith("ratio"):
        return f"{value:.4f}"
    return error(value) if name == "largest error" else seconds(value)


def change_text(trend: Trend) -> str:
    """The last change of level, and with which run it came."""
    change, since = trend.last, trend.since
    if change is None or since is None:
        few = len(trend.series.values) < FEWEST
        return f"too few runs to tell ({FEWEST})" if few else "no change of level"
    at = f"{since.created}{f' ({since.revision})' if since.revision else ''}"
    before, after = (value_text(trend.series.name, one) for one in (change.before, change.after))
    return f"{change.ratio:.3f} of before since {at}: {before}, then {after}"


def table(trends: Sequence[Trend]) -> Table:
    """A row for each figure."""
    rows = tuple(
        (
            one.series.artifact,
            one.series.machine,
            one.series.name,
            str(len(one.series.values)),
            value_text(one.series.name, one.series.values[0]),
            value_text(one.series.name, one.series.values[-1]),
            "" if one.series.name.endswith(EXIT_CODE) else change_text(one),
        )
        for one in trends
    )
    return Table("History", COLUMNS, rows, ("artifact", "machine", "figure", "change"))
