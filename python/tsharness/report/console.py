"""Where text for people goes, and how its first words are coloured."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.text import Text

from tsharness.report.annotations import in_github_actions

VERDICTS = {
    "PASS": "bold green",
    "FAIL": "bold red",
    "ERROR": "bold red",
    "REFUSED": "bold red",
    "INCONCLUSIVE": "bold yellow",
    "INCOMPLETE": "bold yellow",
}
"""Styles of a line's first word."""
_PIPE_WIDTH = 200  # columns; a log file has no edge to break lines at


def console(color: bool, *, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    system: Literal["auto"] | None = "auto" if color else None
    return Console(
        file=stream, width=width, color_system=system, highlight=False, soft_wrap=not stream.isatty()
    )


@contextmanager
def fold(title: str, out: Console) -> Iterator[None]:
    """What is printed meanwhile folds away under the title, on a service that can."""
    folds = in_github_actions()
    if folds:
        out.print(f"::group::{title}", markup=False)
    yield
    if folds:
        out.print("::endgroup::", markup=False)


def styled(line: str, styles: Mapping[str, str]) -> Text:
    """The line with its first word in the style that it has there, if any."""
    word = line.split(" ", 1)[0]
    if word not in styles:
        return Text(line)
    return Text(word, styles[word]).append(line[len(word) :], "not bold not dim default")


def print_lines(lines: Iterable[str], out: Console, styles: Mapping[str, str] = VERDICTS) -> None:
    """Plain lines, the first word of each in its style: the verdict in its colour."""
    for line in lines:
        label = re.match(r"\s*(?:\S+\s{2,})?", line)
        out.print(styled(_hanging(line, label.end() if label else 0, out), styles))


def print_facts(facts: Iterable[tuple[str, str]], out: Console) -> None:
    """Labels with their texts, which begin in one column."""
    lines = list(facts)
    width = max(len(label) for label, _ in lines) + 2
    for label, text in lines:
        shown = _hanging(f"{label:<{width}}{text}", width, out)
        out.print(Text(shown[:width], "bold").append(shown[width:], "not bold"))


def _hanging(line: str, indent: int, out: Console) -> str:
    """Broken where the terminal ends, and continued below its text."""
    if not out.is_terminal or len(line) <= out.width or out.width < 2 * indent:
        return line
    return textwrap.fill(line, out.width, subsequent_indent=" " * indent, break_on_hyphens=False)
