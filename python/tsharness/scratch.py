"""Folders for temporary files that go when their owner does, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "tsharness-"
_YOUNG = 60.0  # seconds: the owner of a folder that is younger may not have locked it yet


class ScratchFolder(tempfile.TemporaryDirectory[str]):
    """A temporary folder that its process holds a lock on. What a killed process has left is removed by the
    next one: nobody holds its lock any more. (Numbers of processes would not tell: containers may share the
    folder, and not the numbers.)"""

    def __init__(self) -> None:
        remove_leftovers(Path(tempfile.gettempdir()))
        super().__init__(prefix=_PREFIX)
        self._lock: int | None = os.open(self.name, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def cleanup(self) -> None:
        super().cleanup()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_leftovers(folder: Path) -> None:
    """Removes scratch folders of processes that are no more. What is not ours to remove stays."""
    for entry in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - entry.stat().st_mtime > _YOUNG and entry.is_dir() and _is_abandoned(entry):
                shutil.rmtree(entry, ignore_errors=True)


def _is_abandoned(entry: Path) -> bool:
    descriptor = os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
