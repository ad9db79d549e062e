"""Is the artifact, byte for byte, what was exported? torch's loader checks none of this."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from tsharness.artifact.archive import content_sha256, open_archive
from tsharness.errors import ArtifactError

_CHUNK = 1 << 20


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
    """Of the content apart from the cases; ``None`` for a file that is no archive or is damaged."""


def examine(path: Path) -> Integrity:
    """Reads every byte once or twice; takes about a second per gigabyte. Raises ArtifactError."""
    archive = open_archive(path)
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        size = file.tell()
    if archive is None:
        return Integrity(digest.hexdigest(), size, (), None)
    with archive:
        damaged = _damaged_records(archive)
        content = None if damaged else content_sha256(archive)
    return Integrity(digest.hexdigest(), size, damaged, content)


def unexamined(path: Path) -> Integrity:
    """What is known of a file without reading it."""
    return Integrity("", path.stat().st_size, (), None)


def _damaged_records(archive: zipfile.ZipFile) -> tuple[str, ...]:
    found = ((info.filename, _damage(archive, info)) for info in archive.infolist())
    return tuple(f"{name}: {damage}" for name, damage in found if damage)


def _damage(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str | None:
    try:
        with archive.open(info) as record:
            while record.read(_CHUNK):
                pass
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        return str(error)
    except OSError as error:
        raise ArtifactError(f"{archive.filename} cannot be read: {error.strerror}") from None
    return None
