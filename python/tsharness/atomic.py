"""Files that are either whole or not there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsharness.errors import UsageError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A path in a temporary folder beside ``target`` that takes its place if the block succeeds, and goes
    if not. It has the target's own name, which torch writes into the archives that it saves."""
    try:
        folder = tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from None
    with folder as name:
        temporary = Path(name) / target.name
        yield temporary
        temporary.replace(target)


def atomic_write(target: Path, data: bytes) -> None:
    """Writes ``data`` to ``target``, all or nothing."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(data)
