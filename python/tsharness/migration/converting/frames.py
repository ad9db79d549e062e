"""The lines of a stack that are the user's."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterable
from pathlib import Path

from tsharness.exporting.graph import SCRIPTED_FRAME
from tsharness.exporting.source import is_machinery


def frames_in(text: str) -> list[tuple[str, int]]:
    """File and line of every frame that a text quotes, as Python and TorchScript do."""
    return [(file, int(line)) for file, line in SCRIPTED_FRAME.findall(text)]


def innermost(frames: Iterable[tuple[str, int]]) -> tuple[str, int] | None:
    """The last one outside of torch, tsharness, installed packages and Python itself."""
    return next((frame for frame in reversed(list(frames)) if _is_users(frame[0])), None)


def place_of(frame: tuple[str, int] | None) -> str:
    """ "model.py:13"; empty for none."""
    return f"{Path(frame[0]).name}:{frame[1]}" if frame else ""


def _is_users(file: str) -> bool:
    librarys = "site-packages" in file or file.startswith((sysconfig.get_path("stdlib"), "<"))
    return not librarys and not is_machinery(file)
