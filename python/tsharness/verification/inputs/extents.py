"""The sizes in proposed inputs: dims of tensors, and plain integers, which often are sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tsharness.cases.specs import InputCase, ScalarSpec, Spec, TensorSpec, map_leaves, parts_of

LARGEST_TENSOR = 1 << 25
"""Elements of a tensor that are tried at most."""
_MOST_CELLS = 1 << 20
_STRIDES = (1, 2, 4, 8, 16, 32, 14, 7, 5, 10, 20)


@dataclass(frozen=True)
class Extent:
    """One size."""

    leaf: int
    """The place of the tensor or integer among the leaves."""
    dim: int
    """-1 for a plain integer."""
    size: int


def leaves_of(case: InputCase) -> list[Spec]:
    """Tensors and plain values, in the order in which they stand."""

    def inside(spec: Spec) -> Iterator[Spec]:
        if isinstance(spec, (TensorSpec, ScalarSpec)):
            yield spec
        for part in parts_of(spec):
            yield from inside(part)

    return [leaf for spec in case.inputs for leaf in inside(spec)]


def with_leaves(case: InputCase, changed: Mapping[int, Spec]) -> InputCase | None:
    """The case with other leaves at these places; ``None`` if a tensor would be of no use."""
    place = -1

    def change(leaf: Spec) -> Spec:
        nonlocal place
        place += 1
        return changed.get(place, leaf)

    if not all(_is_sensible(leaf) for leaf in changed.values()):
        return None
    return replace(case, inputs=tuple(map_leaves(spec, change) for spec in case.inputs))


def _is_sensible(leaf: Spec) -> bool:
    if not isinstance(leaf, TensorSpec):
        return True
    sizes = sizes_of(leaf)
    return len(sizes) <= 8 and all(size >= 1 for size in sizes) and math.prod(sizes) <= LARGEST_TENSOR


def sizes_of(spec: TensorSpec) -> tuple[int, ...]:
    """Its dims, all of which have a size here."""
    return tuple(int(dim) for dim in spec.dims)


def elements_of(case: InputCase) -> int:
    """Of all tensors together."""
    return sum(math.prod(sizes_of(leaf)) for leaf in leaves_of(case) if isinstance(leaf, TensorSpec))


def extents_of(case: InputCase) -> list[Extent]:
    """All sizes."""
    found = []
    for place, leaf in enumerate(leaves_of(case)):
        if isinstance(leaf, TensorSpec):
            found += [Extent(place, dim, size) for dim, size in enumerate(sizes_of(leaf))]
        elif isinstance(leaf, ScalarSpec) and type(leaf.value) is int:
            found.append(Extent(place, -1, leaf.value))
    return found


def resized(case: InputCase, sizes: Mapping[Extent, int]) -> InputCase | None:
    """The case with other sizes; ``None`` if a tensor would be of no use."""
    leaves = leaves_of(case)
    changed: dict[int, Spec] = {}
    for extent, size in sizes.items():
        leaf = changed.get(extent.leaf, leaves[extent.leaf])
        if isinstance(leaf, ScalarSpec):
            changed[extent.leaf] = replace(leaf, value=size)
        elif isinstance(leaf, TensorSpec):
            dims = (*leaf.dims[: extent.dim], size, *leaf.dims[extent.dim + 1 :])
            changed[extent.leaf] = replace(leaf, dims=dims)
    return with_leaves(case, changed)


def spatial(case: InputCase) -> list[list[Extent]]:
    """Of each tensor, the dims behind batch and channels; of a matrix its last; and integers, alone and all
    together."""
    by_leaf: dict[int, list[Extent]] = {}
    for extent in extents_of(case):
        by_leaf.setdefault(extent.leaf, []).append(extent)
    tensors = [dims for dims in by_leaf.values() if dims[0].dim >= 0]
    groups = [dims[min(2, len(dims) - 1) :] for dims in tensors]
    groups += [dims[-2:] for dims in tensors if len(dims) == 3]
    integers = [dims for dims in by_leaf.values() if dims[0].dim < 0]
    if len(integers) > 1:
        groups.append([dims[0] for dims in integers])
    return [*groups, *integers]


def that_give(extents: Sequence[Extent], have: int, need: int) -> Iterator[dict[Extent, int]]:
    """Sizes for which something that was ``have`` may become ``need``, if it is made of these dims by strides
    and products, and perhaps one or two more than them: patches with a class token, features behind
    convolutions. The likeliest first."""
    sizes = [extent.size for extent in extents]
    for more in (0, 1, 2):
        before, after = have - more, need - more
        if before <= 0 or after <= 0 or 0 in sizes:
            continue
        for stride in (*_STRIDES, *sorted({math.gcd(*sizes)})):
            cells = math.prod(-(-size // stride) for size in sizes)
            if before % cells == 0 and after % (before // cells) == 0:
                wanted = after // (before // cells)
                if wanted > _MOST_CELLS:
                    continue
                whole = _factors(wanted, len(sizes))
                yield {e: factor * stride for e, factor in zip(extents, whole, strict=True)}
    ratio = need / have
    scaled = ratio ** (1 / len(sizes))
    yield {extent: max(1, round(extent.size * scaled)) for extent in extents}
    if len(extents) > 1:
        for extent in extents:
            yield {extent: max(1, round(extent.size * ratio))}
        # An integer that is an edge: two dims follow it.
    yield {extent: max(1, round(extent.size * math.sqrt(ratio))) for extent in extents}


def _factors(number: int, count: int) -> tuple[int, ...]:
    """So many factors of the number, as near to each other as they can be."""
    if count == 1:
        return (number,)
    root = round(number ** (1 / count))
    first = next((f for f in range(max(1, root), 0, -1) if number % f == 0), 1)
    return (first, *_factors(number // first, count - 1))
