"""Inputs described on the command line: ``x=float32[N,3,224,224]``, ``sr:int=16000``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tsharness.cases.values import DTYPES
from tsharness.errors import UsageError

EXAMPLES = (
    "'x=float32[N,3,224,224]' (with --dim N=1,4), 'ids=int64[N,16]:0..1000', 'sr:int=16000', "
    "'images=[float32[3,64,64], float32[3,32,32]]'"
)

_TENSOR = re.compile(
    r"(?P<name>\w+)=(?P<dtype>\w+)\[(?P<dims>[^\]]*)\](:(?P<low>[^.]+(?:\.\d+)?)\.\.(?P<high>.+))?"
)
_LIST = re.compile(r"(?P<name>\w+)=\[(?P<items>.*)\]", re.DOTALL)
_ITEM = re.compile(r"\s*(\w+\[[^\]]*\](?::[^,\]]+)?)\s*(?:,|$)")
_SCALAR = re.compile(r"(?P<name>\w+):(?P<type>int|float|bool|str)=(?P<value>.*)", re.DOTALL)
_BOOLS = {"true": True, "false": False, "1": True, "0": False}


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
    value: int | float | bool | str


@dataclass(frozen=True)
class ListSpec:
    """A list of tensors."""

    name: str
    items: tuple[TensorSpec, ...]


Spec = TensorSpec | ScalarSpec | ListSpec


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
    if "items" in spec:
        return ListSpec(spec["name"], tuple(TensorSpec(**item) for item in spec["items"]))
    return ScalarSpec(**spec) if "value" in spec else TensorSpec(**spec)


def input_cases(
    inputs: Sequence[str], dims: Sequence[str], method: str | None = None
) -> tuple[InputCase, ...]:
    """Reads the options ``--input``, ``--dim`` and ``--method`` of one command. Raises UsageError."""
    if dims and not inputs:
        raise UsageError("--dim gives sizes to the dims of --input, but there is no --input")
    if not inputs:
        return ()
    cases = expand([parse_input(text) for text in inputs], dict(map(parse_dim, dims)))
    return tuple(replace(case, method=method or "forward") for case in cases)


def parse_input(text: str) -> Spec:
    """Reads one ``--input``. Raises UsageError with examples."""
    tensor, scalar = _TENSOR.fullmatch(text), _SCALAR.fullmatch(text)
    try:
        if tensor:
            return _tensor(tensor)
        if scalar:
            return ScalarSpec(scalar["name"], _scalar(scalar["type"], scalar["value"]))
        several = _LIST.fullmatch(text)
        if several:
            return ListSpec(several["name"], _items(several["items"]))
    except ValueError as error:
        raise UsageError(f"--input '{text}': {error}; for example {EXAMPLES}") from None
    raise UsageError(f"--input '{text}' is not understood; for example {EXAMPLES}")


def _tensor(match: re.Match[str]) -> TensorSpec:
    if match["dtype"] not in DTYPES:
        raise ValueError(f"unknown dtype '{match['dtype']}'")
    names = [part.strip() for part in match["dims"].split(",")] if match["dims"].strip() else []
    dims = tuple(int(dim) if dim.isdigit() else dim for dim in names)
    for dim in dims:
        if isinstance(dim, str) and not dim.isidentifier():
            raise ValueError(f"'{dim}' is neither a size nor a name")
    low = None if match["low"] is None else float(match["low"])
    high = None if match["high"] is None else float(match["high"])
    return TensorSpec(match["name"], match["dtype"], dims, low, high)


def _items(text: str) -> tuple[TensorSpec, ...]:
    """Tensors without names, one behind the other."""
    items = []
    while text.strip():
        item = _ITEM.match(text)
        tensor = item and _TENSOR.fullmatch(f"item={item[1]}")
        if not item or not tensor:
            raise ValueError(f"'{text.strip()}' is no list of tensors")
        items.append(_tensor(tensor))
        text = text[item.end() :]
    return tuple(items)


def _scalar(kind: str, text: str) -> int | float | bool | str:
    if kind == "bool":
        if text.lower() not in _BOOLS:
            raise ValueError(f"'{text}' is not true or false")
        return _BOOLS[text.lower()]
    if kind == "str":
        return text
    return int(text) if kind == "int" else float(text)


def parse_dim(text: str) -> tuple[str, tuple[int, ...]]:
    """Reads one ``--dim N=1,4``. Raises UsageError."""
    name, _, sizes = text.partition("=")
    if not name.isidentifier() or not re.fullmatch(r"\d+(,\d+)*", sizes):
        raise UsageError(f"--dim '{text}' is not understood; for example --dim N=1,4")
    return name, tuple(int(size) for size in sizes.split(","))


def expand(specs: Sequence[Spec], dims: Mapping[str, tuple[int, ...]]) -> tuple[InputCase, ...]:
    """A case for every combination of the dims' sizes. Raises UsageError for a dim without sizes,
    or one that no input has."""
    tensors = [tensor for spec in specs for tensor in tensors_of(spec)]
    used = list(dict.fromkeys(dim for t in tensors for dim in t.dims if isinstance(dim, str)))
    missing, unused = [d for d in used if d not in dims], [d for d in dims if d not in used]
    if missing:
        raise UsageError(f"no size for dim {', '.join(missing)}; add --dim {missing[0]}=1,4")
    if unused:
        raise UsageError(f"--dim {unused[0]}: no --input has a dim of that name")
    cases = []
    for sizes in itertools.product(*(dims[name] for name in used)):
        size = dict(zip(used, sizes, strict=True))
        name = ",".join(f"{key}={value}" for key, value in size.items()) or "input"
        cases.append(InputCase(name, tuple(_with_sizes(spec, size) for spec in specs)))
    return tuple(cases)


def tensors_of(spec: Spec) -> tuple[TensorSpec, ...]:
    """The tensors that a spec describes."""
    if isinstance(spec, ListSpec):
        return spec.items
    return (spec,) if isinstance(spec, TensorSpec) else ()


def _with_sizes(spec: Spec, size: Mapping[str, int]) -> Spec:
    if isinstance(spec, ListSpec):
        return replace(spec, items=tuple(_sized(item, size) for item in spec.items))
    return _sized(spec, size) if isinstance(spec, TensorSpec) else spec


def _sized(spec: TensorSpec, size: Mapping[str, int]) -> TensorSpec:
    dims = tuple(size[dim] if isinstance(dim, str) else dim for dim in spec.dims)
    return replace(spec, dims=dims)
