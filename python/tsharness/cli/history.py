"""``tsharness history``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsharness.cli.options import Html, Json, NoColor, use_color
from tsharness.cli.output import write_json, write_text


def command(
    store: Annotated[Path, typer.Argument(metavar="DIR|FILE.sqlite", help="Where the history is kept.")],
    add: Annotated[
        list[Path], typer.Option("--add", metavar="RUN.json", help="Append what --json wrote; repeatable.")
    ] = [],  # noqa: B006
    artifact: Annotated[
        str | None, typer.Option("--artifact", metavar="PATH", help="Only of this one.")
    ] = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only figures whose level has changed.")] = False,
    json_file: Json = None,
    html: Html = None,
    no_color: NoColor = False,
) -> None:
    """Show what the figures of every artifact did over time, and with which run their level has changed.

    Exit codes: 0, 2 if there is no history.
    """
    from tsharness.history.api import append, to_dicts, trends
    from tsharness.history.text import table
    from tsharness.report.console import console
    from tsharness.report.document import read_run
    from tsharness.report.draw_table import draw_table

    for run in [read_run(file) for file in add]:
        append(store, run)
    found = trends(store, artifact)
    shown = [one for one in found if one.changes] if changed else found
    if json_file is not None:
        write_json({"kind": "history", "schema_version": 1, "trends": to_dicts(shown)}, json_file)
    if html is not None:
        from tsharness.history.page import to_html

        write_text(to_html(shown), html)
    out = console(use_color(no_color), stderr="-" in (json_file, html))
    out.print(draw_table(table(shown)))
    out.print()
    figures, moved = len(found), sum(bool(one.changes) for one in found)
    out.print(f"{figures} figures, {moved} of them with a change of level")
