"""torch's values as values of a case."""

from __future__ import annotations

import collections
import ctypes
from collections.abc import Mapping
from typing import Any

import torch

from tsharness.cases.case_file import Call
from tsharness.cases.values import (
    DTYPES,
    Device,
    DType,
    NamedTuple,
    QuantizedTensor,
    SparseTensor,
    Tensor,
    Value,
    quantized_bytes,
    span,
)
from tsharness.errors import InputError
from tsharness.exporting.inputs import Inputs

_SPARSE = {
    torch.sparse_coo: "sparse_coo",
    torch.sparse_csr: "sparse_csr",
    torch.sparse_csc: "sparse_csc",
    torch.sparse_bsr: "sparse_bsr",
    torch.sparse_bsc: "sparse_bsc",
}


def to_value(value: Any) -> Value:
    """A copy of ``value`` that needs no torch. Raises InputError for a type that no case can hold."""
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return value
    if isinstance(value, torch.Tensor):
        return _tensor(value.detach())
    if isinstance(value, torch.dtype):
        return DType(_dtype_name(value))
    if isinstance(value, torch.device):
        return Device(str(value))
    if isinstance(value, list):
        return [to_value(item) for item in value]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        items = tuple(to_value(item) for item in value)
        return NamedTuple(type(value).__name__, tuple(value._fields), items)
    if isinstance(value, tuple):
        return tuple(to_value(item) for item in value)
    if isinstance(value, Mapping):
        return {to_value(key): to_value(item) for key, item in value.items()}
    raise InputError(
        f"a value of type {type(value).__name__} cannot be stored in a case; "
        "use tensors, numbers, strings, lists, tuples or dicts"
    )


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _tensor(tensor: torch.Tensor) -> Value:
    device = str(tensor.device)
    tensor = tensor.cpu()
    if tensor.layout in _SPARSE:
        return _sparse(tensor, device)
    if tensor.layout != torch.strided:
        raise InputError(f"tensors of layout {tensor.layout} cannot be stored in a case")
    if tensor.is_quantized:
        return _quantized(tensor, device)
    return _strided(tensor.resolve_conj().resolve_neg(), device)


def _raw(tensor: torch.Tensor, elements: int) -> bytes:
    # Not through numpy: it lacks half of torch's dtypes, and torch does not require it.
    return ctypes.string_at(tensor.data_ptr(), elements * tensor.element_size()) if elements else b""


def _strided(tensor: torch.Tensor, device: str = "cpu") -> Tensor:
    name, shape = _dtype_name(tensor.dtype), tuple(tensor.shape)
    if tensor.is_contiguous():
        return Tensor(name, shape, _raw(tensor, tensor.numel()), device=device)
    strides = tuple(tensor.stride())
    elements = span(shape, strides)
    return Tensor(name, shape, _raw(_without_gaps(tensor, elements), elements), strides, device)


def _without_gaps(tensor: torch.Tensor, elements: int) -> torch.Tensor:
    """The same view on memory of its own: bytes between its elements are not ours to store."""
    memory = torch.zeros(elements, dtype=tensor.dtype)
    try:
        memory.as_strided(tensor.shape, tensor.stride()).copy_(tensor)
    except RuntimeError:
        return tensor  # elements share memory (an expanded tensor): then there are no gaps to speak of
    return memory


def _quantized(tensor: torch.Tensor, device: str) -> QuantizedTensor:
    tensor = tensor.contiguous()
    name, shape = _dtype_name(tensor.dtype), tuple(tensor.shape)
    data = ctypes.string_at(tensor.data_ptr(), quantized_bytes(name, tensor.numel()))
    if tensor.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        scale, zero_point = tensor.q_scale(), tensor.q_zero_point()
        return QuantizedTensor(name, shape, data, scale, zero_point, device=device)
    return QuantizedTensor(
        name,
        shape,
        data,
        scales=_strided(tensor.q_per_channel_scales()),
        zero_points=_strided(tensor.q_per_channel_zero_points()),
        axis=tensor.q_per_channel_axis(),
        device=device,
    )


def _sparse(tensor: torch.Tensor, device: str) -> SparseTensor:
    layout, shape = _SPARSE[tensor.layout], tuple(tensor.shape)
    if tensor.layout == torch.sparse_coo:
        values, indices = _strided(tensor._values()), _strided(tensor._indices())
        return SparseTensor(layout, shape, values, indices, tensor.is_coalesced(), device=device)
    columns = tensor.layout in (torch.sparse_csc, torch.sparse_bsc)
    compressed = tensor.ccol_indices() if columns else tensor.crow_indices()
    plain = tensor.row_indices() if columns else tensor.col_indices()
    return SparseTensor(
        layout,
        shape,
        _strided(tensor.values()),
        compressed_indices=_strided(compressed),
        plain_indices=_strided(plain),
        device=device,
    )


def from_value(value: Value) -> Any:
    """torch's own of what ``to_value`` gave. Raises InputError for quantized and sparse tensors."""
    if isinstance(value, Tensor):
        return _from_tensor(value)
    if isinstance(value, NamedTuple):
        return collections.namedtuple(value.name, value.fields)(*map(from_value, value.values))
    if isinstance(value, (list, tuple)):
        return type(value)(from_value(item) for item in value)
    if isinstance(value, dict):
        return {from_value(key): from_value(item) for key, item in value.items()}
    if isinstance(value, Device):
        return torch.device(value.name)
    if isinstance(value, DType):
        return getattr(torch, value.name)
    if isinstance(value, (QuantizedTensor, SparseTensor)):
        raise InputError(f"a {type(value).__name__} of a case cannot be given to another reference")
    return value


def inputs_of_call(call: Call) -> Inputs:
    """The arguments of a recorded call. Raises as ``from_value``."""
    args, kwargs = map(from_value, call.args), {name: from_value(v) for name, v in call.kwargs.items()}
    return Inputs(*args, method=call.method, **kwargs)


def _from_tensor(value: Tensor) -> torch.Tensor:
    dtype = getattr(torch, value.dtype)
    elements = len(value.data) // DTYPES[value.dtype].itemsize
    flat = torch.frombuffer(bytearray(value.data), dtype=dtype) if elements else torch.empty(0, dtype=dtype)
    if value.strides is None:
        return flat.view(value.shape)
    return flat.as_strided(value.shape, value.strides)
