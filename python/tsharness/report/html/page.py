"""A run as one HTML page: no other file, no network, no script needed."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from tsharness.printable import printable
from tsharness.report.csv_text import csv_text
from tsharness.report.document import Run
from tsharness.report.html.charts import charts_of
from tsharness.report.html.svg import Chart
from tsharness.report.matrix import matrices
from tsharness.report.outline import Item, Outline, Table, outlines
from tsharness.verdict import ExitCode, Verdict

_GLYPHS = {"PASS": "✓", "INCONCLUSIVE": "?", "INCOMPLETE": "?"}
"""Beside the colour, for those who do not see it."""


@dataclass(frozen=True)
class Section:
    """A report on the page."""

    id: str
    outline: Outline
    charts: tuple[Chart, ...]
    environment: tuple[tuple[str, str], ...]
    """Everything that is known of what it ran on."""

    @property
    def wrong(self) -> tuple[Item, ...]:
        """What is not in order."""
        fine = (Verdict.PASS, Verdict.SKIPPED)
        return tuple(item for item in self.outline.items if item.verdict not in fine)


def to_html(run: Run, trends: Sequence[Chart] = ()) -> str:
    """``trends``: charts of the history, if there is one. Raises EnvironmentProblem without matplotlib."""
    pairs = zip(run.reports, outlines(run), strict=True)
    sections = [_section(report, said, f"r{number}") for number, (report, said) in enumerate(pairs, 1)]
    return render(
        "report.html.j2",
        run=run,
        sections=sections,
        trends=trends,
        matrices=matrices(run),
        passed=sum(one.outline.exit_code is ExitCode.PASS for one in sections),
        data=_link("application/json", json.dumps(run.to_dict(), indent=1)),
    )


def render(template: str, **values: Any) -> str:
    """A template of this folder, with the style and the script that all pages have."""
    folder = files("tsharness.report.html") / "templates"
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("style.css", "script.js"))
    return render_part(template, **values, style=style, script=script)


def render_part(template: str, **values: Any) -> str:
    """A template of this folder; every value is text, and never markup."""
    import jinja2

    loader = jinja2.PackageLoader("tsharness.report.html")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, finalize=_shown, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["markup"] = _markup
    environment.filters["csv"] = table_link
    environment.filters["tone"] = tone
    environment.globals["glyphs"] = _GLYPHS
    return environment.get_template(template).render(**values)


def _shown(value: Any) -> Any:
    """Control characters escaped: some are no characters of HTML, others show a text in another order."""
    return printable(value) if type(value) is str else value


def _section(report: Any, said: Outline, number: str) -> Section:
    environment = [*_flat("runner", getattr(report, "runner", None))]
    environment += _flat("machine", getattr(report, "machine", None))
    return Section(number, said, tuple(charts_of(report, number)), tuple(environment))


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    """A dataclass as names and texts."""
    from tsharness.report.model import to_dict

    if value is None:
        return []
    found = []
    for name, one in to_dict(value).items():
        label = f"{prefix} {name.replace('_', ' ')}"
        if isinstance(one, dict):
            found += [(f"{label}: {key}", str(item)) for key, item in one.items()]
        elif isinstance(one, list):
            found.append((label, ", ".join(map(str, one)) or "none"))
        else:
            found.append((label, "not known" if one is None else str(one)))
    return found


def tone(word: str) -> str:
    """The class of a verdict, in capitals or not."""
    if word.upper() in ("PASS", "SAME", "FASTER"):
        return "good"
    if word.upper() in ("INCONCLUSIVE", "INCOMPLETE"):
        return "unsure"
    return "dim" if word.upper() == "SKIPPED" else "bad"


def table_link(table: Table) -> str:
    """The table as CSV, to download."""
    return _link("text/csv", csv_text((table.columns, *table.rows)))


def _link(kind: str, text: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


def _markup(text: str) -> Any:
    """For what this package has made itself."""
    from markupsafe import Markup

    return Markup(text)
