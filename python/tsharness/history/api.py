"""``tsharness history``: appending runs, and what the figures did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsharness.history.changepoint import ChangePoint, change_points
from tsharness.history.figures import EXIT_CODE, figures_of
from tsharness.history.store import Series, Stored, as_text, open_store
from tsharness.printable import one_line
from tsharness.report.document import Run, now

if TYPE_CHECKING:
    from tsharness.report.html.svg import Chart


@dataclass(frozen=True)
class Trend:
    """A series with where it changed."""

    series: Series
    changes: tuple[ChangePoint, ...]

    @property
    def last(self) -> ChangePoint | None:
        return self.changes[-1] if self.changes else None

    @property
    def since(self) -> Stored | None:
        """The run with which the last change came."""
        return self.series.runs[self.last.index] if self.last else None


def append(store: Path, run: Run, *, draw: bool = False) -> tuple[Chart, ...]:
    """Adds a run, and gives the charts of the artifacts that it has if they are wanted. Raises UsageError if
    the file cannot be used."""
    figures = [figure for report in run.reports for figure in figures_of(report)]
    stored = Stored(run.created or now(), run.revision, run.exit_code)
    with open_store(store, create=True) as opened:
        opened.add(stored, run.command, run.tsharness, as_text(run.to_dict()), figures)
    if not draw:
        return ()
    from tsharness.history.charts import trend_charts

    keys = {(one_line(figure.artifact), one_line(figure.machine)) for figure in figures}
    found = [one for one in trends(store) if (one.series.artifact, one.series.machine) in keys]
    return tuple(trend_charts(found))


def trends(store: Path, artifact: str | None = None) -> list[Trend]:
    """Of every figure of every artifact and machine, or of one artifact. Raises UsageError if there is no
    such file."""
    with open_store(store, create=False) as opened:
        found = [one for one in opened.series() if artifact is None or one_line(artifact) == one.artifact]
    return [Trend(one, _changes(one)) for one in found]


def _changes(series: Series) -> tuple[ChangePoint, ...]:
    return () if series.name.endswith(EXIT_CODE) else change_points(series.values)


def to_dicts(found: Sequence[Trend]) -> list[Mapping[str, object]]:
    """For ``--json``."""
    from tsharness.report.model import to_dict

    return [dict(to_dict(one)) for one in found]
