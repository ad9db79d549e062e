"""Values of a case as C++ expressions; the bytes of tensors go into files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tsharness.cases.values import DTYPES, NamedTuple, Tensor, Value
from tsharness.errors import UsageError

_SCALAR_TYPES = {
    "uint8": "torch::kUInt8",
    "int8": "torch::kInt8",
    "int16": "torch::kInt16",
    "int32": "torch::kInt32",
    "int64": "torch::kInt64",
    "float16": "torch::kFloat16",
    "bfloat16": "torch::kBFloat16",
    "float32": "torch::kFloat32",
    "float64": "torch::kFloat64",
    "complex64": "torch::kComplexFloat",
    "complex128": "torch::kComplexDouble",
    "bool": "torch::kBool",
}
_LISTS = {int: "int64_t", float: "double", str: "std::string", bool: "bool", Tensor: "at::Tensor"}
_PLAIN = frozenset(range(0x20, 0x7F)) - set(b'"\\?')


@dataclass(frozen=True)
class Leaf:
    """A tensor among the outputs, by the name that reports give it."""

    name: str
    tensor: Tensor


class CppWriter:
    """Turns values into expressions, and keeps the bytes of their tensors under file names."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def expression(self, value: Value) -> str:
        """A c10::IValue. Raises UsageError for what has no plain expression in C++."""
        return f"c10::IValue({self._plain(value)})" if value is not None else "c10::IValue()"

    def tensor(self, value: Tensor) -> str:
        """An at::Tensor."""
        if value.dtype not in _SCALAR_TYPES:
            raise UsageError(f"a tensor of dtype {value.dtype} has no plain expression in C++")
        name = f"tensor-{len(self.files)}.bin"
        self.files[name] = value.data
        shape = "{" + ", ".join(map(str, value.shape)) + "}"
        count = len(value.data) // DTYPES[value.dtype].itemsize
        strides = "" if value.strides is None else "{" + ", ".join(map(str, value.strides)) + "}"
        layout = f", {strides}" if strides else ""
        return f'read_tensor("{name}", {_SCALAR_TYPES[value.dtype]}, {count}, {shape}{layout})'

    def _plain(self, value: Value) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return f"int64_t{{{value}}}" if value > -(2**63) else "int64_t{-9223372036854775807 - 1}"
        if isinstance(value, float):
            return number(value)
        if isinstance(value, str):
            return f"std::string({literal(value)})"
        if isinstance(value, Tensor):
            return self.tensor(value)
        if isinstance(value, (tuple, NamedTuple)):
            items = value.values if isinstance(value, NamedTuple) else value
            return f"c10::ivalue::Tuple::create({{{', '.join(map(self.expression, items))}}})"
        if isinstance(value, list) and value and type(value[0]) in _LISTS:
            return self._list(value, _LISTS[type(value[0])])
        if isinstance(value, dict) and all(
            isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items()
        ):
            named = [f"{{{literal(key)}, {self.tensor(item)}}}" for key, item in value.items()]
            return f"tensors_by_name({{{', '.join(named)}}})"
        raise UsageError(
            f"an input of type {type(value).__name__} has no plain expression in C++; repro takes tensors, "
            "numbers, strings, None, tuples, lists of one of these, and dicts of tensors by name"
        )

    def _list(self, value: list[Value], element: str) -> str:
        plain: Callable[[Value], str] = self.tensor if element == "at::Tensor" else self._plain
        return f"c10::List<{element}>({{{', '.join(map(plain, value))}}})"


def number(value: float) -> str:
    """A double."""
    if math.isfinite(value):
        return repr(float(value))
    return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"


def literal(text: str) -> str:
    """A string whose characters are those of the text and nothing else: every byte that C++ could read as
    something has the form of three octal digits, question marks too, which begin trigraphs."""
    data = text.encode("utf-8", "surrogatepass")
    inside = "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in data)
    return f'"{inside}"' if 0 not in data else f'std::string("{inside}", {len(data)})'


def tensor_leaves(value: Value, name: str = "output") -> Iterator[Leaf]:
    """The tensors of an output, in the order in which a walk through it meets them."""
    if isinstance(value, Tensor):
        yield Leaf(name, value)
    elif isinstance(value, NamedTuple):
        for field, item in zip(value.fields, value.values, strict=True):
            yield from tensor_leaves(item, _member(name, field))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from tensor_leaves(item, f"{name}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from tensor_leaves(item, _member(name, str(key)))


def _member(parent: str, member: str) -> str:
    return member if parent == "output" else f"{parent}.{member}"
