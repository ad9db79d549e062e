"""What is found in a pickle: a tree, with what it would import and call."""

from __future__ import annotations

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
    called: list[Global] = field(default_factory=list)
    """Those that would be called; a class of which an object is only made is not."""
    size: int = 0
    """Bytes, to its end."""


class PickleError(ArtifactError):
    """The bytes are no pickle."""


class UnknownOpcodeError(PickleError):
    """They are one, with something in it that torch never writes."""
