"""Where, and among which values, an output differs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Of the finite elements of one side."""

    min: float
    max: float
    mean: float
    std: float
    """Of the population."""
    nonfinite: int
    """Elements that are NaN or infinite."""


@dataclass(frozen=True)
class TouchedDim:
    """Indices of a dim that hold an element beyond the tolerance."""

    size: int
    touched: int
    first: int
    last: int


@dataclass(frozen=True)
class Decade:
    """Elements whose absolute error lies in [10^decade, 10^(decade+1))."""

    decade: int
    count: int


@dataclass(frozen=True)
class Magnitude:
    """Elements whose expected magnitude lies in that decade."""

    decade: int
    count: int
    mismatched: int
    max_abs: float
    """The largest error among them."""


@dataclass(frozen=True)
class Profile:
    """csrc/core/profile.h makes it."""

    actual: Summary
    expected: Summary
    dims: tuple[TouchedDim, ...]
    errors: tuple[Decade, ...]
    equal: int
    """Elements without any error."""
    magnitudes: tuple[Magnitude, ...]
    zeros: int
    """Expected elements that are 0."""
