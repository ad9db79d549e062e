"""What a failed call asks for, in the terms of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tsharness.cases.specs import InputCase

Dims = tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """A call with proposed inputs, and what came of it."""

    case: InputCase
    error: str | None
    """What was raised; ``None``: it ran."""
    operators: int = 0
    """How many the call had begun by then."""
    raised: Mapping[str, Any] | None = None
    """The operator that the exception left: "op" and "inputs" (csrc/core/call_progress.h)."""

    def operand(self, place: int) -> Mapping[str, Any] | None:
        """Dims and dtype of an input of the operator that raised, if it was a tensor."""
        inputs = (self.raised or {}).get("inputs", ())
        found: Mapping[str, Any] | None = inputs[place] if place < len(inputs) else None
        return found


@dataclass(frozen=True)
class Size:
    """A size was ``have`` somewhere, and should have been ``need``."""

    have: int
    need: int
    operand: Dims | None = None
    """Dims of the tensor that had it, if they are known."""
    dim: int | None = None
    """Which of its dims, if that is known."""


@dataclass(frozen=True)
class Rank:
    """A tensor had ``have`` dims and should have had ``need``."""

    have: int
    need: int
    operand: Dims | None = None
    channels: int | None = None
    """What its second dim must be, if that is known."""


@dataclass(frozen=True)
class Shape:
    """A tensor of these dims should have had those."""

    have: Dims
    need: Dims


@dataclass(frozen=True)
class Count:
    """So many elements do not fill that shape, of which one dim may be -1."""

    have: int
    shape: Dims


@dataclass(frozen=True)
class Dtype:
    """A tensor should have had that dtype."""

    need: str
    operand: Dims | None = None


@dataclass(frozen=True)
class Range:
    """Integers should have been from 0 to ``high``."""

    high: int
    operand: Dims | None = None


@dataclass(frozen=True)
class Larger:
    """Something was too small for a kernel, a window or a pooling."""


@dataclass(frozen=True)
class Smaller:
    """A call took too long."""


@dataclass(frozen=True)
class Multiple:
    """Halves that were made of a size do not fit each other: it should be a multiple of a power of two."""


@dataclass(frozen=True)
class Fewer:
    """A plain integer was too large."""


@dataclass(frozen=True)
class Stated:
    """Numbers and words in a message of the model's own."""

    numbers: tuple[int, ...]
    words: tuple[str, ...]


Demand = Size | Rank | Shape | Count | Dtype | Range | Larger | Smaller | Multiple | Fewer | Stated
