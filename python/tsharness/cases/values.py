"""The values of a case, as Python without torch sees them.

``None``, ``bool``, ``int``, ``float``, ``complex``, ``str``, ``list``, ``tuple`` and ``dict`` stand for
themselves; what torch adds has a class here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Value = Any
"""A tree of the values named above. Python's type system has no finite way to write it down."""


@dataclass(frozen=True)
class DTypeInfo:
    """A dtype as the case file stores it; the table in csrc/core/dtype.cpp has the same rows."""

    itemsize: int
    """Bytes of one element."""
    safetensors: str
    """The format's own dtype, or "" if it has none: stored as raw bytes, "U8"."""


DTYPES: dict[str, DTypeInfo] = {
    "uint8": DTypeInfo(1, "U8"),
    "int8": DTypeInfo(1, "I8"),
    "int16": DTypeInfo(2, "I16"),
    "int32": DTypeInfo(4, "I32"),
    "int64": DTypeInfo(8, "I64"),
    "float16": DTypeInfo(2, "F16"),
    "float32": DTypeInfo(4, "F32"),
    "float64": DTypeInfo(8, "F64"),
    "complex32": DTypeInfo(4, ""),
    "complex64": DTypeInfo(8, ""),
    "complex128": DTypeInfo(16, ""),
    "bool": DTypeInfo(1, "BOOL"),
    "qint8": DTypeInfo(1, ""),
    "quint8": DTypeInfo(1, ""),
    "qint32": DTypeInfo(4, ""),
    "bfloat16": DTypeInfo(2, "BF16"),
    "quint4x2": DTypeInfo(1, ""),
    "quint2x4": DTypeInfo(1, ""),
    "bits1x8": DTypeInfo(1, ""),
    "bits2x4": DTypeInfo(1, ""),
    "bits4x2": DTypeInfo(1, ""),
    "bits8": DTypeInfo(1, ""),
    "bits16": DTypeInfo(2, ""),
    "float8_e5m2": DTypeInfo(1, "F8_E5M2"),
    "float8_e4m3fn": DTypeInfo(1, "F8_E4M3"),
    "float8_e5m2fnuz": DTypeInfo(1, ""),
    "float8_e4m3fnuz": DTypeInfo(1, ""),
    "uint16": DTypeInfo(2, "U16"),
    "uint32": DTypeInfo(4, "U32"),
    "uint64": DTypeInfo(8, "U64"),
    **{f"uint{bits}": DTypeInfo(1, "") for bits in range(1, 8)},
    **{f"int{bits}": DTypeInfo(1, "") for bits in range(1, 8)},
    "float8_e8m0fnu": DTypeInfo(1, ""),
    "float4_e2m1fn_x2": DTypeInfo(1, ""),
}


def span(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Elements from the first to the last that shape and strides reach."""
    if 0 in shape:
        return 0
    return 1 + sum((extent - 1) * stride for extent, stride in zip(shape, strides, strict=True))


def quantized_bytes(dtype: str, elements: int) -> int:
    """Bytes of a contiguous quantized tensor: in the sub-byte types, two or four elements share one."""
    per_byte = {"quint4x2": 2, "quint2x4": 4}.get(dtype, 1)
    return -(-elements // per_byte) * DTYPES[dtype].itemsize


@dataclass(frozen=True)
class Tensor:
    """A strided tensor."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes
    """Little-endian elements: in logical order, or, with strides, as they lie in memory."""
    strides: tuple[int, ...] | None = None
    """In elements; ``None`` for a contiguous tensor."""
    device: str = "cpu"
    """Where it was when it was recorded; the data is here."""

    @property
    def numel(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class QuantizedTensor:
    """A quantized tensor by its parts: one scale for all, or one for each index along ``axis``."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes
    scale: float = 1.0
    zero_point: int = 0
    scales: Tensor | None = None
    zero_points: Tensor | None = None
    axis: int | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class SparseTensor:
    """A sparse tensor by its parts."""

    layout: str
    """"sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr" or "sparse_bsc"."""
    shape: tuple[int, ...]
    values: Tensor
    indices: Tensor | None = None
    coalesced: bool = False
    compressed_indices: Tensor | None = None
    plain_indices: Tensor | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Device:
    """A ``torch.device`` by its name."""

    name: str


@dataclass(frozen=True)
class DType:
    """A ``torch.dtype`` by its name."""

    name: str


@dataclass(frozen=True)
class NamedTuple:
    """A named tuple; its class lives in the model's code, so only its parts are kept."""

    name: str
    fields: tuple[str, ...]
    values: tuple[Value, ...]
