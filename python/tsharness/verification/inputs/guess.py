"""First proposals for a method's arguments: from its signature, its parameters and its code, or from the
shapes that a trace has kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tsharness.artifact.traced_inputs import TracedTensor
from tsharness.cases.specs import (
    DictSpec,
    InputCase,
    ListSpec,
    ScalarSpec,
    Spec,
    TensorSpec,
    TupleSpec,
    map_leaves,
)
from tsharness.verification.inputs.facts import Argument, Method
from tsharness.verification.inputs.shapes import value_range
from tsharness.verification.inputs.slots import Slot, aligned, forms

_MOST = 96
"""First proposals at most."""
_MOST_COMBINATIONS = 2_000


def proposals(method: Method) -> list[InputCase]:
    """Inputs for a method, the likeliest first, from what its first operators ask for. Empty where nothing
    can be made of an argument's type."""
    slots: list[Slot] = []
    structures = [forms(argument, slots) for argument in method.needed]
    axes = [*structures, *aligned(slots, method.sizes)]
    ranked = itertools.islice(_by_rank([len(axis) for axis in axes]), _MOST_COMBINATIONS)
    inputs = dict.fromkeys(_picked(axes, ranks, len(structures)) for ranks in ranked)
    chosen = itertools.islice(inputs, _MOST)
    return [InputCase(str(number), specs, method.name) for number, specs in enumerate(chosen)]


def untellable(method: Method) -> list[Argument]:
    """Arguments for which nothing can be made: they need ``--input`` or cases."""
    return [argument for argument in method.needed if not forms(argument, [])]


def _by_rank(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """A place along each axis, those first in which each is the likeliest: by the sum of the places."""
    for total in range(sum(lengths) - len(lengths) + 1):
        yield from _of_sum(lengths, total)


def _of_sum(lengths: Sequence[int], total: int) -> Iterator[tuple[int, ...]]:
    if not lengths:
        if total == 0:
            yield ()
        return
    for first in range(min(total, lengths[0] - 1) + 1):
        for rest in _of_sum(lengths[1:], total - first):
            yield (first, *rest)


def _picked(axes: Sequence[Sequence[Spec]], ranks: Sequence[int], forms_count: int) -> tuple[Spec, ...]:
    specs = [axis[rank] for axis, rank in zip(axes, ranks, strict=True)]
    in_slots = specs[forms_count:]
    return tuple(map_leaves(form, lambda leaf: _filled(leaf, in_slots)) for form in specs[:forms_count])


def _filled(leaf: Spec, picked: Sequence[Spec]) -> Spec:
    """What was picked for the slot whose number a leaf holds; ``None`` stays what it is."""
    if not isinstance(leaf, ScalarSpec) or not isinstance(leaf.value, int):
        return leaf
    return replace(picked[leaf.value], name=leaf.name)


def as_traced(method: Method, traced: Sequence[Any]) -> list[InputCase]:
    """With the shapes that the trace has kept; nothing if it has not kept all that is needed."""
    if not len(traced) >= len(method.needed) > 0:
        return []
    pairs = zip(method.arguments, traced, strict=False)
    specs = [_as_traced(argument, argument.name, value) for argument, value in pairs]
    known = tuple(spec for spec in specs if spec is not None)
    return [InputCase("0", known, method.name)] if len(known) == len(specs) else []


def _as_traced(argument: Argument, name: str, value: Any) -> Spec | None:
    """``None`` for what is no value of an argument."""
    if isinstance(value, TracedTensor):
        return TensorSpec(name, value.dtype, value.dims, *value_range(name, argument.hints, value.dtype))
    if value is None or isinstance(value, (bool, int, float, str)):
        return ScalarSpec(name, value)
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        parts = _parts(argument, value.items())
        return None if parts is None else DictSpec(name, parts)
    if isinstance(value, (list, tuple)):
        parts = _parts(argument, enumerate(value))
        if parts is None:
            return None
        return ListSpec(name, parts) if isinstance(value, list) else TupleSpec(name, parts)
    return None


def _parts(argument: Argument, values: Any) -> tuple[Spec, ...] | None:
    known = {part.key: part for part in argument.parts}
    found = []
    for key, value in _pairs(values):
        part = known.get(key) or known.get(None)
        inside = replace(argument, hints=part.hints if part else (), parts=part.parts if part else ())
        found.append(_as_traced(inside, key if isinstance(key, str) else "item", value))
    kept = tuple(spec for spec in found if spec is not None)
    return kept if len(kept) == len(found) else None


def _pairs(values: Any) -> Iterator[tuple[str | int, Any]]:
    yield from values
