"""From what operators say of a tensor to tensors that may fit, the likeliest first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tsharness.cases.specs import TensorSpec
from tsharness.verification.inputs.facts import Hint

BATCH = 2
SEQUENCE = 16
# What networks of each kind are usually made for, the most usual first.
_SIGNAL = (16000, 3000, 512, 1000, 400, 64, 4096)
_IMAGE = (224, 256, 64, 32, 128, 96, 512, 299, 384, 28, 1024)
_VOLUME = (32, 64, 96, 128, 16)
_SIZES = {3: _SIGNAL, 4: _IMAGE, 5: _VOLUME}
USUAL = {1: 16, 2: 16, 3: 400, 4: 64, 5: 32}
"""Of a dim of which nothing is known, by the rank."""


def tensors(name: str, hints: Sequence[Hint], sizes: Sequence[int]) -> list[TensorSpec]:
    """Tensors for an argument or a part of one; none if no operator says what it takes."""
    telling = [hint for hint in hints if hint["dtype"]]
    found = [
        TensorSpec(name, hint["dtype"], dims, *value_range(name, hints, hint["dtype"]))
        for hint in _best_first(telling)
        for dims in _shapes(hint, sizes)
    ]
    return fitting(list(dict.fromkeys(found)), hints)


def fitting(specs: Sequence[TensorSpec], hints: Sequence[Hint]) -> list[TensorSpec]:
    """Those first that have as many dims as the code takes apart."""
    return sorted(specs, key=lambda spec: not _rank_fits(len(spec.dims), hints))


def of_rank(name: str, hints: Sequence[Hint]) -> list[TensorSpec]:
    """Where the code takes dims apart and says no more."""
    ranks = dict.fromkeys(len(hint["dims"]) for hint in hints if _says_rank(hint))
    return [TensorSpec(name, "float32", dims) for rank in ranks for dims in _of_rank(rank)]


def value_range(name: str, hints: Sequence[Hint], dtype: str) -> tuple[float | None, float | None]:
    """Of an index into a table; ones for what has a mask's name."""
    if dtype.startswith("float") or dtype == "bfloat16":
        return (None, None)
    for hint in hints:
        if "high" in hint:
            return 0, hint["high"]
    return (1, 1) if "mask" in name and dtype != "bool" else (None, None)


def _best_first(hints: Sequence[Hint]) -> list[Hint]:
    """What fixes the rank says most; then what fixes the last dim; then what fixes the dtype alone."""

    def order(hint: Hint) -> int:
        if "dims" not in hint:
            return 4
        if not hint["ellipsis"]:
            return 0
        if "broadcast" in hint:
            return 2
        return 1 if hint["dims"] or "high" in hint else 3

    return sorted(hints, key=order)


def _says_rank(hint: Hint) -> bool:
    return hint["dtype"] == "" and bool(hint.get("dims"))


def _rank_fits(rank: int, hints: Sequence[Hint]) -> bool:
    asked = [hint for hint in hints if _says_rank(hint)]
    exact = {len(hint["dims"]) for hint in asked if not hint["ellipsis"]}
    least = max((len(hint["dims"]) for hint in asked if hint["ellipsis"]), default=0)
    return rank >= least and (not exact or rank in exact)


def _shapes(hint: Hint, sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    dims = hint.get("dims", ())
    if "channels" in hint:
        c = hint["channels"]
        yield from ((BATCH, c, 64, 64), (BATCH, c), (BATCH, c, 64), (BATCH, c, 16, 16, 16))
    elif not dims and "high" in hint:
        yield from ((BATCH, SEQUENCE), (SEQUENCE,), (BATCH,), (1, SEQUENCE, SEQUENCE))
    elif hint.get("ellipsis", True):
        last = tuple(64 if size is None else size for size in dims)
        yield from ((BATCH, *last), (BATCH, SEQUENCE, *last), last)
    else:
        yield from _full_shapes(hint, sizes)


def _of_rank(rank: int) -> Iterator[tuple[int, ...]]:
    """Where the rank alone is known, or the least rank: an image has three channels, or one."""
    usual = USUAL.get(rank, 8)
    if rank < 3:
        yield (BATCH, *(usual,) * (rank - 1))
        return
    for channels in (3, 1):
        yield (BATCH, channels, *(usual,) * (rank - 2))


def _full_shapes(hint: Hint, sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """A convolution's or a recurrent cell's: what is not known is batch, then length or image size."""
    dims = hint["dims"]
    rank = len(dims)
    likely: Sequence[int] = (SEQUENCE, 64)
    if "kernel" in hint:
        from_positions = _from_positions(sizes, hint["kernel"], rank)
        likely = [*from_positions, *_SIZES.get(max(rank, 3), _IMAGE)]
    for size in dict.fromkeys(likely):
        yield tuple(BATCH if i == 0 and d is None else size if d is None else d for i, d in enumerate(dims))


def _from_positions(sizes: Sequence[int], kernel: int, rank: int) -> list[int]:
    """Image sizes that give as many patches as a position embedding has rows, one for a class token or not;
    for signals, the lengths themselves and twice them (a stride of 2 before)."""
    if rank < 4:
        return [size * factor for size in sizes for factor in (2, 1) if size > 64]
    grids = [math.isqrt(n) for size in sizes for n in (size, size - 1) if n > 1 and math.isqrt(n) ** 2 == n]
    return [grid * kernel for grid in grids if 16 <= grid * kernel <= 1024]
