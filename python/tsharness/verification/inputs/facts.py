"""What an artifact says of its arguments, as the runner describes it. Nothing here runs anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Hint = Mapping[str, Any]
"""What one operator says of a tensor or of a plain value (csrc/core/infer.h)."""


@dataclass(frozen=True)
class Type:
    """A type in TorchScript's notation: ``Dict[str, Tensor]`` is "Dict" of "str" and "Tensor"."""

    name: str
    inner: tuple[Type, ...] = ()

    @classmethod
    def read(cls, text: str) -> Type:
        name, _, rest = text.partition("[")
        if not rest.endswith("]"):
            return cls(text.strip())
        return cls(name.strip(), tuple(map(cls.read, _outer_parts(rest[:-1]))))

    def __str__(self) -> str:
        return f"{self.name}[{', '.join(map(str, self.inner))}]" if self.inner else self.name


def _outer_parts(text: str) -> Iterator[str]:
    """What commas outside of brackets part."""
    start = depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


@dataclass(frozen=True)
class Part:
    """A value that the code takes out of a container."""

    key: str | int | None
    """``None``: any of a list's items."""
    hints: tuple[Hint, ...]
    parts: tuple[Part, ...]
    tested: bool
    """Whether the code asks if it is there."""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Part:
        parts = tuple(map(cls.of, data["parts"]))
        return cls(data["key"], tuple(data["hints"]), parts, data["tested"])


@dataclass(frozen=True)
class Argument:
    """An argument of a method."""

    name: str
    type: Type
    has_default: bool
    hints: tuple[Hint, ...]
    parts: tuple[Part, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Argument:
        parts = tuple(map(Part.of, data.get("parts", ())))
        return cls(data["name"], Type.read(data["type"]), data["has_default"], tuple(data["hints"]), parts)


@dataclass(frozen=True)
class Method:
    """A method with its arguments."""

    name: str
    schema: str
    arguments: tuple[Argument, ...]
    sizes: Sequence[int]
    """Of parameters that are added to activations or looked up."""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Method:
        return cls(data["name"], data["schema"], tuple(map(Argument.of, data["arguments"])), data["sizes"])

    @property
    def needed(self) -> list[Argument]:
        """Those that have no default."""
        return [argument for argument in self.arguments if not argument.has_default]
