"""Inputs that differ from an example in one thing: the size of a dim, or a value that is no tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tsharness.cases.case_file import Case
from tsharness.cases.dims import AT_ONCE
from tsharness.exporting.families import resized
from tsharness.exporting.inputs import Inputs
from tsharness.exporting.torch_values import inputs_of_call

Place = tuple[str, int]
"""An input, and a dim of it."""
_MOST_ELEMENTS = 4_000_000
"""Of an input, up to which it is tried at twice its size."""
_MOST_PLACES = 32
"""Dims that are looked at; what has more of them is no one's input."""


@dataclass(frozen=True)
class Trial:
    """One change of an example."""

    label: str
    """Name of its case: "x dim 0=4", "k=2"."""
    dim: str
    """What is changed, in words."""
    method: str
    sizes: Mapping[Place, int]
    """What the dims become."""
    name: str = ""
    """Of the argument that becomes ``value``; empty for none."""
    value: Any = None

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(self.sizes)

    def taken_by(self, others: Iterable[Trial]) -> bool:
        """Whether another one, that ran, has changed the same dim."""
        return any(self.places[0] in other.places for other in others)

    def of(self, calls: Sequence[Inputs], names: Sequence[str]) -> list[Inputs]:
        """The calls with the change."""
        return [call.replaced(self._change, names) if call.method == self.method else call for call in calls]

    def _change(self, name: str, leaf: Any) -> Any:
        if self.name and name == self.name:
            return self.value
        if not isinstance(leaf, torch.Tensor):
            return leaf
        changed = leaf
        for (own, dim), size in self.sizes.items():
            if own == name:
                changed = resized(changed, dim, size)
        return changed if leaf.is_contiguous() else _laid_like(changed, leaf)

    @classmethod
    def together(cls, found: Sequence[Trial]) -> Trial | None:
        """All dims at once, each as the first of ``found`` has it; ``None`` if that is nothing new."""
        first: dict[str, Trial] = {}
        for trial in found:
            first.setdefault(trial.dim, trial)
        if len(first) < 2:
            return None
        sizes = {place: size for trial in first.values() for place, size in trial.sizes.items()}
        method = next(iter(first.values())).method
        prefix = "" if method == "forward" else f"{method}/"
        return cls(prefix + AT_ONCE, AT_ONCE, method, sizes)


def _laid_like(tensor: torch.Tensor, view: torch.Tensor) -> torch.Tensor:
    """The same values, with the gaps and the order in memory that the view has."""
    if tensor.shape == view.shape:
        return view
    strides, reached = list(view.stride()), 1
    for dim in sorted(range(view.dim()), key=lambda d: (view.stride(d), d)):
        strides[dim] = max(strides[dim], reached) if strides[dim] else 0
        reached = max(reached, strides[dim] * tensor.shape[dim])
    laid = torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype)
    return laid.copy_(tensor) if 0 not in strides else tensor


def sizes_known(cases: Sequence[Case], method: str, names: Sequence[str]) -> dict[Place, set[int]]:
    """The sizes of every dim that the cases have."""
    known: dict[Place, set[int]] = {}
    for call in (inputs_of_call(call) for case in cases for call in case.calls if call.method == method):
        for (name, dim), size in _sizes(call, names).items():
            known.setdefault((name, dim), set()).add(size)
    return known


def _sizes(call: Inputs, names: Sequence[str]) -> dict[Place, int]:
    return {
        (name, dim): size
        for name, leaf in call.leaves(names)
        if isinstance(leaf, torch.Tensor) and leaf.layout is torch.strided and not leaf.is_quantized
        for dim, size in enumerate(leaf.shape)
    }


def trials_of(
    calls: Sequence[Inputs],
    method: str,
    names: Sequence[str],
    known: Mapping[Place, set[int]],
    signature: Mapping[str, Any],
    batch_first: bool = False,
) -> Iterator[list[Trial]]:
    """For every dim several groups of trials: it alone, with those of its size that come as it does, with all
    of its size. The first group that runs says how it varies.

    ``batch_first``: first dims are tried together before any is tried alone, since rows of one input beside
    the only row of another are often taken, by broadcasting, where they are not meant; and with the second or
    third dims of other inputs, where a recurrent network's states have their batch."""
    call = next(call for call in reversed(calls) if call.method == method)
    own = _sizes(call, names)
    elements = max((leaf.numel() for _, leaf in call.leaves(names) if hasattr(leaf, "numel")), default=0)
    allowed = _Allowed(signature)
    for place, size in list(own.items())[:_MOST_PLACES]:
        if size == 0:
            continue
        same = [other for other, extent in own.items() if extent == size]
        alike = [other for other in same if other[1] == place[1]]
        ways = [[place], alike, same]
        if batch_first and place[1] == 0:
            later = ([place, *(o for o in same if o[1] == dim and o[0] != place[0])] for dim in (1, 2))
            ways = [alike, [place], *later, same]
        for group in dict.fromkeys(map(tuple, ways)):
            sizes = _others(size, place[1] == 0, elements)
            wanted = [one for one in sizes if one not in known.get(place, ()) and allowed(place, one)]
            if wanted:
                yield [_resizing(group, one, method) for one in wanted]


def _others(size: int, first: bool, elements: int) -> list[int]:
    """Sizes to try, those first that show whether there are others at all. Twice the size keeps what it is
    divisible by."""
    twice = max(2 * size, 3) if first else 2 * size  # a lone row gets two others, as the check of rows has it
    larger = [size + 1, *([twice] if elements <= _MOST_ELEMENTS else [])]
    smaller = [1] if first else [max(1, size // 2)]
    return [one for one in dict.fromkeys([*larger, *smaller]) if one != size]


def _resizing(group: Sequence[Place], size: int, method: str) -> Trial:
    dim = ", ".join(f"{name} dim {number}" for name, number in group)
    prefix = "" if method == "forward" else f"{method}/"
    return Trial(f"{prefix}{dim}={size}", prefix + dim, method, dict.fromkeys(group, size))


class _Allowed:
    """Whether a size is one that the signature's range, if it states one, lets in."""

    def __init__(self, signature: Mapping[str, Any]) -> None:
        symbols = signature.get("symbols", {})
        self._ranges = {
            (argument["name"], dim): symbols[name]
            for argument in signature.get("arguments", ())
            for dim, name in enumerate(argument.get("dims") or ())
            if isinstance(name, str) and name in symbols
        }

    def __call__(self, place: Place, size: int) -> bool:
        facts = self._ranges.get(place, {})
        low, high, step = facts.get("min", 1), facts.get("max", size), facts.get("step", 1)
        return bool(low <= size <= high and size % step == 0)


def value_trials(call: Inputs, method: str, names: Sequence[str]) -> Iterator[list[Trial]]:
    """Other values of what is no tensor."""
    prefix = "" if method == "forward" else f"{method}/"
    for name, leaf in call.leaves(names):
        others = _other_values(leaf)
        if others:
            yield [
                Trial(f"{prefix}{name}={one}", prefix + name, method, {}, name=name, value=one)
                for one in others
            ]


def _other_values(leaf: Any) -> list[Any]:
    if isinstance(leaf, bool):
        return [not leaf]
    if isinstance(leaf, int):
        return [leaf + 1, leaf - 1]
    if isinstance(leaf, float):
        return [2.0 * leaf + 1.0, 0.5 * leaf]
    return []
