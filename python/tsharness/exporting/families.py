"""Input families: what else a model must be right on, made from its examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tsharness.cases.dims import Dynamic, Symbol
from tsharness.exporting.guard import SEED
from tsharness.exporting.inputs import Inputs

SIZES = "sizes"
"""The kind of those that are found by trying the model (free_dims.py)."""
_MADE = ("dims", "flags", "values", "layout")
KINDS = (SIZES, *_MADE)
"""The kinds of families, in the order in which they are made and, if bytes are short, kept."""

_LARGE = 1e3  # factor of "large": float16 still holds what comes of ordinary inputs
_SPARSE = 0.9  # share of zeros in "sparse"
_LOOKED_AT = 4096  # elements, to tell these apart
_CONTINUOUS = 16  # distinct values from which on numbers are taken for measurements, not for labels


@dataclass(frozen=True)
class Family:
    """One family: inputs for the calls of a case."""

    name: str
    kind: str
    calls: list[Inputs]


def families(name: str, calls: list[Inputs], arguments: Sequence[str], dynamic: Dynamic) -> Iterator[Family]:
    """Every family that applies to an example. Names are "zeros", "N=1"; those of an example that is not
    the first begin with its name: "encode/zeros"."""
    makers = (_dims, _flags, _values, _layout)
    prefix = "" if name == "example" else f"{name}/"
    for kind, make in zip(_MADE, makers, strict=True):
        for family, changed in make(_Example(calls, tuple(arguments), dynamic)):
            yield Family(prefix + family, kind, changed)


@dataclass(frozen=True)
class _Example:
    calls: list[Inputs]
    arguments: tuple[str, ...]
    dynamic: Dynamic

    def leaves(self) -> list[tuple[str, Any]]:
        return [leaf for call in self.calls for leaf in call.leaves(self.arguments)]

    def tensors(self) -> list[tuple[str, torch.Tensor]]:
        return [(name, leaf) for name, leaf in self.leaves() if isinstance(leaf, torch.Tensor)]

    def changed(self, change: Callable[[str, Any], Any]) -> list[Inputs]:
        return [call.replaced(change, self.arguments) for call in self.calls]

    def tensors_changed(self, change: Callable[[torch.Tensor], torch.Tensor]) -> list[Inputs]:
        return self.changed(lambda _, leaf: change(leaf) if _is_plain(leaf) else leaf)


def _is_plain(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.layout is torch.strided and not leaf.is_quantized


_Made = Iterator[tuple[str, list[Inputs]]]


# --- dims: each symbol at its smallest, around the example's size, and large ---


def _dims(example: _Example) -> _Made:
    for symbol, size in _symbols(example).items():
        for other in _sizes(symbol, size):
            yield f"{symbol.name}={other}", example.changed(_resizer(example.dynamic, symbol, other))


def _symbols(example: _Example) -> dict[Symbol, int]:
    """The example's size of each symbol, by the first tensor that has it."""
    found: dict[Symbol, int] = {}
    for name, tensor in example.tensors():
        for dim, symbol in example.dynamic.get(name, {}).items():
            found.setdefault(symbol, tensor.shape[dim])
    return found


def _sizes(symbol: Symbol, size: int) -> list[int]:
    smallest = symbol.min if symbol.min is not None else symbol.step
    largest = symbol.max if symbol.max is not None else 2 * size + symbol.step
    wanted = (smallest, max(1, smallest), size - symbol.step, size + symbol.step, largest)
    return [s for s in dict.fromkeys(wanted) if s != size and symbol.allows(s)]


def _resizer(dynamic: Dynamic, symbol: Symbol, size: int) -> Callable[[str, Any], Any]:
    def change(name: str, leaf: Any) -> Any:
        if isinstance(leaf, torch.Tensor):
            for dim, own in dynamic.get(name, {}).items():
                if own == symbol:
                    leaf = resized(leaf, dim, size)
        return leaf

    return change


