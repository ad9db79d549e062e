"""Tables on a terminal, all in one manner."""

from __future__ import annotations

from collections.abc import Callable

from rich.table import Table as RichTable
from rich.text import Text

from tsharness.report.outline import Table


def plain_table() -> RichTable:
    """Without lines: columns are two blanks apart."""
    return RichTable(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))


def draw_table(table: Table, style: Callable[[str, str], str] = lambda _name, _text: "") -> RichTable:
    """``style`` gives one for a text below a column's name."""
    drawn = plain_table()
    for name in table.columns:
        drawn.add_column(name, justify="left" if name in table.words else "right")
    for row in table.rows:
        drawn.add_row(*(Text(text, style(name, text)) for name, text in zip(table.columns, row, strict=True)))
    return drawn
