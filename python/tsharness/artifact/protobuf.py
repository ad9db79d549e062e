"""Protocol buffers, read from outside: fields by their numbers, nothing copied that nobody asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from tsharness.errors import ArtifactError

Value: TypeAlias = "int | memoryview"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_VARINT = 10  # bytes


class ProtobufError(ArtifactError):
    """Bytes that are no message."""


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Number and value of each field in its order: a number, or the bytes of a text or of a message. Raises
    ProtobufError."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if key < 8:
            raise ProtobufError(f"holds a field without a number at byte {at}")
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        size = 8 if kind == _FIXED64 else 4 if kind == _FIXED32 else 0
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif not size:
            raise ProtobufError(f"holds a field of the unknown form {kind}")
        if size > len(message) - at:
            raise ProtobufError(f"declares {size} bytes, of which {len(message) - at} are there")
        yield key >> 3, message[at : at + size]
        at += size


def text(value: Value) -> str:
    """Raises ProtobufError for what is none."""
    try:
        return str(value, "utf-8") if isinstance(value, memoryview) else _not("a text", value)
    except UnicodeDecodeError:
        return _not("a text", "other bytes")


def message_of(value: Value) -> memoryview:
    """Raises ProtobufError for what is none."""
    return value if isinstance(value, memoryview) else memoryview(_not("a message", value).encode())


def _not(expected: str, found: object) -> str:
    raise ProtobufError(f"holds {found} where {expected} should be")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for count in range(_MOST_VARINT):
        if at + count >= len(message):
            break
        byte = message[at + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    raise ProtobufError(f"holds no number at byte {at}")
