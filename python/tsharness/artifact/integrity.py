"""Is the artifact, byte for byte, what was exported? torch's loader checks none of this."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tsharness.artifact.reading import UNREADABLE, Reading


@dataclass(frozen=True)
class Integrity:
    """What the bytes of an artifact say."""

    sha256: str
    """Of the whole file; empty if nobody looked."""
    size: int
    """Bytes."""
    damaged: tuple[str, ...]
    """A line for every record that is not what the archive's directory declares."""
    content_sha256: str | None
    """Of the content apart from the cases (of what is no archive: of the file); ``None`` if it is damaged."""


def examine(path: Path) -> Integrity:
    """Reads every byte; takes about a second per gigabyte. Raises ArtifactError."""
    found = Reading(path, hashes=True).result()
    damaged = tuple(f"{one.record}: {one.message}" for one in found.faults if one.code in UNREADABLE)
    return Integrity(found.sha256, path.stat().st_size, damaged, found.content_sha256)


def unexamined(path: Path) -> Integrity:
    """What is known of a file without reading it."""
    return Integrity("", path.stat().st_size, (), None)
