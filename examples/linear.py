"""A one-layer linear model, traced with one row and verified with several."""

from __future__ import annotations

from pathlib import Path

import torch

import tsharness


class Linear(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(10, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def export_to(folder: Path) -> None:
    torch.manual_seed(0)
    model = Linear().eval()
    batches = {f"batch={size}": torch.randn(size, 10) for size in (2, 7)}
    tsharness.export(model, torch.randn(1, 10), folder / "linear.pt", cases=batches)
