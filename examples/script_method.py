"""A model with a custom submodule that holds a parameter of its own, its forward a script_method."""

from __future__ import annotations

import warnings

import torch

import tsharness

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # torch.jit.script_method warns that it is deprecated

    class Scale(torch.jit.ScriptModule):
        def __init__(self, features: int) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.rand(features))

        @torch.jit.script_method
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.weight


class Scaled(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(10, 6)
        self.scale = Scale(6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale(self.layer(x))


def make() -> tuple[Scaled, dict[str, tsharness.Inputs]]:
    torch.manual_seed(0)
    batches = {"example": torch.randn(1, 10), "batch=4": torch.randn(4, 10)}
    return Scaled().eval(), {name: tsharness.Inputs(x) for name, x in batches.items()}