def resized(tensor: torch.Tensor, dim: int, size: int) -> torch.Tensor:
    """Another size along one dim, with values of the example's own: they are repeated, and, where they
    are measurements rather than labels or masks, scaled a little, so that rows differ."""
    old = tensor.shape[dim]
    if old == 0:
        shape = [size if i == dim else extent for i, extent in enumerate(tensor.shape)]
        return tensor.new_zeros(shape)
    index = torch.arange(size, device=tensor.device) % old
    taken = tensor.index_select(dim, index)
    if (
        size > old
        and tensor.is_floating_point()
        and len(set(tensor.flatten()[:_LOOKED_AT].tolist())) > _CONTINUOUS
    ):
        factors = 0.75 + 0.5 * torch.rand(taken.shape, generator=torch.Generator().manual_seed(SEED))
        taken = taken * factors.to(taken)
    return taken


# --- flags: what is no measurement: bools both ways, ints at their edges ---


def _flags(example: _Example) -> _Made:
    for name, leaf in dict(example.leaves()).items():
        for other in _other_values(leaf):
            shown = other if not isinstance(other, torch.Tensor) else bool(other)
            yield f"{name}={shown}", example.changed(_setter(name, other))


def _setter(name: str, other: Any) -> Callable[[str, Any], Any]:
    return lambda own, leaf: other if own == name else leaf


def _other_values(leaf: Any) -> list[Any]:
    if isinstance(leaf, bool):
        return [not leaf]
    if isinstance(leaf, int):
        return [value for value in (0, 1, -1) if value != leaf]
    if isinstance(leaf, float):
        return [value for value in (0.0, 1.0, -1.0) if value != leaf]
    if isinstance(leaf, torch.Tensor) and leaf.dtype is torch.bool and leaf.dim() == 0:
        return [torch.logical_not(leaf)]
    return []


# --- values: all tensors at once; whole numbers stay within the example's range, or are 0 or 1 ---


def _values(example: _Example) -> _Made:
    if not any(tensor.numel() for _, tensor in example.tensors()):
        return
    changes: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "zeros": torch.zeros_like,
        "ones": torch.ones_like,
        "negative": lambda t: -t.abs() if _is_real(t) else t,
        "large": lambda t: t * _LARGE if _is_real(t) else _at_largest(t),
        "equal": _all_equal,
        "sparse": _mostly_zero,
    }
    for name, change in changes.items():
        yield name, example.tensors_changed(change)


def _is_real(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _at_largest(tensor: torch.Tensor) -> torch.Tensor:
    return (
        torch.full_like(tensor, tensor.max().item()) if tensor.numel() and not tensor.is_complex() else tensor
    )


def _all_equal(tensor: torch.Tensor) -> torch.Tensor:
    return torch.full_like(tensor, tensor.flatten()[0].item()) if tensor.numel() else tensor


def _mostly_zero(tensor: torch.Tensor) -> torch.Tensor:
    kept = torch.rand(tensor.shape, generator=torch.Generator().manual_seed(SEED)) > _SPARSE
    return (
        tensor * kept.to(tensor.device) if tensor.dtype is not torch.bool else tensor & kept.to(tensor.device)
    )


# --- layout: the same numbers, otherwise laid out in memory ---


def _layout(example: _Example) -> _Made:
    if any(tensor.dim() >= 2 and tensor.numel() > 1 for _, tensor in example.tensors()):
        yield "strided", example.tensors_changed(_strided)
    if any(tensor.dim() in (4, 5) for _, tensor in example.tensors()):
        yield "channels_last", example.tensors_changed(_channels_last)


def _strided(tensor: torch.Tensor) -> torch.Tensor:
    """Not contiguous: the last two dims are swapped in memory."""
    return tensor.transpose(-1, -2).contiguous().transpose(-1, -2) if tensor.dim() >= 2 else tensor


def _channels_last(tensor: torch.Tensor) -> torch.Tensor:
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    if tensor.dim() not in formats:
        return tensor
    return tensor.contiguous(memory_format=formats[tensor.dim()])
