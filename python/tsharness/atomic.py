"""Files that are either whole or not there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsharness.errors import UsageError
from tsharness.scratch import remove_if_possible


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """A temporary folder on the file system of ``target``: what is made there can be renamed to it. It goes
    with the block. Raises UsageError if it cannot be made."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from None
    try:
        yield folder
    finally:
        remove_if_possible(folder)


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A path in a temporary folder beside ``target`` that takes its place if the block succeeds, and goes
    if not. It has the target's own name, which torch writes into the archives that it saves."""
    with folder_beside(target) as folder:
        temporary = folder / target.name
        yield temporary
        try:
            temporary.replace(target)
        except OSError as error:
            raise UsageError(f"cannot write {target}: {error.strerror}") from None


def atomic_write(target: Path, data: bytes) -> None:
    """Writes ``data`` to ``target``, all or nothing; what is no regular file (/dev/null, a FIFO) is written
    to as it is. Raises UsageError if it cannot be written."""
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)
            return
        with atomic_path(target) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from None
