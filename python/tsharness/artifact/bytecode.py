"""Bytecode of the lite interpreter: its operators. A mobile runtime runs it instead of the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tsharness.artifact.pickles import TORCH_OPCODES, PickleError, read_pickle


@dataclass(frozen=True)
class Bytecode:
    """What the interpreter would run."""

    version: int | None = None
    """Of its format; ``None`` if it could not be read."""
    operators: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By function, "__torch__.M.forward": "aten::add"."""


_TABLE = ("instructions", "operators", "constants", "types", "register_size")
"""Entries of a function's table, which the interpreter takes by their place."""


def read_bytecode(data: bytes) -> Bytecode:
    """Of an archive's ``bytecode.pkl``: a version, then a pair or more for each function, its name and a
    table. Raises PickleError for what is not so."""
    value = read_pickle(data, TORCH_OPCODES).value
    if not isinstance(value, tuple) or not value or not isinstance(value[0], int):
        raise PickleError("holds no table of functions")
    functions: dict[str, tuple[str, ...]] = {}
    for entry in value[1:]:
        name, operators = _function(entry)
        if name in functions:
            raise PickleError(f"holds {name} a second time")
        functions[name] = operators
    return Bytecode(value[0], functions)


def _function(entry: Any) -> tuple[str, tuple[str, ...]]:
    try:
        name, table = entry[0], list(entry[1])
        if (
            tuple(key for key, _ in table) != _TABLE[: len(table)]
            or len(table) < 4
            or not isinstance(name, str)
        ):
            raise PickleError("holds a function whose table has another form than torch's")
        operators = tuple(operator[0] for operator in table[1][1])
    except (TypeError, ValueError, KeyError, IndexError):
        raise PickleError("holds a function that is no table") from None
    if not all(isinstance(operator, str) for operator in operators):
        raise PickleError(f"names an operator of {name} by something else than text")
    return name, operators
