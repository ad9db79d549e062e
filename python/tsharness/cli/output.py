"""Where a command's JSON goes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tsharness.atomic import atomic_write
from tsharness.printable import error_lines, one_line, without_commands


def write_json(document: dict[str, Any], target: str) -> None:
    """Writes to a file, or to standard output for "-". Raises UsageError if it cannot be written."""
    write_text(json.dumps(document, indent=2) + "\n", target)


def write_text(text: str, target: str) -> None:
    """To a file, or to standard output for "-". Raises UsageError if it cannot be written."""
    if target == "-":
        sys.stdout.write(without_commands(text))
    else:
        atomic_write(Path(target), text.encode())


def say(text: str, *, err: bool = False) -> None:
    """One line to standard output or error, whatever names it holds."""
    obey(without_commands(one_line(text)), err=err)


def say_error(error: object) -> None:
    """What went wrong, to standard error."""
    for line in error_lines(error):
        obey(line, err=True)


def obey(line: str, *, err: bool = False) -> None:
    """A line as it stands: a command for a CI service (``report.annotations``)."""
    stream = sys.stderr if err else sys.stdout
    stream.write(f"{line}\n")
    stream.flush()
