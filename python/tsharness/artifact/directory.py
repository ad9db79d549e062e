"""The directory of a zip, by a reading on which all readers agree.

LibTorch (miniz), Python's zipfile and what unpacks archives find a directory in ways of their own: from which
end, with or without a comment, moved by bytes before it. Here there is one way, that of files as torch writes
them: records from byte 0 on, then the directory, then its end, and nothing behind it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_END = struct.Struct("<4sHHHHIIH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END_MAGIC, _LOCATOR_MAGIC, _END64_MAGIC, _ENTRY_MAGIC = b"PK\5\6", b"PK\6\7", b"PK\6\6", b"PK\1\2"
_WIDE, _SHORT = 0xFFFFFFFF, 0xFFFF  # stand for a number that the zip64 field has
_ZIP64 = 0x0001
_EXTRAS = {_ZIP64, 0x4246, 0x5455, 0x7875, 0x000A}
"""Fields beside an entry that change nothing: zip64 sizes, torch's padding, times, owners."""
_LINK, _KIND = 0o120000, 0o170000


class DirectoryError(ValueError):
    """Something that readers could understand in two ways, as the end of "the archive ..."."""


@dataclass(frozen=True)
class Entry:
    """What the directory says of one record."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    """Bytes in the file."""
    size: int
    """Bytes once unpacked."""
    offset: int
    """Byte of the file at which its local header begins."""
    attributes: int

    @property
    def is_link(self) -> bool:
        """Whether what unpacks it would make a link of it."""
        return (self.attributes >> 16) & _KIND == _LINK


@dataclass(frozen=True)
class Directory:
    """All entries, in the file's order, and the byte at which they begin."""

    entries: tuple[Entry, ...]
    start: int


def read_directory(path: Path) -> Directory:
    """Raises DirectoryError where two readers could see two archives; OSError."""
    with path.open("rb") as file:
        start, size, count = _place(file, path.stat().st_size)
        file.seek(start)
        data = file.read(size)
    entries = tuple(_entries(data))
    if len(entries) != count:
        raise DirectoryError(f"has {len(entries)} records, and declares {count}")
    return Directory(entries, start)


def _place(file: IO[bytes], end: int) -> tuple[int, int, int]:
    """Where the directory begins, its bytes, and how many entries it declares."""
    tail = _at(file, max(0, end - _END.size), _END.size)
    magic, *disks, here, count, size, start, comment = _END.unpack(tail)
    if magic != _END_MAGIC or comment:
        raise DirectoryError("does not end with its directory: something stands behind it, or in a comment")
    if any(disks) or here != count:
        raise DirectoryError("says that it goes on in another file")
    behind = end - _END.size
    locator = _at(file, behind - _LOCATOR.size, _LOCATOR.size)
    if locator[:4] == _LOCATOR_MAGIC:
        behind -= _LOCATOR.size + _END64.size
        wide = _wide(file, locator, behind)
        narrow = ((count, _SHORT), (size, _WIDE), (start, _WIDE))
        if any(a not in (b, mark) for (a, mark), b in zip(narrow, wide, strict=True)):
            raise DirectoryError("has two ends that describe two directories")
        count, size, start = wide
    if start + size != behind:
        raise DirectoryError(
            f"has its directory at byte {start}, yet {start + size} bytes before its end at {behind}"
        )
    return start, size, count


def _wide(file: IO[bytes], locator: bytes, at: int) -> tuple[int, int, int]:
    """Count, size and place as the end of a zip64 has them."""
    _, _, place, disks = _LOCATOR.unpack(locator)
    magic, length, _, _, disk, first, here, count, size, start = _END64.unpack(_at(file, at, _END64.size))
    if (
        magic != _END64_MAGIC
        or place != at
        or length != _END64.size - 12
        or disks > 1
        or disk
        or first
        or here != count
    ):
        raise DirectoryError("has an end that leads elsewhere")
    return count, size, start


def _entries(data: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(data):
        if len(data) - at < _ENTRY.size or data[at : at + 4] != _ENTRY_MAGIC:
            raise DirectoryError("has a directory that holds something else than records")
        fields = _ENTRY.unpack_from(data, at)
        _, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, disk, _, attributes, offset = (
            fields
        )
        begin = at + _ENTRY.size
        at = begin + name + extra + comment
        if at > len(data) or disk:
            raise DirectoryError("has an entry that goes on elsewhere")
        text = data[begin : begin + name]
        wide = _zip64(data[begin + name : begin + name + extra], text)
        size, packed, offset = (_widened(one, wide) for one in (size, packed, offset))
        yield Entry(text, flags, method, crc, packed, size, offset, attributes)


def _zip64(extra: bytes, name: bytes) -> list[int]:
    """The numbers of the zip64 field, in its order; the last one first."""
    found: list[int] = []
    seen: set[int] = set()
    at = 0
    while at < len(extra):
        if len(extra) - at < 4:
            raise DirectoryError(f"has fields beside {name!r} that do not end where they say")
        kind, length = struct.unpack_from("<HH", extra, at)
        body = extra[at + 4 : at + 4 + length]
        if len(body) < length or kind not in _EXTRAS or kind in seen:
            raise DirectoryError(
                f"has a field {kind:#06x} beside {name!r} that readers take in different ways"
            )
        seen.add(kind)
        if kind == _ZIP64:
            found = [int(n) for (n,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8])][::-1]
        at += 4 + length
    return found


def _widened(number: int, wide: list[int]) -> int:
    if number != _WIDE:
        return number
    if not wide:
        raise DirectoryError("leaves out a size, or a place")
    return wide.pop()


def _at(file: IO[bytes], place: int, size: int) -> bytes:
    file.seek(max(0, place))
    return file.read(size).ljust(size, b"\0") if place >= 0 else bytes(size)
