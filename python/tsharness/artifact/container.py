"""Is the zip that an artifact is in order? Directory against local headers, overlaps, names, checksums.

torch's loader checks none of this, and other readers see other things in an archive whose two descriptions of
itself differ: such an archive is not run (``AMBIGUOUS``)."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tsharness.artifact.directory import Directory, DirectoryError, Entry, read_directory
from tsharness.artifact.record_names import ambiguous_names

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_MAGIC = b"PK\x03\x04"
_ENCRYPTED, _DESCRIPTOR = 0x1, 0x8  # bits of the general purpose flag
_UNKNOWN = 0xFFFFFFFF  # a size that stands in the zip64 field instead
_CHUNK = 1 << 20
_ALIGNMENT = 64
_MOST_EXPANSION = 1000  # of a compressed record: more is a bomb, not a model
_MOST_GAP = 24  # bytes behind a record: the longest descriptor

AMBIGUOUS = ("TS312", "TS313", "TS314", "TS315", "TS316", "TS317", "TS322", "TS366")
"""Codes of faults after which nobody can say what LibTorch will read."""


@dataclass(frozen=True)
class Fault:
    """Something about the archive that is not as it must be."""

    code: str
    """Of the catalogue."""
    record: str
    message: str


@dataclass(frozen=True)
class _Extent:
    """Bytes of the file that a record takes."""

    name: str
    start: int
    data: int
    end: int


class Container:
    """A zip archive, looked at from outside."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._infos = archive.infolist()
        self._size = path.stat().st_size
        self._path = path

    def faults(self) -> list[Fault]:
        """Everything but the checksums, which need every byte."""
        try:
            directory = read_directory(self._path)
        except DirectoryError as error:
            return [Fault("TS366", "", f"the archive {error}")]
        found = [Fault(*one) for one in ambiguous_names(directory.entries)]
        extents = []
        with self._path.open("rb") as file:
            for entry in directory.entries:
                extent, faults = self._record(file, entry)
                found += faults
                if extent is not None:
                    extents.append(extent)
        found += [*self._overlaps(extents), *self._outside(extents, directory.start)]
        if not found and not _agree(directory, self._infos):
            found.append(Fault("TS366", "", "the archive is read in another way by Python's zipfile"))
        return found

    def _record(self, file: IO[bytes], entry: Entry) -> tuple[_Extent | None, list[Fault]]:
        name = shown(entry)
        found = [Fault(code, name, message) for code, message in _of_entry(entry)]
        file.seek(entry.offset)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != _MAGIC:
            return None, [*found, Fault("TS312", name, f"has no header at byte {entry.offset}")]
        name_length, extra_length = _LOCAL.unpack(header)[-2:]
        found += [Fault("TS312", name, m) for m in _differences(entry, header, file.read(name_length))]
        data = entry.offset + _LOCAL.size + name_length + extra_length
        end = data + entry.packed
        if end > self._size:
            message = f"declares {entry.packed} bytes, of which {end - self._size} are missing"
            found.append(Fault("TS312", name, message))
        if name.partition("/")[2].startswith(("data/", "constants/")) and data % _ALIGNMENT and entry.size:
            found.append(Fault("TS321", name, f"begins at byte {data}, no multiple of {_ALIGNMENT}"))
        return _Extent(name, entry.offset, data, end), found

    def _overlaps(self, extents: list[_Extent]) -> Iterator[Fault]:
        ordered = sorted(extents, key=lambda extent: (extent.start, extent.end))
        furthest: _Extent | None = None
        for extent in ordered:
            if furthest is not None and extent.start < furthest.end:
                yield Fault("TS313", extent.name, f"shares bytes with {furthest.name}")
            if furthest is None or extent.end > furthest.end:
                furthest = extent

    def _outside(self, extents: list[_Extent], directory: int) -> Iterator[Fault]:
        """Bytes that belong to nothing: a file may be another thing, too, and a directory may be hidden."""
        end, before = 0, "before the first record"
        for extent in sorted(extents, key=lambda one: one.start):
            if extent.start - end > (_MOST_GAP if end else 0):
                yield Fault(
                    "TS322",
                    "",
                    f"{extent.start - end} bytes stand {before}: the file may be something else, too",
                )
            end, before = max(end, extent.end), f"behind {extent.name}"
        if directory - end > _MOST_GAP:
            yield Fault("TS322", "", f"{directory - end} bytes stand {before}, before the directory")
        elif directory < end:
            yield Fault("TS313", "", "the directory lies within the records")


def _agree(directory: Directory, infos: Sequence[zipfile.ZipInfo]) -> bool:
    """Whether zipfile, by which everything else here reads, sees the same records."""
    theirs = [(i.header_offset, i.compress_size, i.file_size, i.compress_type, i.filename) for i in infos]
    return theirs == [(e.offset, e.packed, e.size, e.method, e.name.decode()) for e in directory.entries]


def _of_entry(entry: Entry) -> Iterator[tuple[str, str]]:
    """Code and message of what the directory itself says."""
    if entry.flags & _ENCRYPTED:
        yield "TS316", "is encrypted"
    if entry.size > _MOST_EXPANSION * max(1, entry.packed) and entry.size > _CHUNK:
        yield "TS317", f"unpacks {entry.packed} bytes into {entry.size}"
    if entry.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        yield "TS312", f"is packed by method {entry.method}, which torch does not know"
    if entry.method == zipfile.ZIP_STORED and entry.packed != entry.size:
        yield "TS312", f"is not compressed, yet has two sizes: {entry.packed} stored, {entry.size} declared"


def _differences(entry: Entry, header: bytes, name: bytes) -> Iterator[str]:
    """Between what the directory says of a record and what stands where it lies."""
    _, _, flags, method, _, _, crc, packed, size, _, _ = _LOCAL.unpack(header)
    if name != entry.name:
        yield f"is called {name[:80]!r} where it lies"
    if method != entry.method or flags != entry.flags:
        yield "is packed in another way than the directory says"
    declared = (entry.crc, entry.packed, entry.size)
    pairs = list(zip((crc, packed, size), declared, strict=True))
    described = flags & _DESCRIPTOR and not any(a for a, _ in pairs)
    if not described and any(a not in (b, _UNKNOWN) for a, b in pairs):
        yield "has another size or checksum where it lies than the directory says"


def shown(entry: Entry) -> str:
    """A record's name as text."""
    return entry.name.decode("utf-8", "backslashreplace")


def is_readable(info: zipfile.ZipInfo) -> bool:
    """Whether it is neither encrypted nor packed beyond reason."""
    return not info.flag_bits & _ENCRYPTED and not _is_bomb(info)


def _is_bomb(info: zipfile.ZipInfo) -> bool:
    return info.file_size > _MOST_EXPANSION * max(1, info.compress_size) and info.file_size > _CHUNK
