"""Ways in which the same values may lie in another order: what goes wrong between a picture and a tensor."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch

_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Arrangement:
    """A tensor brought into the case's order, with what was done."""

    tensor: torch.Tensor
    steps: tuple[tuple[str, str], ...]
    """Kind and words of each step: ("layout", "NHWC, the case is NCHW")."""


def arrangements(mine: torch.Tensor, shape: torch.Size) -> Iterator[Arrangement]:
    """All of them that give the case's shape, those with the fewest steps first."""
    shaped = list(_shaped(mine, shape))
    orders = [combined for one in shaped for combined in _reordered(one)]
    yield from sorted(orders, key=lambda arrangement: len(arrangement.steps))


def _shaped(mine: torch.Tensor, shape: torch.Size) -> Iterator[Arrangement]:
    """With as many dims and the sizes of the case: layouts, missing or superfluous batch, padding."""
    if mine.shape == shape:
        yield Arrangement(mine, ())
    yield from _layouts(mine, shape)
    if mine.dim() != len(shape):
        yield from _without_batch(mine, shape)
    elif mine.shape != shape:
        yield from _unpadded(mine, shape)


def _layouts(mine: torch.Tensor, shape: torch.Size) -> Iterator[Arrangement]:
    rank = len(shape)
    if mine.dim() != rank or mine.numel() != shape.numel() or rank < 2:
        return
    names = {4: "NCHW", 3: "CHW", 2: "HW"}.get(rank, "")
    for order in itertools.permutations(range(rank)):
        if order == tuple(range(rank)):
            continue
        inverse = [order.index(i) for i in range(rank)]
        lies_as = torch.Size(shape[i] for i in inverse)
        told = f"{''.join(names[i] for i in inverse)}, the case is {names}" if names else f"dims {inverse}"
        if mine.shape == lies_as:
            yield Arrangement(mine.permute(order), (("layout", told),))
        if mine.shape == shape and lies_as != shape:
            # The bytes lie in another order, the shape does not say so: a reshape where a permute was meant.
            yield Arrangement(
                mine.contiguous().view(lies_as).permute(order),
                (("layout", f"the values lie as {told}; it was reshaped, not permuted"),),
            )


def _without_batch(mine: torch.Tensor, shape: torch.Size) -> Iterator[Arrangement]:
    if mine.dim() + 1 == len(shape) and shape[0] == 1:
        for one in _shaped(mine, shape[1:]):
            step = ("batch", "it lacks the batch dim; add it with unsqueeze(0)")
            yield Arrangement(one.tensor.unsqueeze(0), (step, *one.steps))
    elif mine.dim() - 1 == len(shape) and mine.size(0) == 1:
        for one in _shaped(mine.squeeze(0), shape):
            yield Arrangement(one.tensor, (("batch", "it has a batch dim that the case lacks"), *one.steps))


def _unpadded(mine: torch.Tensor, shape: torch.Size) -> Iterator[Arrangement]:
    """Cut out where the border has but one value: before, behind, or on both sides."""
    if any(have < want for have, want in zip(mine.shape, shape, strict=True)):
        return
    more = [have - want for have, want in zip(mine.shape, shape, strict=True)]
    places = itertools.product(*(sorted({0, extra // 2, extra}) for extra in more))
    for begin in places:
        cut = mine[tuple(slice(b, b + size) for b, size in zip(begin, shape, strict=True))]
        told = ", ".join(
            f"dim {i} by {b} before and {extra - b} behind"
            for i, (b, extra) in enumerate(zip(begin, more, strict=True))
            if extra
        )
        yield Arrangement(cut, (("padding", told),))


def _reordered(base: Arrangement) -> Iterator[Arrangement]:
    """Flipped, with channels in another order, or both."""
    yield base
    tensor = base.tensor
    flips = [
        ("flip", f"dim {dim} runs the other way", dim)
        for dim in range(tensor.dim())
        if _is_extent(tensor, dim)
    ]
    channels = [
        ("channel order", f"channels (dim {dim}) are reversed: BGR for RGB", dim)
        for dim in range(tensor.dim())
        if tensor.size(dim) in _CHANNELS[1:] and dim == max(0, tensor.dim() - 3)
    ]
    for count in (1, 2):
        for chosen in itertools.combinations([*channels, *flips], count):
            dims = [dim for _, _, dim in chosen]
            if len(set(dims)) == count:
                steps = tuple((kind, told) for kind, told, _ in chosen)
                yield Arrangement(tensor.flip(dims), (*base.steps, *steps))


def _is_extent(tensor: torch.Tensor, dim: int) -> bool:
    """Height and width, or the length of a signal: the last two dims."""
    return dim >= tensor.dim() - 2 and tensor.size(dim) > _CHANNELS[-1]
