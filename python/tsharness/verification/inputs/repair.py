"""From what a failed call asks for to the next proposals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

from tsharness.cases.specs import InputCase, ScalarSpec, Spec, TensorSpec
from tsharness.verification.inputs.demands import (
    Count,
    Demand,
    Dims,
    Dtype,
    Fewer,
    Larger,
    Multiple,
    Range,
    Rank,
    Shape,
    Size,
    Smaller,
    Stated,
)
from tsharness.verification.inputs.extents import (
    Extent,
    extents_of,
    leaves_of,
    resized,
    sizes_of,
    spatial,
    that_give,
    with_leaves,
)
from tsharness.verification.inputs.shapes import USUAL

_MOST_OF_ONE = 24
"""Proposals that follow from one demand at most."""


def repaired(case: InputCase, demand: Demand) -> Iterator[InputCase]:
    """Inputs that may meet the demand, the likeliest first."""
    changed = {
        Size: _sized,
        Rank: _of_rank,
        Shape: _shaped,
        Count: _counted,
        Dtype: _typed,
        Range: _ranged,
        Larger: _enlarged,
        Smaller: _reduced,
        Multiple: _rounded,
        Fewer: _lessened,
        Stated: _as_stated,
    }[type(demand)]
    found = (one for one in changed(case, demand) if one is not None and one.inputs != case.inputs)  # type: ignore[operator]
    yield from itertools.islice(dict.fromkeys(found), _MOST_OF_ONE)


def _tensors(case: InputCase, operand: Dims | None) -> list[tuple[int, TensorSpec]]:
    """Tensors by their place among the leaves; those of the operand's dims alone, if there are any."""
    found = [(i, leaf) for i, leaf in enumerate(leaves_of(case)) if isinstance(leaf, TensorSpec)]
    same = [(i, leaf) for i, leaf in found if operand is not None and sizes_of(leaf) == operand]
    return same or found


def _together_and_alone(case: InputCase, changed: dict[int, Spec]) -> Iterator[InputCase | None]:
    yield with_leaves(case, changed)
    for place, leaf in changed.items():
        yield with_leaves(case, {place: leaf})


def _sized(case: InputCase, demand: Size) -> Iterator[InputCase | None]:
    extents = extents_of(case)
    places = {place for place, _ in _tensors(case, demand.operand)} if demand.operand else None
    exact = [e for e in extents if e.size == demand.have and (places is None or e.leaf in places)]
    for extent in exact:
        if extent.dim == demand.dim:
            yield resized(case, {extent: demand.need})
    if exact:
        yield resized(case, dict.fromkeys(exact, demand.need))
        for dims in {e.leaf: [o for o in exact if o.leaf == e.leaf] for e in exact}.values():
            yield resized(case, dict.fromkeys(dims, demand.need))
        for extent in exact:
            yield resized(case, {extent: demand.need})
    yield from _of_products(case, demand)
    # The first way of every tensor, then the second of each.
    ways = [that_give(group, demand.have, demand.need) for group in spatial(case)]
    for several in itertools.zip_longest(*ways):
        for sizes in several:
            if sizes is not None:
                yield from _with_equal_ones(case, sizes)


def _with_equal_ones(case: InputCase, sizes: dict[Extent, int]) -> Iterator[InputCase | None]:
    """Where another tensor has the same last dims, they may belong together: first with these."""
    others = {
        other: size
        for extent, size in sizes.items()
        for other in extents_of(case)
        if extent.dim > 0 and other.dim == extent.dim and other.size == extent.size
    }
    if len(others) > len(sizes):
        yield resized(case, {**others, **sizes})
    yield resized(case, sizes)


