"""Is a shared object whole? By its ELF headers: the loader maps what they say, and dies where it is not."""

from __future__ import annotations

import struct

_HEADER = struct.Struct("<4sBBB9xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_WIDE, _LITTLE, _SHARED, _LOADED = 2, 1, 3, 1


def wrong_object(data: bytes) -> str:
    """What is wrong with it, as the end of "the object ..."; empty if nothing."""
    if len(data) < _HEADER.size or data[:4] != b"\x7fELF":
        return "is no shared object"
    _, wide, order, _, kind, _, _, _, segments, _, _, _, entry, count, _, _, _ = _HEADER.unpack_from(data)
    if (wide, order, kind, entry) != (_WIDE, _LITTLE, _SHARED, _SEGMENT.size) or not count:
        return "is no shared object of this kind of machine"
    if segments + count * _SEGMENT.size > len(data):
        return "is cut off within its headers"
    loaded = False
    for number in range(count):
        type_, _, offset, _, _, size, _, _ = _SEGMENT.unpack_from(data, segments + number * _SEGMENT.size)
        loaded |= type_ == _LOADED
        if offset + size > len(data):
            return f"is cut off: {offset + size - len(data)} bytes are missing"
    return "" if loaded else "holds nothing that is loaded"
