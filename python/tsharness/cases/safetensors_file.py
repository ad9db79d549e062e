"""The safetensors format, read strictly and lazily, from any part of a file.

The ``safetensors`` package reads whole files. Cases also lie inside a TorchScript archive, and ``verify``
wants their header alone, so the reader is ours; the package's interface for raw bytes, which a writer
without torch or numpy needs, differs between its versions, so the writer is, too. The package is the
judge of both in the tests.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tsharness.errors import CaseFileError
from tsharness.json_text import parse_json

MAX_HEADER = 100_000_000
"""Bytes; the limit of the format's reference library."""

_ALIGNMENT = 64  # bytes; of the data section, as PyTorch aligns its records

_ITEMSIZE = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3"), 1),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 2),
    **dict.fromkeys(("I32", "U32", "F32"), 4),
    **dict.fromkeys(("I64", "U64", "F64"), 8),
}


@dataclass(frozen=True)
class Entry:
    """One entry of a safetensors file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    """Bytes from the start of the data section."""
    end: int


@dataclass(frozen=True)
class Location:
    """A part of a file: all of it, unless it is a record of an archive."""

    path: Path
    offset: int = 0
    size: int = 0
    """Bytes; 0 means to the end of the file."""


def parse_untrusted_json(text: str | bytes, what: str) -> Any:
    """As ``parse_json``. Raises CaseFileError that begins with ``what``."""
    try:
        return parse_json(text)
    except ValueError as error:
        raise CaseFileError(f"{what}: not valid JSON ({error})") from None


class SafetensorsReader:
    """Reads the header at once, entries when asked. Raises CaseFileError for whatever is not in order:
    offsets out of range, overlaps, holes, lengths that do not follow from dtype and shape."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._path = str(location.path)
        size, header = self._read_header()
        document = parse_untrusted_json(header, f"{self._path}: header")
        if not isinstance(document, dict):
            self._fail("header is not a JSON object")
        metadata = document.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
            self._fail("__metadata__ must map names to strings")
        self.metadata: dict[str, str] = metadata
        self._data_start = 8 + len(header)
        data_size = size - self._data_start
        self.entries: dict[str, Entry] = {
            name: self._entry(name, value, data_size) for name, value in document.items()
        }
        self._check_layout(data_size)

    def read(self, name: str) -> bytes:
        """The bytes of an entry."""
        entry = self.entries.get(name)
        if entry is None:
            self._fail(f"the case file has no entry '{name}'")
        with open(self._location.path, "rb") as file:
            file.seek(self._location.offset + self._data_start + entry.begin)
            return file.read(entry.end - entry.begin)

    def _fail(self, what: str) -> NoReturn:
        raise CaseFileError(f"{self._path}: {what}")

    def _read_header(self) -> tuple[int, bytes]:
        try:
            # O_NONBLOCK: opening a FIFO must not wait for a writer that never comes.
            descriptor = os.open(self._location.path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            self._fail(f"cannot be opened: {error.strerror}")
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            self._fail("is not a regular file")
        with open(descriptor, "rb") as file:
            offset = self._location.offset
            size = self._location.size or status.st_size - offset
            if offset < 0 or size < 0 or offset + size > status.st_size:
                self._fail("the range of the case file lies outside the file")
            if size < 8:
                self._fail("is too short for a safetensors file")
            file.seek(offset)
            length = int.from_bytes(file.read(8), "little")
            if length > MAX_HEADER:
                self._fail(f"declares a header of {length} bytes, but at most {MAX_HEADER} are allowed")
            if length > size - 8:
                self._fail(f"declares a header of {length} bytes, but {size - 8} follow")
            return size, file.read(length)

    def _entry(self, name: str, value: Any, data_size: int) -> Entry:
        what = f"entry '{name}'"
        if not isinstance(value, dict) or not {"dtype", "shape", "data_offsets"} <= value.keys():
            self._fail(f"{what} lacks dtype, shape or data_offsets")
        dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
        if not isinstance(dtype, str) or dtype not in _ITEMSIZE:
            self._fail(f"{what}: unknown dtype {dtype!r:.60}")
        if not _are_sizes(shape):
            self._fail(f"{what}: shape must hold non-negative integers")
        if not _are_sizes(offsets) or len(offsets) != 2:
            self._fail(f"{what}: data_offsets must be two non-negative integers")
        begin, end = offsets
        if begin > end or end > data_size:
            self._fail(f"{what}: data_offsets [{begin}, {end}] lie outside the {data_size} bytes of data")
        needed = math.prod(shape) * _ITEMSIZE[dtype]
        if needed != end - begin:
            self._fail(f"{what}: dtype and shape need {needed} bytes, data_offsets span {end - begin}")
        return Entry(dtype, tuple(shape), begin, end)

    def _check_layout(self, data_size: int) -> None:
        position = 0
        for begin, end in sorted((entry.begin, entry.end) for entry in self.entries.values()):
            if begin != position:
                what = "overlap" if begin < position else "leave a hole"
                self._fail(f"entries {what} at data byte {min(begin, position)}")
            position = end
        if position != data_size:
            self._fail(f"{data_size - position} bytes behind the last entry")


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


class SafetensorsWriter:
    """Collects entries, then gives the bytes of the file."""

    def __init__(self) -> None:
        self._header: dict[str, Any] = {}
        self._data: list[bytes] = []
        self._size = 0

    def add(self, dtype: str, shape: tuple[int, ...], data: bytes) -> str:
        """Adds an entry under the next free name, which is returned."""
        name = f"t{len(self._data)}"
        end = self._size + len(data)
        self._header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [self._size, end]}
        self._data.append(data)
        self._size = end
        return name

    def to_bytes(self, metadata: Mapping[str, str]) -> bytes:
        header = json.dumps({"__metadata__": dict(metadata), **self._header}).encode()
        header += b" " * (-(len(header) + 8) % _ALIGNMENT)
        return b"".join([len(header).to_bytes(8, "little"), header, *self._data])