def _of_products(case: InputCase, demand: Size) -> Iterator[InputCase | None]:
    """What was flattened: several dims together had that size."""
    for place, leaf in _tensors(case, None):
        sizes = sizes_of(leaf)
        for first in range(1, len(sizes) - 1):
            rest = math.prod(sizes[first:-1])
            if rest * sizes[-1] == demand.have and demand.need % rest == 0:
                last = Extent(place, len(sizes) - 1, sizes[-1])
                yield resized(case, {last: demand.need // rest})


def _of_rank(case: InputCase, demand: Rank) -> Iterator[InputCase | None]:
    more = demand.need - demand.have
    tensors = _tensors(case, demand.operand)
    fitting = [(i, leaf) for i, leaf in tensors if demand.operand or len(leaf.dims) == demand.have]
    chosen = [(i, leaf) for i, leaf in fitting or tensors if len(leaf.dims) + more >= 0]
    ways = {
        i: list(_dims_of_rank(sizes_of(leaf), len(leaf.dims) + more, demand.channels)) for i, leaf in chosen
    }
    for way in range(max(map(len, ways.values()), default=0)):
        changed: dict[int, Spec] = {
            i: replace(leaf, dims=ways[i][way]) for i, leaf in chosen if way < len(ways[i])
        }
        for place, other in changed.items():
            yield with_leaves(case, {place: other})
        if 1 < len(changed) < 4:
            yield with_leaves(case, changed)


def _dims_of_rank(sizes: Dims, rank: int, channels: int | None) -> Iterator[Dims]:
    """Other dims of that rank: those that are there go on, what is new is usual."""
    usual = USUAL.get(rank, 8)
    if rank <= len(sizes):
        yield sizes[:rank]
        yield sizes[len(sizes) - rank :]
        if rank:
            yield (sizes[0], *sizes[len(sizes) - rank + 1 :])
        return
    if rank >= 3:
        for second in (channels,) if channels else (3, 1):
            yield (sizes[0] if sizes else 2, second, *(usual,) * (rank - 2))
    missing = rank - len(sizes)
    yield (*sizes, *(4,) * missing)
    yield (*sizes, *(usual,) * missing)
    yield (*sizes[:1], *(usual,) * missing, *sizes[1:])
    yield (*(1,) * missing, *sizes)
    if channels and rank >= 2:
        yield (sizes[0] if sizes else 2, channels, *(usual,) * (rank - 2))


def _shaped(case: InputCase, demand: Shape) -> Iterator[InputCase | None]:
    same = {
        place: replace(leaf, dims=demand.need)
        for place, leaf in _tensors(case, demand.have)
        if sizes_of(leaf) == demand.have
    }
    yield from _together_and_alone(case, dict(same))
    for place, leaf in _tensors(case, None):
        if place not in same and len(leaf.dims) == len(demand.have):
            yield with_leaves(case, {place: replace(leaf, dims=demand.need)})


def _counted(case: InputCase, demand: Count) -> Iterator[InputCase | None]:
    known = math.prod(size for size in demand.shape if size > 0)
    first = next((size for size in demand.shape if size > 0), 1)
    batches = [e for e in extents_of(case) if e.dim == 0]
    for batch in dict.fromkeys((1, first, 2 * first)):
        if batches and batch < 64:
            usual = [e for e in batches if e.size == batches[0].size]
            yield resized(case, dict.fromkeys(usual, batch))
            yield resized(case, dict.fromkeys(batches, batch))
    if -1 not in demand.shape:
        yield from _sized(case, Size(demand.have, known))
    # A dim of the shape may be one of the input's own.
    for size in demand.shape:
        if size > 1:
            for extent in extents_of(case):
                if extent.dim > 0:
                    yield resized(case, {extent: size})


def _typed(case: InputCase, demand: Dtype) -> Iterator[InputCase | None]:
    integers = not demand.need.startswith(("float", "bfloat"))
    changed: dict[int, Spec] = {}
    for place, leaf in _tensors(case, None):
        if leaf.dtype != demand.need and demand.operand in (None, sizes_of(leaf)):
            span = (leaf.low, leaf.high) if integers else (None, None)
            changed[place] = replace(leaf, dtype=demand.need, low=span[0], high=span[1])
    for place, other in changed.items():
        yield with_leaves(case, {place: other})
    if len(changed) > 1:
        yield with_leaves(case, changed)


def _ranged(case: InputCase, demand: Range) -> Iterator[InputCase | None]:
    changed: dict[int, Spec] = {}
    for place, leaf in _tensors(case, demand.operand):
        if not leaf.dtype.startswith(("float", "bfloat")) and (leaf.high is None or leaf.high > demand.high):
            changed[place] = replace(leaf, low=0, high=demand.high)
    for i, other in changed.items():
        yield with_leaves(case, {i: other})
    yield with_leaves(case, changed)
    longest = max((e.size for e in extents_of(case) if e.dim > 0), default=0)
    if longest > 1:
        long = [e for e in extents_of(case) if e.dim > 0 and e.size == longest]
        yield resized(case, dict.fromkeys(long, max(1, min(demand.high, longest // 2))))
    yield from _integers(case, (demand.high, 0))


def _enlarged(case: InputCase, _: Larger) -> Iterator[InputCase | None]:
    yield from _integers(case, (64, 16, 224))
    for factor in (2, 4, 16):
        for group in spatial(case):
            yield resized(case, {extent: extent.size * factor for extent in group if extent.dim >= 0})


def _reduced(case: InputCase, _: Smaller) -> Iterator[InputCase | None]:
    for size in (64, 32, 16):
        for group in spatial(case):
            yield resized(case, {extent: min(size, extent.size) for extent in group})


def _rounded(case: InputCase, _: Multiple) -> Iterator[InputCase | None]:
    for step in (32, 64, 16, 128):
        for group in spatial(case):
            yield resized(case, {extent: -(-extent.size // step) * step for extent in group})


def _lessened(case: InputCase, _: Fewer) -> Iterator[InputCase | None]:
    yield from _integers(case, (1, 2, 4, 8))
    for group in spatial(case):
        yield resized(case, {extent: extent.size * 2 for extent in group if extent.dim >= 0})


def _as_stated(case: InputCase, demand: Stated) -> Iterator[InputCase | None]:
    yield from _integers(case, demand.numbers)
    texts = [i for i, leaf in enumerate(leaves_of(case)) if _is_text(leaf)]
    for place, word in itertools.product(texts, demand.words):
        yield with_leaves(case, {place: ScalarSpec(leaves_of(case)[place].name, word)})
    for extent in extents_of(case):
        if extent.dim > 0 and extent.size in demand.numbers:
            for number in demand.numbers:
                yield resized(case, {extent: number})


def _is_text(leaf: Spec) -> bool:
    return isinstance(leaf, ScalarSpec) and isinstance(leaf.value, str)


def _integers(case: InputCase, values: tuple[int, ...]) -> Iterator[InputCase | None]:
    """Plain integers of that value: all of them, and each."""
    integers = [extent for extent in extents_of(case) if extent.dim < 0]
    for value in values:
        if len(integers) > 1:
            yield resized(case, dict.fromkeys(integers, value))
        for extent in integers:
            yield resized(case, {extent: value})
