"""What a case file says of a method's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tensors_of(method: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    """Tensor arguments of a method, by its signature, with their dims: sizes, names of those that vary."""
    arguments = method.get("arguments", ())
    return [(a["name"], a["dims"]) for a in arguments if a.get("dims") and "[" not in a["name"]]
