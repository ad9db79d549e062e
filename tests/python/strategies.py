"""Random values of cases, for hypothesis."""

from __future__ import annotations

import math
import string
import struct

from hypothesis import strategies as st

from tsharness.cases import (
    DTYPES,
    Device,
    DType,
    NamedTuple,
    QuantizedTensor,
    SparseTensor,
    Tensor,
)
from tsharness.cases.values import quantized_bytes, span

QUANTIZED = ("qint8", "quint8", "qint32", "quint4x2", "quint2x4")
PLAIN = tuple(name for name in DTYPES if name not in QUANTIZED)
NAMES = st.text(string.ascii_letters, min_size=1, max_size=6)

shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)
floats = (
    st.floats(width=64)
    | st.just(-0.0)
    | st.integers(0, 2**52 - 1).map(
        lambda payload: struct.unpack(">d", struct.pack(">Q", 0xFFF << 52 | payload))[0]
    )
)
integers = st.integers(-(2**63), 2**63 - 1)
scalars = (
    st.none()
    | st.booleans()
    | integers
    | floats
    | st.complex_numbers()
    | st.text(max_size=8)
    | st.sampled_from(["cpu", "cuda:0", "cuda:7", "meta"]).map(Device)
)


def _bytes(draw: st.DrawFn, dtype: str, elements: int) -> bytes:
    size = elements * DTYPES[dtype].itemsize
    if dtype == "bool":
        return bytes(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)))
    return draw(st.binary(min_size=size, max_size=size))


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides = [1] * len(shape)
    for i in range(len(shape) - 1, 0, -1):
        strides[i - 1] = strides[i] * max(shape[i], 1)
    return tuple(strides)


def is_contiguous(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """As torch decides it: strides of dims of size one do not matter."""
    if 0 in shape:
        return True
    expected = 1
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent != 1 and stride != expected:
            return False
        expected *= extent
    return True


@st.composite
def strided_tensors(draw: st.DrawFn, dtypes: tuple[str, ...] = PLAIN) -> Tensor:
    dtype, shape = draw(st.sampled_from(dtypes)), draw(shapes)
    if draw(st.booleans()):
        return Tensor(dtype, shape, _bytes(draw, dtype, math.prod(shape)))
    order = draw(st.permutations(range(len(shape))))
    strides, step = [0] * len(shape), draw(st.integers(1, 2))
    for dim in order:
        strides[dim] = 0 if draw(st.integers(0, 9)) == 0 else step
        step *= max(shape[dim], 1) + draw(st.integers(0, 1))
    if is_contiguous(shape, tuple(strides)):
        return Tensor(dtype, shape, _bytes(draw, dtype, math.prod(shape)))
    return _without_gaps(dtype, shape, tuple(strides), _bytes(draw, dtype, span(shape, tuple(strides))))


def _without_gaps(dtype: str, shape: tuple[int, ...], strides: tuple[int, ...], data: bytes) -> Tensor:
    """Bytes that belong to no element are zero, as both writers leave them."""
    size = DTYPES[dtype].itemsize
    reached = {0}
    for extent, stride in zip(shape, strides, strict=True):
        reached = {at + i * stride for at in reached for i in range(extent)}
    kept = bytearray(len(data))
    for at in reached:
        kept[at * size : (at + 1) * size] = data[at * size : (at + 1) * size]
    return Tensor(dtype, shape, bytes(kept), strides)


@st.composite
def quantized_tensors(draw: st.DrawFn) -> QuantizedTensor:
    dtype, shape = draw(st.sampled_from(QUANTIZED)), draw(shapes)
    size = quantized_bytes(dtype, math.prod(shape))
    data = draw(st.binary(min_size=size, max_size=size))
    if not shape or draw(st.booleans()):
        scale = draw(st.floats(1e-6, 1e6))
        return QuantizedTensor(dtype, shape, data, scale, draw(st.integers(-128, 127)))
    axis = draw(st.integers(0, len(shape) - 1))
    count = shape[axis]
    scales = draw(st.lists(st.floats(1e-6, 1e6), min_size=count, max_size=count))
    zeros = draw(st.lists(st.integers(-128, 127), min_size=count, max_size=count))
    return QuantizedTensor(
        dtype,
        shape,
        data,
        scales=Tensor("float64", (count,), struct.pack(f"<{count}d", *scales)),
        zero_points=Tensor("int64", (count,), struct.pack(f"<{count}q", *zeros)),
        axis=axis,
    )


def _indices(rows: list[list[int]], count: int) -> Tensor:
    flat = [index for row in rows for index in row]
    return Tensor("int64", (len(rows), count), struct.pack(f"<{len(flat)}q", *flat))


@st.composite
def sparse_tensors(draw: st.DrawFn) -> SparseTensor:
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    cells = [(r, c) for r in range(rows) for c in range(columns)]
    chosen = sorted(draw(st.sets(st.sampled_from(cells))))
    count = len(chosen)
    values = Tensor("float32", (count,), _bytes(draw, "float32", count))
    if draw(st.booleans()):
        indices = _indices([[r for r, _ in chosen], [c for _, c in chosen]], count)
        return SparseTensor("sparse_coo", (rows, columns), values, indices, draw(st.booleans()))
    by_column = draw(st.booleans())
    if by_column:
        chosen = sorted(chosen, key=lambda cell: (cell[1], cell[0]))
    major, minor = (1, 0) if by_column else (0, 1)
    extent = columns if by_column else rows
    starts = [sum(cell[major] < i for cell in chosen) for i in range(extent + 1)]
    return SparseTensor(
        "sparse_csc" if by_column else "sparse_csr",
        (rows, columns),
        values,
        compressed_indices=Tensor("int64", (len(starts),), struct.pack(f"<{len(starts)}q", *starts)),
        plain_indices=Tensor("int64", (count,), struct.pack(f"<{count}q", *(c[minor] for c in chosen))),
    )


tensors = strided_tensors() | quantized_tensors() | sparse_tensors()
dtypes = st.sampled_from(sorted(DTYPES)).map(DType)
keys = (
    st.lists(st.text(max_size=4), unique=True, max_size=3)
    | st.lists(integers, unique=True, max_size=3)
    | st.lists(st.floats(allow_nan=False), unique=True, max_size=3)
    | st.lists(st.booleans(), unique=True, max_size=2)
    | st.lists(strided_tensors(("float32", "int64")), unique=True, max_size=2)
)


def _containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    several = st.lists(inner, max_size=3)
    named = st.lists(NAMES, unique=True, min_size=1, max_size=3).flatmap(
        lambda fields: st.builds(
            NamedTuple,
            NAMES,
            st.just(tuple(fields)),
            st.lists(inner, min_size=len(fields), max_size=len(fields)).map(tuple),
        )
    )
    dicts = keys.flatmap(
        lambda names: st.lists(inner, min_size=len(names), max_size=len(names)).map(
            lambda items: dict(zip(names, items, strict=True))
        )
    )
    return several | several.map(tuple) | named | dicts


def values(leaves: st.SearchStrategy[object] = scalars | tensors) -> st.SearchStrategy[object]:
    return st.recursive(leaves, _containers, max_leaves=12)
