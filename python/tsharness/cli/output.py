"""Where a command's JSON goes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tsharness.atomic import atomic_write
from tsharness.printable import one_line, quoted, without_commands


def write_json(document: dict[str, Any], target: str) -> None:
    """Writes to a file, or to standard output for "-". Raises UsageError if it cannot be written."""
    write_text(json.dumps(document, indent=2) + "\n", target)


def write_text(text: str, target: str) -> None:
    """To a file, or to standard output for "-". Raises UsageError if it cannot be written."""
    if target == "-":
        sys.stdout.write(text)
    else:
        atomic_write(Path(target), text.encode())


def say(text: str, *, err: bool = False) -> None:
    """One line to standard output or error, whatever names it holds."""
    obey(without_commands(one_line(text)), err=err)


def say_error(error: object) -> None:
    """What went wrong; lines after the first may be LibTorch's, or the model's, and are quoted."""
    first, *rest = str(error).split("\n")
    for line in (f"error: {first}", *map(quoted, rest)):
        say(line, err=True)


def obey(line: str, *, err: bool = False) -> None:
    """A line as it stands: a command for a CI service (``report.annotations``)."""
    stream = sys.stderr if err else sys.stdout
    stream.write(f"{line}\n")
    stream.flush()
