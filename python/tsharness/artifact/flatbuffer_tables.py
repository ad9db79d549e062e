"""Tables of a flatbuffer, read from outside, a few bytes at a time."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tsharness.errors import ArtifactError

T = TypeVar("T")

_MOST_ENTRIES = 1_000_000  # of all vectors together: what names more is made to hurt
_MOST_TEXT = 64_000_000  # bytes of one string


class FlatbufferError(ArtifactError):
    """Tables that lead nowhere."""


def read_tables(path: Path, read: Callable[[Tables], T], what: str) -> T:
    """What ``read`` makes of the file's tables. Raises FlatbufferError for what is damaged, or no
    ``what``."""
    try:
        with path.open("rb", buffering=0) as file:
            return read(Tables(file.fileno(), path.stat().st_size))
    except (struct.error, UnicodeDecodeError, IndexError):
        raise FlatbufferError(f"holds no {what}") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None


class Tables:
    """Tables of a flatbuffer: each begins with the way back to the list of where its fields lie."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor, self._size = descriptor, size
        self._entries = 0

    def follow(self, position: int) -> int:
        """Where an offset leads."""
        return position + int(self.unpack("<I", position))

    def number(self, table: int, field: int, form: str) -> int:
        """A field's value, 0 if it is left out."""
        place = self.place(table, field)
        return int(self.unpack(form, place)) if place else 0

    def table(self, table: int, field: int) -> int:
        """The table that a field names."""
        place = self.place(table, field)
        if not place:
            raise FlatbufferError(f"a table at byte {table} lacks its field {field}")
        return self.follow(place)

    def vector(self, table: int, field: int) -> Iterator[int]:
        """The tables that a field lists."""
        place = self.place(table, field)
        if not place:
            return
        start = self.follow(place)
        count = self.unpack("<I", start)
        self._count(count)
        for number in range(count):
            yield self.follow(start + 4 + 4 * number)

    def numbers(self, table: int, field: int, form: str) -> list[int]:
        """The numbers that a field lists."""
        place = self.place(table, field)
        if not place:
            return []
        start = self.follow(place)
        count = int(self.unpack("<I", start))
        self._count(count)
        size = struct.calcsize(form)
        return [int(self.unpack(form, start + 4 + size * number)) for number in range(count)]

    def _count(self, entries: int) -> None:
        self._entries += entries
        if self._entries > _MOST_ENTRIES:
            raise FlatbufferError(f"lists more than {_MOST_ENTRIES} entries")

    def text(self, table: int, field: int) -> bytes:
        """A string, empty if it is left out."""
        place = self.place(table, field)
        if not place:
            return b""
        start = self.follow(place)
        length = self.unpack("<I", start)
        if length > _MOST_TEXT:
            raise FlatbufferError(f"declares a text of {length} bytes")
        return self.read(start + 4, length)

    def within(self, position: int, size: int) -> None:
        """Raises FlatbufferError unless so many bytes are there."""
        if position < 0 or position + size > self._size:
            raise FlatbufferError(f"leads to byte {position + size}, out of the file")

    def place(self, table: int, field: int) -> int:
        """Byte at which a field's value lies, 0 if it is left out."""
        fields = table - self.unpack("<i", table)
        if 4 + 2 * field + 2 > self.unpack("<H", fields):
            return 0
        offset = self.unpack("<H", fields + 4 + 2 * field)
        return table + offset if offset else 0

    def unpack(self, form: str, position: int) -> Any:
        """The number at a byte."""
        return struct.unpack(form, self.read(position, struct.calcsize(form)))[0]

    def read(self, position: int, size: int) -> bytes:
        """Bytes of the file."""
        self.within(position, size)
        return os.pread(self._descriptor, size, position)
