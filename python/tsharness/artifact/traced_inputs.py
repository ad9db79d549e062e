"""The example inputs' shapes and dtypes that ``torch.jit.trace`` leaves in an archive, without their data.

They are pickled; here the opcodes are read one by one and nothing is ever called or imported."""

from __future__ import annotations

import pickletools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsharness.artifact.archive import open_archive, record_name

_RECORD = "traced_inputs.pkl"
_MOST_OPCODES = 100_000  # a thousand tensors have some twenty thousand
_DTYPES = {
    "Float": "float32",
    "Double": "float64",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Byte": "uint8",
    "Char": "int8",
    "Short": "int16",
    "Int": "int32",
    "Long": "int64",
    "Bool": "bool",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
}


@dataclass(frozen=True)
class TracedTensor:
    """A tensor of the example, without its values."""

    dtype: str
    dims: tuple[int, ...]


def traced_inputs(path: Path) -> Mapping[str, list[Any]]:
    """By method, the arguments: ``TracedTensor``s, numbers, and lists and dicts of these. Empty if the
    archive keeps none, or what is not understood. Raises ArtifactError for a file that cannot be read."""
    archive = open_archive(path)
    if archive is None:
        return {}
    with archive:
        for info in archive.infolist():
            if record_name(info) == _RECORD:
                try:
                    found = _Machine().run(archive.read(info))
                except (ValueError, IndexError, KeyError, TypeError, StopIteration, RuntimeError):
                    return {}  # of another torch, or damaged: the check "integrity" says so
                return found if isinstance(found, dict) else {}
    return {}


class _Machine:
    """As much of pickle's stack machine as these records use."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if opcode.name == "STOP":
                return self._stack.pop()
            if count > _MOST_OPCODES:
                raise ValueError("too long")
            self._step(opcode.name, argument)
        raise ValueError("no end")

    def _step(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in ("PROTO", "FRAME"):
            return
        if name == "GLOBAL":
            stack.append(_Global(argument))
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self._memo[argument])
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            size = int(name[-1])
            stack[-size:] = [tuple(stack[-size:])]
        elif name == "TUPLE":
            stack.append(tuple(self._to_mark()))
        elif name == "APPENDS":
            items = self._to_mark()
            stack[-1].extend(items)
        elif name == "APPEND":
            item = stack.pop()
            stack[-1].append(item)
        elif name == "SETITEMS":
            items = self._to_mark()
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            stack[-1][key] = value
        elif name == "BINPERSID":
            stack.append(_Storage(stack.pop()))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(_reduced(function, arguments))
        elif argument is not None:
            stack.append(argument)
        else:
            raise ValueError(name)

    def _to_mark(self) -> list[Any]:
        at = len(self._stack) - 1 - self._stack[::-1].index(_MARK)
        items = self._stack[at + 1 :]
        del self._stack[at:]
        return items


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Storage:
    facts: tuple[Any, ...]


_MARK = object()
_CONSTANTS: dict[str, Any] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
}


def _reduced(function: Any, arguments: tuple[Any, ...]) -> Any:
    """What a call would have given, for the three that occur."""
    name = function.name.rpartition(" ")[2] if isinstance(function, _Global) else ""
    if name == "_rebuild_tensor_v2":
        storage, _, dims = arguments[:3]
        dtype = storage.facts[1].name.rpartition(" ")[2].removesuffix("Storage")
        return TracedTensor(_DTYPES[dtype], tuple(int(dim) for dim in dims))
    if name == "restore_type_tag":
        return arguments[0]
    if name == "OrderedDict":
        return {}
    raise ValueError(name)
