"""Tables on a terminal, all in one manner."""

from __future__ import annotations

from collections.abc import Callable

from tsharness.report.console import PlainTable, words
from tsharness.report.outline import Table


def draw_table(table: Table, style: Callable[[str, str], str] = lambda _name, _text: "") -> PlainTable:
    """``style`` gives one for a text below a column's name."""
    drawn = PlainTable()
    for name in table.columns:
        drawn.add_column(name, justify="left" if name in table.words else "right")
    for row in table.rows:
        drawn.add_row(
            *(words(text, style(name, text)) for name, text in zip(table.columns, row, strict=True))
        )
    return drawn
