"""Does every offset of a flatbuffer lead to what its schema says, inside the file? Readers do not ask.

A schema names for each table its fields in their order: "1", "2", "4", "8" for numbers of so many bytes, "s"
for a text, the name of a table, "[" before any of these for a vector, "|" before the name of a union, whose
kind the field before it tells, "" for what is not looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tsharness.artifact.flatbuffer_tables import FlatbufferError, Tables

Schema = Mapping[str, Sequence[str]]
"""Members of a union stand under its name, by their numbers."""
_DEEPEST = 64  # tables in tables


def check_shape(tables: Tables, schema: Schema, root: str) -> None:
    """Raises FlatbufferError."""
    _Shape(tables, schema).table(tables.follow(0), root, 0)


class _Shape:
    def __init__(self, tables: Tables, schema: Schema) -> None:
        self._tables = tables
        self._schema = schema
        self._seen: set[tuple[int, str]] = set()

    def table(self, at: int, name: str, depth: int) -> None:
        """One table, and all that it leads to; each once."""
        if (at, name) in self._seen:
            return
        self._seen.add((at, name))
        if depth > _DEEPEST:
            raise FlatbufferError("holds tables in tables, too deep")
        union = 0
        for number, kind in enumerate(self._schema[name]):
            place = self._tables.place(at, number)
            if place:
                self._field(place, kind, union, depth)
            union = self._tables.number(at, number, "<B") if kind == "1" else 0

    def _field(self, place: int, kind: str, union: int, depth: int) -> None:
        if kind.startswith("|"):
            members = self._schema[kind]
            if union >= len(members):
                raise FlatbufferError(f"holds a value of the unknown kind {union}")
            kind = members[union]
            if kind.isdigit():
                self._tables.within(self._tables.follow(place), int(kind))
                return
        if kind.isdigit():
            self._tables.within(place, int(kind))
        elif kind.startswith("["):
            self._vector(self._tables.follow(place), kind[1:], depth)
        elif kind == "s":
            self._vector(self._tables.follow(place), "1", depth)
        elif kind:
            self.table(self._tables.follow(place), kind, depth + 1)

    def _vector(self, start: int, kind: str, depth: int) -> None:
        count = self._tables.unpack("<I", start)
        size = int(kind) if kind.isdigit() else 4
        self._tables.within(start + 4, count * size)
        if kind.isdigit():
            return
        for number in range(count):
            self._field(start + 4 + 4 * number, kind, 0, depth)
