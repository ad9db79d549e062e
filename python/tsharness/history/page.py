"""A history as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence

from tsharness.history.api import Trend
from tsharness.history.charts import trend_charts
from tsharness.history.text import table
from tsharness.report.html.page import render


def to_html(trends: Sequence[Trend]) -> str:
    """Raises EnvironmentProblem without matplotlib."""
    return render("history.html.j2", table=table(trends), charts=tuple(trend_charts(trends)))
