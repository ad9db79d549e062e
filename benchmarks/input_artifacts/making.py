"""How an artifact is made of a network."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from tsharness.exporting import torch_jit

Maker = Callable[[], torch.jit.ScriptModule]


@dataclass(frozen=True)
class Artifact:
    """What to make, and whence it is."""

    name: str
    source: str
    how: str
    """"traced", "traced, frozen" or "scripted"."""
    make: Maker

    def made(self) -> torch.jit.ScriptModule:
        """Seeded, in eval mode."""
        torch.manual_seed(0)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # what the packages and the tracer have to say
            return self.make()


def trace(model: torch.nn.Module, *inputs: Any) -> torch.jit.ScriptModule:
    """``torch.jit.trace`` that keeps no shapes of its inputs in the archive."""
    model.eval().requires_grad_(False)
    traced = torch.jit.trace(model, inputs, check_trace=False, strict=False, _store_inputs=False)
    assert isinstance(traced, torch.jit.ScriptModule)
    return traced


def script(model: torch.nn.Module) -> torch.jit.ScriptModule:
    """``torch.jit.script``."""
    return torch_jit.script(model.eval().requires_grad_(False))


def ids(vocabulary: int, *shape: int) -> torch.Tensor:
    """Token ids, none of which is the padding."""
    return torch.randint(3, vocabulary, shape)


def ones(*shape: int) -> torch.Tensor:
    """A mask that hides nothing."""
    return torch.ones(shape, dtype=torch.long)
