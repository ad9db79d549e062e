"""Files that are either whole or not there."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsharness.errors import UsageError
from tsharness.scratch import ScratchFolder

_DESCRIPTORS = re.compile(r"/proc/[^/]+(/task/[^/]+)?/fd")
_MOST_LINKS = 40


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """A temporary folder on the file system of ``target``: what is made there is given its place by ``put``.
    It goes with the block, and with the process. Raises UsageError if it cannot be made."""
    place = _place(target)
    try:
        folder = ScratchFolder() if place is None else ScratchFolder(place.parent)
    except OSError as error:
        raise _cannot_write(target, error) from None
    with folder as name:
        yield Path(name)


def put(made: Path, target: Path) -> None:
    """Gives a file, or a folder, its place, whole. A link stays, and what it leads to is replaced; a file
    that was there keeps its mode; what is no regular file (a device, a FIFO, a descriptor) is written to as
    it is.
    Raises UsageError if it cannot be written: then the old one is there."""
    place = _place(target)
    try:
        if place is None:
            with made.open("rb") as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            return
        if place.is_file() and made.is_file():
            made.chmod(stat.S_IMODE(place.stat().st_mode))
        made.replace(place)
    except OSError as error:
        raise _cannot_write(target, error) from None


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A path in a temporary folder beside ``target`` that takes its place if the block succeeds, and goes
    if not. It has the target's own name, which torch writes into the archives that it saves."""
    with folder_beside(target) as folder:
        temporary = folder / target.name
        yield temporary
        put(temporary, target)


def atomic_write(target: Path, data: bytes) -> None:
    """Writes ``data`` to ``target``, all or nothing. Raises UsageError if it cannot be written."""
    try:
        with atomic_path(target) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise _cannot_write(target, error) from None


def _place(target: Path) -> Path | None:
    """The path that is replaced, behind all links; ``None`` for what is written to as it is."""
    place = target.absolute()
    for _ in range(_MOST_LINKS):
        if _DESCRIPTORS.fullmatch(os.path.realpath(place.parent)):
            return None
        if not place.is_symlink():
            break
        place = place.parent / place.readlink()
    return None if place.exists() and not place.is_file() and not place.is_dir() else place


def _cannot_write(target: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {target}: {error.strerror}")
