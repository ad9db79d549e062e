"""Value trees: values of a case as JSON nodes and tensors (docs/case-file.md)."""

from __future__ import annotations

import math
import struct
from typing import Any, NoReturn

from tsharness.cases.safetensors_file import SafetensorsReader, SafetensorsWriter
from tsharness.cases.values import (
    DTYPES,
    Device,
    DType,
    NamedTuple,
    QuantizedTensor,
    SparseTensor,
    Tensor,
    Value,
    span,
)
from tsharness.errors import CaseFileError, InputError

_SPARSE_PARTS = ("indices", "compressed_indices", "plain_indices")


def encode(value: Value, file: SafetensorsWriter) -> Any:
    """The node of a value; tensors are added to ``file``. Raises InputError for other types."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise InputError(f"int {value} does not fit into 64 bits")
        return value
    if isinstance(value, float):
        return {"float": _encode_float(value)}
    if isinstance(value, complex):
        return {"complex": [_encode_float(value.real), _encode_float(value.imag)]}
    if isinstance(value, list):
        return {"list": [encode(item, file) for item in value]}
    if isinstance(value, tuple):
        return {"tuple": [encode(item, file) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(k, file), encode(v, file)] for k, v in value.items()]}
    return _encode_torch_value(value, file)


def _encode_torch_value(value: Value, file: SafetensorsWriter) -> Any:
    if isinstance(value, Device):
        return {"device": value.name}
    if isinstance(value, DType):
        return {"dtype": value.name}
    if isinstance(value, NamedTuple):
        values = [encode(item, file) for item in value.values]
        return {"namedtuple": {"name": value.name, "fields": list(value.fields), "values": values}}
    if isinstance(value, Tensor):
        return _on_device(_encode_strided(value, file), value.device)
    if isinstance(value, QuantizedTensor):
        return _on_device({"quantized": _encode_quantized(value, file)}, value.device)
    if isinstance(value, SparseTensor):
        return _on_device({"sparse": _encode_sparse(value, file)}, value.device)
    raise InputError(
        f"a value of type {type(value).__name__} cannot be stored in a case; "
        "use tensors, numbers, strings, lists, tuples or dicts"
    )


def _on_device(node: dict[str, Any], device: str) -> dict[str, Any]:
    return node if device == "cpu" else {**node, "device": device}


def _encode_float(value: float) -> float | str:
    return value if math.isfinite(value) else struct.pack(">d", value).hex()


def _encode_strided(tensor: Tensor, file: SafetensorsWriter) -> dict[str, Any]:
    native = DTYPES[tensor.dtype].safetensors
    shape = tensor.shape if tensor.strides is None else (span(tensor.shape, tensor.strides),)
    name = file.add(native or "U8", shape if native else (len(tensor.data),), tensor.data)
    node = {"tensor": name, "dtype": tensor.dtype, "shape": list(tensor.shape)}
    return node if tensor.strides is None else {**node, "strides": list(tensor.strides)}


def _encode_quantized(tensor: QuantizedTensor, file: SafetensorsWriter) -> dict[str, Any]:
    raw = Tensor("uint8", (len(tensor.data),), tensor.data)
    parts = {"values": _encode_strided(raw, file), "dtype": tensor.dtype, "shape": list(tensor.shape)}
    if tensor.scales is None or tensor.zero_points is None:
        return {**parts, "scale": tensor.scale, "zero_point": tensor.zero_point}
    scales, zero_points = encode(tensor.scales, file), encode(tensor.zero_points, file)
    return {**parts, "scales": scales, "zero_points": zero_points, "axis": tensor.axis}


def _encode_sparse(tensor: SparseTensor, file: SafetensorsWriter) -> dict[str, Any]:
    parts: dict[str, Any] = {"layout": tensor.layout, "shape": list(tensor.shape)}
    for part in _SPARSE_PARTS:
        if getattr(tensor, part) is not None:
            parts[part] = encode(getattr(tensor, part), file)
    if tensor.layout == "sparse_coo":
        parts["coalesced"] = tensor.coalesced
    return {**parts, "values": encode(tensor.values, file)}


def decode(node: Any, file: SafetensorsReader) -> Value:
    """The value that a node describes. Raises CaseFileError for a malformed node."""
    if node is None or isinstance(node, (bool, str)):
        return node
    if isinstance(node, int):
        if not -(2**63) <= node < 2**63:
            _fail("an int in a value tree does not fit into 64 bits")
        return node
    if not isinstance(node, dict):
        _fail(f"unexpected {type(node).__name__} in a value tree")
    try:
        return _decode_object(node, file)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, struct.error) as error:
        raise CaseFileError(f"malformed node in a value tree ({error}): {str(node)[:80]}") from None


def _decode_object(node: dict[str, Any], file: SafetensorsReader) -> Value:
    device = node.get("device", "cpu")
    if "tensor" in node:
        return _decode_strided(node, file, device)
    if "quantized" in node:
        return _decode_quantized(node["quantized"], file, device)
    if "sparse" in node:
        return _decode_sparse(node["sparse"], file, device)
    if "list" in node:
        return [decode(item, file) for item in node["list"]]
    if "tuple" in node:
        return tuple(decode(item, file) for item in node["tuple"])
    if "namedtuple" in node:
        parts = node["namedtuple"]
        values = tuple(decode(item, file) for item in parts["values"])
        return NamedTuple(parts["name"], tuple(parts["fields"]), values)
    if "dict" in node:
        return {decode(key, file): decode(value, file) for key, value in node["dict"]}
    if "float" in node:
        return _decode_float(node["float"])
    if "complex" in node:
        real, imaginary = node["complex"]
        return complex(_decode_float(real), _decode_float(imaginary))
    if "device" in node:
        return Device(node["device"])
    if "dtype" in node:
        return DType(node["dtype"])
    raise CaseFileError(f"unknown node in a value tree: {str(node)[:80]}")


def _decode_float(node: float | str) -> float:
    if isinstance(node, str):
        (value,) = struct.unpack(">d", bytes.fromhex(node))
        return float(value)
    return float(node)


def _decode_strided(node: dict[str, Any], file: SafetensorsReader, device: str) -> Tensor:
    dtype, shape, name = node["dtype"], tuple(node["shape"]), node["tensor"]
    if dtype not in DTYPES:
        _fail(f"unknown dtype '{dtype}'")
    strides = tuple(node["strides"]) if "strides" in node else None
    if any(type(n) is not int or n < 0 for n in (*shape, *(strides or ()))):
        _fail(f"tensor '{name}': shape and strides must hold non-negative integers")
    info, entry = DTYPES[dtype], file.entries.get(name)
    stored = info.safetensors or "U8"
    if entry is None or entry.dtype != stored:
        _fail(f"tensor '{name}' is {dtype}, but has no entry of dtype {stored}")
    elements = math.prod(shape) if strides is None else span(shape, strides)
    if elements * info.itemsize != entry.end - entry.begin:
        needed, has = elements * info.itemsize, entry.end - entry.begin
        _fail(f"tensor '{name}' needs {needed} bytes, its entry has {has}")
    return Tensor(dtype, shape, file.read(name), strides, device)


def _decode_quantized(parts: dict[str, Any], file: SafetensorsReader, device: str) -> QuantizedTensor:
    data = _decode_strided(parts["values"], file, "cpu").data
    dtype, shape = parts["dtype"], tuple(parts["shape"])
    if "axis" not in parts:
        scale, zero_point = parts["scale"], parts["zero_point"]
        return QuantizedTensor(dtype, shape, data, scale, zero_point, device=device)
    scales, zero_points = decode(parts["scales"], file), decode(parts["zero_points"], file)
    return QuantizedTensor(dtype, shape, data, 1.0, 0, scales, zero_points, parts["axis"], device=device)


def _decode_sparse(parts: dict[str, Any], file: SafetensorsReader, device: str) -> SparseTensor:
    found = {part: decode(parts[part], file) for part in _SPARSE_PARTS if part in parts}
    return SparseTensor(
        parts["layout"],
        tuple(parts["shape"]),
        decode(parts["values"], file),
        coalesced=parts.get("coalesced", False),
        device=device,
        **found,
    )


def _fail(what: str) -> NoReturn:
    raise CaseFileError(what)
