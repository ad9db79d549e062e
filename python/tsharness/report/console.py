"""Where text for people goes: the one place that makes it safe for a terminal, and for the log of a CI
service. What is printed are lines, words and tables of this module; whatever they say is shown, and never
obeyed: no markup, no control characters, no commands."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Literal, cast

from rich.console import Console, RenderableType
from rich.progress import ProgressColumn, Task
from rich.table import Table
from rich.text import Text

from tsharness.printable import one_line, without_commands
from tsharness.report.annotations import command, in_github_actions

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


class _Log:
    """A stream in which no line is a command for a CI service, wherever lines were broken."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        return self.stream.write(without_commands(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class Terminal(Console):
    """A console that takes texts of this module, and no markup."""

    def __init__(self, stream: IO[str], width: int | None, color: bool) -> None:
        system: Literal["auto"] | None = "auto" if color else None
        self._log = _Log(stream)
        super().__init__(
            file=cast("IO[str]", self._log),
            width=width,
            color_system=system,
            highlight=False,
            soft_wrap=not stream.isatty(),
        )

    def print(self, *objects: Any, **options: Any) -> None:
        """Texts are words: one line, as it stands."""
        super().print(*(words(one) if isinstance(one, str) else one for one in objects), **options)

    def command(self, line: str) -> None:
        """What a CI service is to obey."""
        self._log.stream.write(f"{line}\n")


def console(color: bool, *, stderr: bool = False) -> Terminal:
    stream = sys.stderr if stderr else sys.stdout
    return Terminal(stream, None if stream.isatty() else _PIPE_WIDTH, color)


def words(text: str, style: str = "") -> Text:
    """One line in a style."""
    return Text(one_line(text), style)


class PlainTable(Table):
    """Without lines: columns are two blanks apart."""

    def __init__(self) -> None:
        super().__init__(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))

    def add_column(self, header: RenderableType = "", *rest: Any, **options: Any) -> None:
        super().add_column(words(header) if isinstance(header, str) else header, *rest, **options)

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*(words(one) if isinstance(one, str) else one for one in cells), **options)


class Description(ProgressColumn):
    """What is being done, beside a bar."""

    def render(self, task: Task) -> Text:
        return words(task.description)


@contextmanager
def fold(title: str, out: Terminal) -> Iterator[None]:
    """What is printed meanwhile folds away under the title, on a service that can."""
    folds = in_github_actions()
    if folds:
        out.command(command("group", one_line(title)))
    yield
    if folds:
        out.command(command("endgroup", ""))


def styled(line: str, styles: Mapping[str, str]) -> Text:
    """The line with its first word in the style that it has there, if any."""
    word = line.split(" ", 1)[0]
    if word not in styles:
        return Text(line)
    return Text(word, styles[word]).append(line[len(word) :], "not bold not dim default")


def print_lines(lines: Iterable[str], out: Terminal, styles: Mapping[str, str] = VERDICTS) -> None:
    """Plain lines, the first word of each in its style: the verdict in its colour."""
    for line in map(one_line, lines):
        label = re.match(r"\s*(?:\S+\s{2,})?", line)
        out.print(styled(_hanging(line, label.end() if label else 0, out), styles))


def print_facts(facts: Iterable[tuple[str, str]], out: Terminal) -> None:
    """Labels with their texts, which begin in one column."""
    lines = [(one_line(label), one_line(text)) for label, text in facts]
    width = max(len(label) for label, _ in lines) + 2
    for label, text in lines:
        shown = _hanging(f"{label:<{width}}{text}", width, out)
        out.print(Text(shown[:width], "bold").append(shown[width:], "not bold"))


def _hanging(line: str, indent: int, out: Console) -> str:
    """Broken where the terminal ends, and continued below its text."""
    if not out.is_terminal or len(line) <= out.width or out.width < 2 * indent:
        return line
    return textwrap.fill(line, out.width, subsequent_indent=" " * indent, break_on_hyphens=False)
