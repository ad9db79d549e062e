"""Where two targets part, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Target:
    """An artifact in an environment."""

    artifact: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """An operator, with how its output differs between the targets."""

    number: int
    """In the order in which the operators run, from 0."""
    op: str
    module: str
    """Path of the submodule; empty for the model itself, or if nobody knows."""
    source: str
    """File and line of the model's source, if the artifact keeps them."""
    error: float
    """Largest absolute difference."""
    allowed: float
    """At the element that exceeds its tolerance most, or comes closest to it."""
    reason: str
    """Why it does not pass; empty if it does."""


@dataclass(frozen=True)
class Reduced:
    """A part of the artifact that was saved as one of its own."""

    path: str
    operators: int
    """That are in it."""
    fails: bool
    """Whether it fails as the whole does; if not, it was the largest that was tried."""


@dataclass(frozen=True)
class Localization:
    """Where two targets part."""

    case: str
    against: str
    """The other target, in words."""
    compared: int
    """Operators whose outputs were compared."""
    operators: int
    """That ran."""
    first: Place | None
    """The first whose output differs beyond the tolerance; ``None`` if none does."""
    path: tuple[Place, ...]
    """How the error grows: places at which it is larger than ever before, in order."""
    reduced: Reduced | None = None
    """The smallest part that fails alike, if that was asked for."""
