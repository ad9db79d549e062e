"""What of the sample becomes part of a compiled file: values that are no tensors, and strides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from tsharness.exporting.inputs import Inputs
from tsharness.migration.converting.cases import Example, argument_names_of
from tsharness.migration.stage import Baked


def baked_of(model: torch.nn.Module, examples: Sequence[Example], sample: Example) -> tuple[Baked, ...]:
    """With the cases that have another value, or other strides."""
    names = argument_names_of(model)
    return tuple(_found(sample.calls[0], names, examples))


def _found(call: Inputs, names: Sequence[str], examples: Sequence[Example]) -> Iterator[Baked]:
    for name, leaf in call.leaves(names):
        others = [(one.name, _leaves(one, name, names)) for one in examples]
        if isinstance(leaf, torch.Tensor):
            if leaf.layout is not torch.strided:
                continue
            differing = tuple(
                case for case, leaves in others if any(_lies_otherwise(x, leaf) for x in leaves)
            )
            strides = str(tuple(leaf.stride()))
            if differing:
                yield Baked("strides", name, strides, differing)
        else:
            differing = tuple(case for case, leaves in others if any(_is_another(x, leaf) for x in leaves))
            yield Baked("constant", name, repr(leaf), differing)


def _leaves(example: Example, name: str, names: Sequence[str]) -> list[object]:
    """Of that name, of every call."""
    return [leaf for call in example.calls for own, leaf in call.leaves(names) if own == name]


def _is_another(value: object, own: object) -> bool:
    return type(value) is not type(own) or value != own


def _lies_otherwise(value: object, own: torch.Tensor) -> bool:
    """Whether a tensor has other strides than code that was compiled for ``own`` reads."""
    if not isinstance(value, torch.Tensor) or value.dim() != own.dim():
        return False
    if own.is_contiguous():
        return not value.is_contiguous()
    pairs = zip(value.shape, value.stride(), own.stride(), strict=True)
    return any(size > 1 and mine != theirs for size, mine, theirs in pairs)
