"""Loops over a size, which a trace unrolls without a word: range() asks a tensor for its number."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from tsharness.exporting.source import Place, current_place

LOOP = "a range() over a size"
_RANGE = range


@contextmanager
def heard_ranges(tell: Callable[[Place], None]) -> Iterator[None]:
    """While the block runs, ``tell`` hears of every line of the user's that makes a range of a tensor: the
    tracer gives sizes as such. Ranges stay what they are."""

    class Ranges(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, _RANGE)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, _RANGE)

        def __call__(cls, *arguments: Any) -> range:
            if any(isinstance(one, torch.Tensor) for one in arguments):
                where = current_place(None)
                if where is not None:
                    tell(where)
            return _RANGE(*arguments)

    before = builtins.range
    builtins.range = Ranges("range", (), {})  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        builtins.range = before  # type: ignore[misc]
