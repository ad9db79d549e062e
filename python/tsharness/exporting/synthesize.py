"""Inputs from ``--input`` specifications, as torch's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tsharness.cases.specs import InputCase
from tsharness.exporting.guard import SEED
from tsharness.exporting.inputs import Inputs

_DEFAULT_INTEGERS = (0, 1)


def inputs_of(cases: Sequence[InputCase]) -> dict[str, Inputs]:
    """Named arguments for each case, filled with random numbers from one seeded generator."""
    generator = torch.Generator().manual_seed(SEED)
    return {
        case.name: Inputs(
            method=case.method, **{spec["name"]: _make(spec, generator) for spec in case.to_dict()["inputs"]}
        )
        for case in cases
    }


def _make(spec: Mapping[str, Any], generator: torch.Generator) -> Any:
    if "value" in spec:
        return spec["value"]
    if "items" in spec:
        return [_make(item, generator) for item in spec["items"]]
    if "elements" in spec:
        return tuple(_make(element, generator) for element in spec["elements"])
    if "entries" in spec:
        return {entry["name"]: _make(entry, generator) for entry in spec["entries"]}
    dtype, dims = getattr(torch, spec["dtype"]), spec["dims"]
    low, high = spec["low"], spec["high"]
    if dtype.is_floating_point or dtype.is_complex:
        if low is None:
            wide = torch.complex64 if dtype.is_complex else torch.float32
            return torch.randn(dims, generator=generator, dtype=wide).to(dtype)
        return (torch.rand(dims, generator=generator) * (high - low) + low).to(dtype)
    first, last = _DEFAULT_INTEGERS if low is None else (int(low), int(high))
    return torch.randint(first, last + 1, dims, generator=generator).to(dtype)
