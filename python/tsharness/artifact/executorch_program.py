"""An ExecuTorch program, read from outside: what it calls, and who computes it. The tables' fields are those
of ExecuTorch's ``program.fbs``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tsharness.artifact.flatbuffer_shape import check_shape
from tsharness.artifact.flatbuffer_tables import FlatbufferError, Tables, read_tables

_PROGRAM = {"plans": 1}
_PLAN = {"name": 0, "inputs": 3, "outputs": 4, "chains": 5, "operators": 6, "delegates": 7, "buffers": 8}
_OPERATOR = {"name": 0, "overload": 1}
_DELEGATE = {"id": 0}
_CHAIN = {"instructions": 2}
_INSTRUCTION = {"type": 0, "value": 1}
_CALL = {"index": 0}
"""Numbers of the fields in their tables."""
_SCHEMA = {
    "Program": ("4", "[Plan", "[Bytes", "[Bytes", "[Segment", "Parts", "[Parts", "[Named"),
    "Plan": ("s", "Pair", "[Value", "[4", "[4", "[Chain", "[Pair", "[Delegate", "[8", "[Device"),
    "Value": ("1", "|Value"),
    "|Value": (
        "",
        "Nothing",
        "Long",
        "Byte",
        "Long",
        "Tensor",
        "Text",
        "Longs",
        "Longs",
        "Bytes",
        "Ints",
        "Ints",
    ),
    "Tensor": ("1", "4", "[4", "[1", "1", "4", "Numbers", "1", "1", "TensorInfo"),
    "TensorInfo": ("8", "s", "1", "1", "1"),
    "Chain": ("[4", "[4", "[Instruction", "[Frames"),
    "Instruction": ("1", "|Arguments"),
    "|Arguments": ("", "Call", "Call", "Numbers", "Numbers", "Numbers"),
    "Call": ("4", "[4"),
    "Delegate": ("s", "Reference", "[Spec"),
    "Reference": ("1", "4"),
    "Spec": ("s", "[1"),
    "Frames": ("[Frame",),
    "Frame": ("s", "4", "s", "s"),
    "Segment": ("8", "8"),
    "Parts": ("4", "[8"),
    "Named": ("s", "4"),
    "Pair": ("s", "s"),
    "Numbers": ("4", "4", "4"),
    "Device": ("4", "1", "1"),
    "Nothing": (),
    "Long": ("8",),
    "Byte": ("1",),
    "Text": ("s",),
    "Longs": ("[8",),
    "Ints": ("[4",),
    "Bytes": ("[1",),
}
"""Fields of all tables (flatbuffer_shape.py)."""
_SEGMENTS, _SEGMENT = 4, {"offset": 0, "size": 1}
_HEADER = b"eh00"
"""Behind the magic number: bytes of the header, of the program, and where the segments begin."""
_KERNEL_CALL, _DELEGATE_CALL = 1, 2
"""Members of the union InstructionArguments."""


@dataclass(frozen=True)
class Plan:
    """One method."""

    name: str
    inputs: int
    outputs: int
    kernels: Mapping[str, int]
    """Calls of ExecuTorch's own kernels, by operator: what no backend took."""
    delegates: Mapping[str, int]
    """Calls of backends, by their names."""
    planned_bytes: tuple[int, ...]
    """Of each buffer that its memory plan has."""


def read_program(path: Path) -> tuple[Plan, ...]:
    """Raises FlatbufferError for what is none, or is damaged."""
    return read_tables(path, _plans, "program as ExecuTorch writes it")


def _plans(tables: Tables) -> tuple[Plan, ...]:
    _check(tables)
    plans = tuple(_plan(tables, one) for one in tables.vector(tables.follow(0), _PROGRAM["plans"]))
    if not plans:
        raise FlatbufferError("holds no method")
    return plans


def _check(tables: Tables) -> None:
    """Raises FlatbufferError for a program that leads out of the file, or whose segments do."""
    check_shape(tables, _SCHEMA, "Program")
    base = 0
    if tables.read(8, 4) == _HEADER:
        tables.within(0, tables.unpack("<Q", 16))
        base = tables.unpack("<Q", 24)
    for segment in tables.vector(tables.follow(0), _SEGMENTS):
        offset, size = (tables.number(segment, _SEGMENT[name], "<Q") for name in ("offset", "size"))
        tables.within(base + offset, size)


def _plan(tables: Tables, plan: int) -> Plan:
    operators = [_operator(tables, one) for one in tables.vector(plan, _PLAN["operators"])]
    delegates = [
        tables.text(one, _DELEGATE["id"]).decode() for one in tables.vector(plan, _PLAN["delegates"])
    ]
    kernels: Counter[str] = Counter()
    delegated: Counter[str] = Counter()
    for chain in tables.vector(plan, _PLAN["chains"]):
        for instruction in tables.vector(chain, _CHAIN["instructions"]):
            kind = tables.number(instruction, _INSTRUCTION["type"], "<B")
            if kind not in (_KERNEL_CALL, _DELEGATE_CALL):
                continue
            call = tables.table(instruction, _INSTRUCTION["value"])
            index = tables.number(call, _CALL["index"], "<i")
            counter, names = (kernels, operators) if kind == _KERNEL_CALL else (delegated, delegates)
            counter[names[index]] += 1
    # The first buffer is a place holder that the format keeps empty.
    buffers = tables.numbers(plan, _PLAN["buffers"], "<q")[1:]
    return Plan(
        tables.text(plan, _PLAN["name"]).decode(),
        len(tables.numbers(plan, _PLAN["inputs"], "<i")),
        len(tables.numbers(plan, _PLAN["outputs"], "<i")),
        kernels,
        delegated,
        tuple(buffers),
    )


def _operator(tables: Tables, operator: int) -> str:
    name, overload = (tables.text(operator, _OPERATOR[field]).decode() for field in ("name", "overload"))
    return f"{name}.{overload}" if overload else name
