"""Is the zip that an artifact is in order? Directory against local headers, overlaps, names, checksums.

torch's loader checks none of this, and other readers see other things in an archive whose two descriptions of
itself differ."""

from __future__ import annotations

import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tsharness.artifact.archive import record_name

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_MAGIC = b"PK\x03\x04"
_ENCRYPTED, _DESCRIPTOR = 0x1, 0x8  # bits of the general purpose flag
_UNKNOWN = 0xFFFFFFFF  # a size that stands in the zip64 field instead
_CHUNK = 1 << 20
_ALIGNMENT = 64
_MOST_EXPANSION = 1000  # of a compressed record: more is a bomb, not a model


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
        self._archive = archive
        self._infos = archive.infolist()
        self._size = path.stat().st_size
        self._path = path

    def faults(self) -> list[Fault]:
        """Everything but the checksums, which need every byte."""
        found = list(self._names())
        extents = []
        with self._path.open("rb") as file:
            for info in self._infos:
                extent, faults = self._record(file, info)
                found += faults
                if extent is not None:
                    extents.append(extent)
        return found + list(self._overlaps(extents)) + list(self._outside(extents))

    def _names(self) -> Iterator[Fault]:
        counts = Counter(info.filename for info in self._infos)
        for name, count in counts.items():
            if count > 1:
                yield Fault(
                    "TS314",
                    name,
                    f"stands {count} times in the directory: which one is read depends on the reader",
                )
            parts = name.replace("\\", "/").split("/")
            if name.startswith(("/", "\\")) or ".." in parts or name[1:3] == ":\\" or "\0" in name:
                yield Fault("TS315", name, "leads out of the folder that the archive would be unpacked into")
        roots = {info.filename.partition("/")[0] for info in self._infos}
        if len(roots) > 1:
            yield Fault("TS314", "", f"has {len(roots)} root folders: {', '.join(sorted(roots)[:3])}")

    def _record(self, file: IO[bytes], info: zipfile.ZipInfo) -> tuple[_Extent | None, list[Fault]]:
        name = info.filename
        found = []
        if info.flag_bits & _ENCRYPTED:
            found.append(Fault("TS316", name, "is encrypted"))
        if _is_bomb(info):
            found.append(Fault("TS317", name, f"unpacks {info.compress_size} bytes into {info.file_size}"))
        if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
            sizes = f"{info.compress_size} stored, {info.file_size} declared"
            found.append(Fault("TS312", name, f"is not compressed, yet has two sizes: {sizes}"))
        header = b""
        if info.header_offset >= 0:
            file.seek(info.header_offset)
            header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != _MAGIC:
            return None, [*found, Fault("TS312", name, f"has no header at byte {info.header_offset}")]
        _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(header)
        local = file.read(name_length)
        if local != _encoded(info, local):
            found.append(Fault("TS312", name, f"is called {local[:80]!r} where it lies"))
        if method != info.compress_type:
            found.append(Fault("TS312", name, "is packed in another way than the directory says"))
        if not flags & _DESCRIPTOR:
            declared = (info.CRC, info.compress_size, info.file_size)
            differ = [a for a, b in zip((crc, packed, size), declared, strict=True) if a not in (b, _UNKNOWN)]
            if differ:
                found.append(
                    Fault("TS312", name, "has another size or checksum where it lies than the directory says")
                )
        data = info.header_offset + _LOCAL.size + name_length + extra_length
        end = data + info.compress_size
        if end > self._size:
            found.append(
                Fault(
                    "TS312",
                    name,
                    f"declares {info.compress_size} bytes, of which {end - self._size} are missing",
                )
            )
        if record_name(info).startswith(("data/", "constants/")) and data % _ALIGNMENT and info.file_size:
            found.append(Fault("TS321", name, f"begins at byte {data}, no multiple of {_ALIGNMENT}"))
        return _Extent(name, info.header_offset, data, end), found

    def _overlaps(self, extents: list[_Extent]) -> Iterator[Fault]:
        ordered = sorted(extents, key=lambda extent: (extent.start, extent.end))
        furthest: _Extent | None = None
        for extent in ordered:
            if furthest is not None and extent.start < furthest.end:
                yield Fault("TS313", extent.name, f"shares bytes with {furthest.name}")
            if furthest is None or extent.end > furthest.end:
                furthest = extent

    def _outside(self, extents: list[_Extent]) -> Iterator[Fault]:
        first = min((extent.start for extent in extents), default=0)
        if first > 0:
            yield Fault(
                "TS322",
                "",
                f"{first} bytes stand before the first record: the file may be something else, too",
            )


def _encoded(info: zipfile.ZipInfo, local: bytes) -> bytes:
    """The directory's name as bytes; zipfile has decoded it one way or the other."""
    try:
        return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
    except UnicodeEncodeError:
        return info.orig_filename.encode("utf-8", "replace") if local else b""


def is_readable(info: zipfile.ZipInfo) -> bool:
    """Whether it is neither encrypted nor packed beyond reason."""
    return not info.flag_bits & _ENCRYPTED and not _is_bomb(info)


def _is_bomb(info: zipfile.ZipInfo) -> bool:
    return info.file_size > _MOST_EXPANSION * max(1, info.compress_size) and info.file_size > _CHUNK
