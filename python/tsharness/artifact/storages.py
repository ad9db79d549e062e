"""The tensors that a pickle of torch's describes, and the storages that they lie in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tsharness.artifact.pickles import Call, Global, Persistent, Pickle

DTYPES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "uint8",
}
"""By the name of the storage's class."""
ITEM_SIZES = {
    **dict.fromkeys(("uint8", "int8", "bool", "qint8", "quint8", "quint4x2", "quint2x4"), 1),
    **dict.fromkeys(("float16", "bfloat16", "int16"), 2),
    **dict.fromkeys(("float32", "int32", "qint32"), 4),
    **dict.fromkeys(("float64", "int64", "complex64"), 8),
    "complex128": 16,
}
"""Bytes of one element."""


@dataclass(frozen=True)
class Storage:
    """A record of weights, as the pickle declares it."""

    key: str
    """Name of the record, below ``data/`` or ``constants/``."""
    dtype: str
    device: str
    """Where it was when it was saved: "cpu", "cuda:0"."""
    numel: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.numel * ITEM_SIZES[self.dtype]


@dataclass(frozen=True)
class TensorRecord:
    """A tensor, as the pickle declares it."""

    storage: Storage
    dims: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    """Of its first element, in elements."""

    @property
    def numel(self) -> int:
        count = 1
        for dim in self.dims:
            count *= dim
        return count

    @property
    def end(self) -> int:
        """One behind the last element of the storage that it reads; 0 if it has no element."""
        if self.numel == 0:
            return 0
        return (
            self.offset + 1 + sum((dim - 1) * step for dim, step in zip(self.dims, self.strides, strict=True))
        )


def storage_of(persistent: Persistent) -> Storage | None:
    """``None`` for an id that is not torch's."""
    match persistent.id:
        case ("storage", Global(name=name), str(key), str(device), int(numel), *_) if name in DTYPES:
            return Storage(key, DTYPES[name], device, numel)
    return None


def storages(pickle: Pickle) -> Iterator[Storage]:
    """Every storage, as often as it is named."""
    return filter(None, map(storage_of, pickle.persistents))


def tensor_of(value: Any) -> TensorRecord | None:
    """The tensor that a call would rebuild, ``None`` if it would make something else."""
    if not isinstance(value, Call) or not isinstance(value.function, Global):
        return None
    name = value.function.name
    if name in ("_rebuild_parameter", "restore_type_tag"):
        return tensor_of(value.arguments[0])
    if name not in ("_rebuild_tensor_v2", "_rebuild_tensor", "_rebuild_qtensor"):
        return None
    match value.arguments:
        case (Persistent() as found, int(offset), tuple(dims), tuple(strides), *_):
            storage = storage_of(found)
            numbers = (*dims, *strides)
            if storage is None or not all(isinstance(number, int) for number in numbers):
                return None
            return TensorRecord(storage, dims, strides, offset) if len(dims) == len(strides) else None
    return None
