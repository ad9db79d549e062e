"""For every finding of an export, the smallest model that earns it (docs/findings/ is made of them)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

T = TypeVar("T", bound=type)


@dataclass(frozen=True)
class Pitfall:
    """A model, the inputs to export it with, and options of the export."""

    code: str
    model: Callable[[], torch.nn.Module]
    inputs: Callable[[], Any]
    options: Mapping[str, Any] = field(default_factory=dict)


PITFALLS: dict[str, Pitfall] = {}


def pitfall(
    code: str, inputs: Callable[[], Any] = lambda: torch.ones(2, 4), **options: Any
) -> Callable[[T], T]:
    """Enters a class of models under the code of its finding."""

    def enter(model: T) -> T:
        PITFALLS[code] = Pitfall(code, model, inputs, options)
        return model

    return enter


for _name in ("tracing", "model", "scripting", "running"):
    importlib.import_module(f"pitfalls.{_name}")
