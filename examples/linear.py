"""A one-layer linear model, traced with one row and verified with several."""

from __future__ import annotations

import torch

import tsharness


class Linear(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(10, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def make() -> tuple[Linear, dict[str, tsharness.Inputs]]:
    """The model, and one row to trace with; its batch size may be any."""
    torch.manual_seed(0)
    sizes = {"example": 1, "batch=2": 2, "batch=7": 7}
    return Linear().eval(), {name: tsharness.Inputs(torch.randn(size, 10)) for name, size in sizes.items()}
