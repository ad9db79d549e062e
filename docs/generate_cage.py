"""Writes the list of what the cage allows into docs/security.md. Run by ``make docs``; a test compares the
page with what would be written now. The list is that of x86-64."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tsharness import _cage

PAGE = Path(__file__).parent / "security.md"
BEGIN, END = "<!-- made by docs/generate_cage.py -->\n", "<!-- end -->\n"
NEEDS = {"always": "always", "gpu": "on a GPU", "programs": "where a compiler or valgrind runs"}


def render() -> str:
    """The table: a row for each purpose."""
    return "\n".join(["| for | when | system calls | only |", "|---|---|---|---|", *_rows(), ""])


def _rows() -> Iterator[str]:
    for group in json.loads(_cage.allowed_calls()):
        names = ", ".join(f"`{call['name']}`" for call in group["calls"])
        yield f"| {group['purpose']} | {NEEDS[group['needs']]} | {names} | {group['limits']} |"


def page() -> str:
    """All of the page, with the table of now."""
    before, rest = PAGE.read_text().split(BEGIN)
    return before + BEGIN + render() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page())
