"""What is found in a pickle: a tree, with what it would import and call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tsharness.errors import ArtifactError


@dataclass(frozen=True)
class Global:
    """A class or function that the pickle names."""

    module: str
    name: str

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Call:
    """An object that would be made by calling something: a function (REDUCE) or a class (NEWOBJ)."""

    function: Any
    arguments: Any
    state: Any = None
    """What BUILD would hand to ``__setstate__``, or put into its ``__dict__``."""


@dataclass(eq=False)
class Persistent:
    """What lies outside the pickle, by its id: torch's storages."""

    id: Any


@dataclass
class Pickle:
    """What one pickle holds."""

    value: Any
    globals: list[Global] = field(default_factory=list)
    """Everything that would be imported, in order, each once."""
    persistents: list[Persistent] = field(default_factory=list)
    called: set[Global] = field(default_factory=set)
    """Those that would be called; a class of which an object is only made is not."""
    size: int = 0
    """Bytes, to its end."""


_ONLY_MADE = {
    "torch._tensor._rebuild_from_type_v2": 1,  # its class
    "copyreg._reconstructor": 0,
    "copy_reg._reconstructor": 0,
}
"""Functions that call what they are given, with the place of the argument of which an object is only made."""


def called_by(function: Any, arguments: Any) -> Iterator[Any]:
    """What a call may call in its turn: whatever it is given by name."""
    made = _ONLY_MADE.get(function.path) if isinstance(function, Global) else None
    given = arguments if isinstance(arguments, (tuple, list)) else (arguments,)
    yield from (one for place, one in enumerate(given) if place != made)


_DEEPEST = 100
_MOST_VALUES = 10_000_000


def bounded(value: Any) -> Any:
    """The value, for who walks through it: as deep and large as real ones are, where all that occurs in
    several places is counted in each. Raises PickleError for another one."""
    open_, count = [(value, 0)], 0
    while open_:
        one, depth = open_.pop()
        count += 1
        if depth > _DEEPEST or count > _MOST_VALUES:
            raise PickleError("it is nested deeper, or larger, than any that is written")
        open_ += [(inner, depth + 1) for inner in _parts(one)]
    return value


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, Call):
        yield from (value.arguments, value.state)


class PickleError(ArtifactError):
    """The bytes are no pickle."""


class UnknownOpcodeError(PickleError):
    """They are one, with something in it that torch never writes."""
