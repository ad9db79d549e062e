"""The flatbuffer form of a lite interpreter model: its code and its bytecode's operators. Read from outside,
a few bytes at a time; the tables' fields are those of torch's ``mobile_bytecode.fbs``."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsharness.artifact.bytecode import Bytecode
from tsharness.errors import ArtifactError

_MODULE = {"version": 0, "state": 3, "ivalues": 4, "object_types": 7, "sources": 8}
_SOURCE = {"name": 0, "content": 1}
_IVALUE = {"type": 0, "value": 1}
_OBJECT = {"type": 0}
_FUNCTION = {"name": 0, "operators": 2}
_OPERATOR = {"name": 0}
_OBJECT_TYPE = {"name": 0}
"""Numbers of the fields in their tables."""
_IS_FUNCTION = 16  # IValueUnion.Function
_MOST_ENTRIES = 1_000_000  # of all vectors together: what names more is made to hurt
_MOST_TEXT = 64_000_000  # bytes of one string


class FlatbufferError(ArtifactError):
    """Tables that lead nowhere."""


@dataclass(frozen=True)
class FlatbufferModule:
    """What such a file says of itself."""

    bytecode: Bytecode
    sources: Mapping[str, bytes]
    """TorchScript's code as an archive would name it, "code/__torch__.py"; empty if it has bytecode alone."""
    object_types: tuple[str, ...]
    """Classes of the objects that are made while it is loaded."""
    root: str
    """The class of the saved module."""


def read_flatbuffer(path: Path) -> FlatbufferModule:
    """Raises FlatbufferError for what is none, or is damaged."""
    try:
        with path.open("rb", buffering=0) as file:
            return _module(_Tables(file.fileno(), path.stat().st_size))
    except (struct.error, UnicodeDecodeError, IndexError):
        raise FlatbufferError("holds no module as torch writes it") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None


def _module(tables: _Tables) -> FlatbufferModule:
    root = tables.follow(0)
    operators: dict[str, tuple[str, ...]] = {}
    values = list(tables.vector(root, _MODULE["ivalues"]))
    for entry in values:
        if tables.number(entry, _IVALUE["type"], "<B") == _IS_FUNCTION:
            function = tables.table(entry, _IVALUE["value"])
            called = tables.vector(function, _FUNCTION["operators"])
            names = tuple(tables.text(one, _OPERATOR["name"]).decode() for one in called)
            name = tables.text(function, _FUNCTION["name"]).decode()
            operators[name] = (*operators.get(name, ()), *names)
    sources = {
        f"code/{tables.text(one, _SOURCE['name']).decode().replace('.', '/')}.py": tables.text(
            one, _SOURCE["content"]
        )
        for one in tables.vector(root, _MODULE["sources"])
    }
    types = [
        tables.text(one, _OBJECT_TYPE["name"]).decode()
        for one in tables.vector(root, _MODULE["object_types"])
    ]
    saved = tables.table(values[tables.number(root, _MODULE["state"], "<I")], _IVALUE["value"])
    return FlatbufferModule(
        Bytecode(tables.number(root, _MODULE["version"], "<I"), operators),
        sources,
        tuple(types),
        types[tables.number(saved, _OBJECT["type"], "<I")],
    )


class _Tables:
    """Tables of a flatbuffer: each begins with the way back to the list of where its fields lie."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor, self._size = descriptor, size
        self._entries = 0

    def follow(self, position: int) -> int:
        """Where an offset leads."""
        return position + int(self._unpack("<I", position))

    def number(self, table: int, field: int, form: str) -> int:
        """A field's value, 0 if it is left out."""
        place = self._place(table, field)
        return int(self._unpack(form, place)) if place else 0

    def table(self, table: int, field: int) -> int:
        """The table that a field names."""
        place = self._place(table, field)
        if not place:
            raise FlatbufferError(f"a table at byte {table} lacks its field {field}")
        return self.follow(place)

    def vector(self, table: int, field: int) -> Iterator[int]:
        """The tables that a field lists."""
        place = self._place(table, field)
        if not place:
            return
        start = self.follow(place)
        count = self._unpack("<I", start)
        self._entries += count
        if self._entries > _MOST_ENTRIES:
            raise FlatbufferError(f"lists more than {_MOST_ENTRIES} entries")
        for number in range(count):
            yield self.follow(start + 4 + 4 * number)

    def text(self, table: int, field: int) -> bytes:
        """A string, empty if it is left out."""
        place = self._place(table, field)
        if not place:
            return b""
        start = self.follow(place)
        length = self._unpack("<I", start)
        if length > _MOST_TEXT:
            raise FlatbufferError(f"declares a text of {length} bytes")
        return self._read(start + 4, length)

    def _place(self, table: int, field: int) -> int:
        fields = table - self._unpack("<i", table)
        if 4 + 2 * field + 2 > self._unpack("<H", fields):
            return 0
        offset = self._unpack("<H", fields + 4 + 2 * field)
        return table + offset if offset else 0

    def _unpack(self, form: str, position: int) -> Any:
        return struct.unpack(form, self._read(position, struct.calcsize(form)))[0]

    def _read(self, position: int, size: int) -> bytes:
        if position < 0 or position + size > self._size:
            raise FlatbufferError(f"leads to byte {position}, out of the file")
        return os.pread(self._descriptor, size, position)
