"""Inputs that are described, not stored: what to fill with random numbers, and plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class TensorSpec:
    """A tensor to be filled with random numbers."""

    name: str
    dtype: str
    dims: tuple[int | str, ...]
    """Sizes, or names of dims that ``--dim`` gives sizes to."""
    low: float | None = None
    """Lowest value; without a range: standard normal, integers 0 or 1."""
    high: float | None = None
    """Highest value (for integers inclusive)."""


@dataclass(frozen=True)
class ScalarSpec:
    """A Python value."""

    name: str
    value: int | float | bool | str | None


@dataclass(frozen=True)
class ListSpec:
    """A list; the names of its items say nothing."""

    name: str
    items: tuple[Spec, ...]


@dataclass(frozen=True)
class TupleSpec:
    """A tuple; the names of its elements say nothing."""

    name: str
    elements: tuple[Spec, ...]


@dataclass(frozen=True)
class DictSpec:
    """A dict whose keys are strings: the names of its entries."""

    name: str
    entries: tuple[Spec, ...]


Spec = TensorSpec | ScalarSpec | ListSpec | TupleSpec | DictSpec


@dataclass(frozen=True)
class InputCase:
    """Inputs for one case: every dim has its size."""

    name: str
    inputs: tuple[Spec, ...]
    method: str = "forward"

    def to_dict(self) -> dict[str, Any]:
        inputs = [asdict(spec) for spec in self.inputs]
        return {"name": self.name, "method": self.method, "inputs": inputs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> InputCase:
        return cls(data["name"], tuple(map(_from_dict, data["inputs"])), data.get("method", "forward"))


def _from_dict(spec: Mapping[str, Any]) -> Spec:
    name = spec["name"]
    if "items" in spec:
        return ListSpec(name, tuple(map(_from_dict, spec["items"])))
    if "elements" in spec:
        return TupleSpec(name, tuple(map(_from_dict, spec["elements"])))
    if "entries" in spec:
        return DictSpec(name, tuple(map(_from_dict, spec["entries"])))
    if "value" in spec:
        return ScalarSpec(name, spec["value"])
    return TensorSpec(name, spec["dtype"], tuple(spec["dims"]), spec["low"], spec["high"])


def parts_of(spec: Spec) -> tuple[Spec, ...]:
    """What a container holds; nothing of a leaf."""
    if isinstance(spec, ListSpec):
        return spec.items
    if isinstance(spec, TupleSpec):
        return spec.elements
    return spec.entries if isinstance(spec, DictSpec) else ()


def with_parts(spec: Spec, parts: tuple[Spec, ...]) -> Spec:
    """The same container with other things in it."""
    if isinstance(spec, ListSpec):
        return replace(spec, items=parts)
    if isinstance(spec, TupleSpec):
        return replace(spec, elements=parts)
    return replace(spec, entries=parts) if isinstance(spec, DictSpec) else spec


def tensors_of(spec: Spec) -> tuple[TensorSpec, ...]:
    """The tensors that a spec describes, in the order in which they stand."""
    if isinstance(spec, TensorSpec):
        return (spec,)
    return tuple(tensor for part in parts_of(spec) for tensor in tensors_of(part))


def map_leaves(spec: Spec, change: Callable[[Spec], Spec]) -> Spec:
    """The spec with another leaf in the place of each."""
    if isinstance(spec, (TensorSpec, ScalarSpec)):
        return change(spec)
    return with_parts(spec, tuple(map_leaves(part, change) for part in parts_of(spec)))


def in_words(spec: Spec) -> str:
    """As ``--input`` takes it."""
    if isinstance(spec, ScalarSpec) and spec.value is not None:
        return f"{spec.name}:{type(spec.value).__name__}={spec.value}"
    return f"{spec.name}={_value_in_words(spec)}"


def _value_in_words(spec: Spec) -> str:
    if isinstance(spec, TensorSpec):
        span = "" if spec.low is None or spec.high is None else f":{spec.low:g}..{spec.high:g}"
        return f"{spec.dtype}[{','.join(map(str, spec.dims))}]{span}"
    if isinstance(spec, ScalarSpec):
        return repr(spec.value)
    if isinstance(spec, DictSpec):
        return "{" + ", ".join(f"{part.name}: {_value_in_words(part)}" for part in spec.entries) + "}"
    inner = ", ".join(map(_value_in_words, parts_of(spec)))
    return f"[{inner}]" if isinstance(spec, ListSpec) else f"({inner})"
