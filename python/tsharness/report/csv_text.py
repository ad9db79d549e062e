"""Rows as CSV, in which a spreadsheet finds texts and numbers and nothing to compute."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from tsharness.printable import one_line

_NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*(e[-+]?[0-9]+)?( ?[%\w]{1,4})?", re.IGNORECASE)
_FORMULA = ("=", "+", "-", "@")


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """A text that begins like a formula gets an apostrophe before it, as spreadsheets mark a text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([_cell(one) for one in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    text = one_line(str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
