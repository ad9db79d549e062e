"""Tensors that a user saved: .safetensors, or .pt by torch.save."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from tsharness.cases.safetensors_file import Location, SafetensorsReader
from tsharness.cases.values import DTYPES
from tsharness.errors import UsageError
from tsharness.exporting.inputs import Inputs

_POSITION = re.compile(r"(?:\w*\[)?(\d+)\]?")
_TORCH_NAMES = {info.safetensors: name for name, info in DTYPES.items() if info.safetensors}


def load_tensors(path: Path) -> Any:
    """A tensor, or a tuple, list or dict of them. In a .safetensors file, one tensor stands for itself, names
    that are numbers ("0", "output[1]") make a tuple, others a dict. Raises UsageError."""
    if not path.is_file():
        raise UsageError(f"{path} does not exist")
    if path.suffix == ".safetensors":
        return _structured(_read(path))
    if path.suffix in (".pt", ".pth"):
        return torch.load(path, map_location="cpu", weights_only=True)
    raise UsageError(f"{path}: expected a .safetensors file, or a .pt file by torch.save")


def inputs_in(path: Path) -> Inputs:
    """The arguments of one call: in a .safetensors file by their names."""
    if path.suffix == ".safetensors" and path.is_file():
        tensors = _read(path)
        if not all(_POSITION.fullmatch(name) for name in tensors):
            return Inputs(**tensors)  # type: ignore[arg-type]
    return Inputs.of(load_tensors(path))


def _read(path: Path) -> dict[str, torch.Tensor]:
    reader = SafetensorsReader(Location(path))
    return {name: _tensor(reader, name) for name in reader.entries}


def _tensor(reader: SafetensorsReader, name: str) -> torch.Tensor:
    entry = reader.entries[name]
    dtype = getattr(torch, _TORCH_NAMES[entry.dtype])
    data = bytearray(reader.read(name))
    if not data:
        return torch.empty(entry.shape, dtype=dtype)
    return torch.frombuffer(data, dtype=dtype).reshape(entry.shape)


def _structured(tensors: dict[str, torch.Tensor]) -> Any:
    positions = {name: _POSITION.fullmatch(name) for name in tensors}
    if len(tensors) == 1:
        return next(iter(tensors.values()))
    if all(positions.values()):
        order = sorted(tensors, key=lambda name: int(positions[name][1]))  # type: ignore[index]
        return tuple(tensors[name] for name in order)
    return tensors
