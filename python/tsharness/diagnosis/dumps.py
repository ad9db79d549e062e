"""Tensors as people dump them from their own programs: .npy, .pt, .safetensors, raw bytes."""

from __future__ import annotations

import ast
import re
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch

from tsharness.errors import UsageError
from tsharness.exporting import torch_jit
from tsharness.exporting.tensor_files import load_tensors

NPY_MAGIC = b"\x93NUMPY"
_NPY_DTYPES = {
    "f2": torch.float16,
    "f4": torch.float32,
    "f8": torch.float64,
    "i1": torch.int8,
    "i2": torch.int16,
    "i4": torch.int32,
    "i8": torch.int64,
    "u1": torch.uint8,
    "b1": torch.bool,
}
_RAW_DTYPES = (torch.float32, torch.uint8, torch.float16, torch.float64, torch.int32, torch.int64)


@dataclass(frozen=True)
class Dump:
    """A tensor from a file, with what its bytes alone say."""

    tensor: torch.Tensor
    notes: tuple[str, ...] = ()
    """What had to be assumed, in words."""


def read_dump(path: Path, like: torch.Tensor) -> Dump:
    """Reads a dumped tensor; raw bytes are taken for the dtype of ``like`` if there are as many.

    Raises UsageError if the file is not understood."""
    if not path.is_file():
        raise UsageError(f"{path} does not exist; give a .npy, .pt, .safetensors or .bin file of one tensor")
    if path.suffix == ".npy":
        return Dump(_npy(path.read_bytes(), path))
    if path.suffix in (".pt", ".pth", ".safetensors"):
        return Dump(_single(_loaded(path), path))
    return _raw(path.read_bytes(), path, like)


def _loaded(path: Path) -> object:
    if path.suffix == ".safetensors":
        return load_tensors(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of C++'s archives, which the next line reads
            return load_tensors(path)
    except RuntimeError:
        # torch::save in C++ writes an archive with the tensors as attributes or parameters.
        module = torch_jit.load(path)
        return tuple(dict([*module.named_parameters(), *module.named_buffers()]).values())
    except Exception as error:
        raise UsageError(f"{path}: torch.load cannot read it ({error})") from None


def _single(value: object, path: Path) -> torch.Tensor:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if not isinstance(value, torch.Tensor):
        raise UsageError(f"{path}: expected one tensor, got a {type(value).__name__}")
    return value.detach().cpu()


def _npy(data: bytes, path: Path) -> torch.Tensor:
    """The published .npy format, versions 1 to 3."""
    if not data.startswith(NPY_MAGIC):
        raise UsageError(f"{path}: no .npy file, its first bytes are {data[:6]!r}")
    long = data[6] > 1
    (length,) = struct.unpack_from("<I" if long else "<H", data, 8)
    begin = (12 if long else 10) + length
    header = ast.literal_eval(data[12 if long else 10 : begin].decode("latin1").strip())
    match = re.fullmatch(r"[<|=]?(\w\d)", header["descr"])
    if match is None or match[1] not in _NPY_DTYPES:
        raise UsageError(f"{path}: dtype {header['descr']} is not understood")
    shape, dtype = tuple(header["shape"]), _NPY_DTYPES[match[1]]
    flat = _from_bytes(data[begin:], dtype)
    if header["fortran_order"]:
        return flat.reshape(shape[::-1]).permute(*reversed(range(len(shape))))
    return flat.reshape(shape)


def _from_bytes(data: bytes, dtype: torch.dtype) -> torch.Tensor:
    return torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)


def _raw(data: bytes, path: Path, like: torch.Tensor) -> Dump:
    count = like.numel()
    if data.startswith(NPY_MAGIC):
        header = len(data) - count * like.element_size()
        note = f"the file is a .npy: its header ({header} bytes) must not be read as data"
        return Dump(_npy(data, path), (note,))
    for dtype in (like.dtype, *_RAW_DTYPES):
        if len(data) == count * torch.empty(0, dtype=dtype).element_size():
            return Dump(_from_bytes(data, dtype).reshape(like.shape), ())
    expected = count * like.element_size()
    raise UsageError(
        f"{path}: {len(data)} bytes, but the case's input has {expected} ({count} elements of "
        f"{str(like.dtype).removeprefix('torch.')}); dump one whole tensor"
    )
