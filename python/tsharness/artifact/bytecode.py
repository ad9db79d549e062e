"""Bytecode of the lite interpreter: its operators. A mobile runtime runs it instead of the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tsharness.artifact.pickles import PickleError, read_pickle


@dataclass(frozen=True)
class Bytecode:
    """What the interpreter would run."""

    version: int | None = None
    """Of its format; ``None`` if it could not be read."""
    operators: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By function, "__torch__.M.forward": "aten::add"."""


def read_bytecode(data: bytes) -> Bytecode:
    """Of an archive's ``bytecode.pkl``: a version, then a pair for each function, its name and a table.
    Raises PickleError for what is not so."""
    value = read_pickle(data).value
    if not isinstance(value, tuple) or not value or not isinstance(value[0], int):
        raise PickleError("holds no table of functions")
    return Bytecode(value[0], dict(_function(entry) for entry in value[1:]))


def _function(entry: Any) -> tuple[str, tuple[str, ...]]:
    try:
        table = dict(entry[1])
        return str(entry[0]), tuple(str(operator[0]) for operator in table["operators"])
    except (TypeError, ValueError, KeyError, IndexError):
        raise PickleError("holds a function that is no table") from None
