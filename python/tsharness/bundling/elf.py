"""Where an executable looks for its libraries, as a bundle has it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from tsharness.errors import EnvironmentProblem

_LOAD, _DYNAMIC = 1, 2
_STRTAB, _RPATH, _RUNPATH = 5, 15, 29


def leave_own_libraries(executable: Path) -> None:
    """Of the folders that an executable (ELF, 64 bits, little-endian) looks for libraries in, leaves those
    that are stated from where it lies: others are of the machine that built it. What ``LD_LIBRARY_PATH``
    names comes before them (DT_RUNPATH). Raises EnvironmentProblem for another kind of file."""
    data = bytearray(executable.read_bytes())
    try:
        _change(data)
    except (struct.error, ValueError, StopIteration):
        raise EnvironmentProblem(f"{executable} is no executable as the linker writes it here") from None
    executable.write_bytes(data)


def _change(data: bytearray) -> None:
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError
    entries = list(_dynamic(data))
    strings = next(value for _, tag, value in entries if tag == _STRTAB)
    for at, tag, value in entries:
        if tag not in (_RPATH, _RUNPATH):
            continue
        begin = _offset(data, strings) + value
        end = data.index(0, begin)
        own = b":".join(part for part in data[begin:end].split(b":") if part.startswith(b"$ORIGIN"))
        data[begin:end] = own.ljust(end - begin, b"\0")
        struct.pack_into("<q", data, at, _RUNPATH)


def _segments(data: bytearray) -> Iterator[tuple[int, int, int, int]]:
    """Type, place in the file, address and size of each."""
    start, size, count = *struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54)
    for number in range(count):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, start + number * size)
        yield kind, offset, address, length


def _dynamic(data: bytearray) -> Iterator[tuple[int, int, int]]:
    """Place in the file, tag and value of each entry."""
    for kind, offset, _, length in _segments(data):
        if kind == _DYNAMIC:
            for at in range(offset, offset + length, 16):
                yield at, *struct.unpack_from("<qQ", data, at)


def _offset(data: bytearray, wanted: int) -> int:
    return next(
        offset + wanted - address
        for kind, offset, address, length in _segments(data)
        if kind == _LOAD and address <= wanted < address + length
    )
