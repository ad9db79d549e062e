"""The flatbuffer form of a lite interpreter model: its code and its bytecode's operators. Read from outside,
a few bytes at a time; the tables' fields are those of torch's ``mobile_bytecode.fbs``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tsharness.artifact.bytecode import Bytecode
from tsharness.artifact.flatbuffer_shape import check_shape
from tsharness.artifact.flatbuffer_tables import FlatbufferError, Tables, read_tables

_MODULE = {"version": 0, "state": 3, "ivalues": 4, "object_types": 7, "sources": 8}
_SOURCE = {"name": 0, "content": 1}
_IVALUE = {"type": 0, "value": 1}
_OBJECT = {"type": 0}
_FUNCTION = {"name": 0, "operators": 2}
_OPERATOR = {"name": 0}
_OBJECT_TYPE = {"name": 0}
"""Numbers of the fields in their tables."""
_SCHEMA = {
    "Module": (
        "4",
        "[ExtraFile",
        "[4",
        "4",
        "[IValue",
        "4",
        "[Storage",
        "[ObjectType",
        "[ExtraFile",
        "[4",
        "4",
        "4",
    ),
    "ExtraFile": ("s", "s"),
    "IValue": ("1", "|Value"),
    "|Value": (
        *("", "8", "1", "8", "16", "Tensor", "Text", "List", "Items", "Dict", "Object"),
        *("Longs", "Longs", "Bools", "Text", "Enum", "Function"),
    ),
    "Tensor": ("4", "1", "4", "[4", "[4", "1", "Quantized"),
    "Quantized": ("1", "8", "4", "Tensor", "Tensor", "4"),
    "Text": ("s",),
    "List": ("[4", "s"),
    "Items": ("[4",),
    "Dict": ("[4", "[4", "s"),
    "Object": ("4", "4", "[4", "4"),
    "ObjectType": ("s", "1", "[s"),
    "Longs": ("[8",),
    "Bools": ("[1",),
    "Enum": ("s", "4"),
    "Operator": ("s", "s", "4"),
    "Argument": ("s", "s", "4"),
    "Schema": ("[Argument", "[Argument"),
    "Debug": ("[8",),
    "Function": ("s", "[8", "[Operator", "[4", "[s", "4", "Schema", "Debug", "4"),
    "Storage": ("[1",),
}
"""Fields of all tables (flatbuffer_shape.py)."""
_IS_FUNCTION = 16  # IValueUnion.Function


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
    return read_tables(path, _module, "module as torch writes it")


def _module(tables: Tables) -> FlatbufferModule:
    check_shape(tables, _SCHEMA, "Module")
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
    sources: dict[str, bytes] = {}
    for one in tables.vector(root, _MODULE["sources"]):
        record = f"code/{tables.text(one, _SOURCE['name']).decode().replace('.', '/')}.py"
        if record in sources:
            raise FlatbufferError(f"holds {record} a second time")
        sources[record] = tables.text(one, _SOURCE["content"])
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
