"""Where a command's JSON goes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tsharness.atomic import atomic_write


def write_json(document: dict[str, Any], target: str) -> None:
    """Writes to a file, or to standard output for "-". Raises UsageError if it cannot be written."""
    write_text(json.dumps(document, indent=2) + "\n", target)


def write_text(text: str, target: str) -> None:
    """To a file, or to standard output for "-". Raises UsageError if it cannot be written."""
    if target == "-":
        sys.stdout.write(text)
    else:
        atomic_write(Path(target), text.encode())
