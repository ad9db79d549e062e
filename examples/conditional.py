"""A model that applies relu between two layers only under a condition: scripted, both branches hold;
traced, the branch that was not taken is lost, and verification says so."""

from __future__ import annotations

from pathlib import Path

import torch

import tsharness


class ConditionalOnTensor(torch.nn.Module):
    """The condition is a bool tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(10, 16)
        self.second = torch.nn.Linear(16, 4)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        if condition:
            x = torch.relu(x)
        return self.second(x)


class ConditionalOnBool(torch.nn.Module):
    """The condition is a Python bool: TorchScript must be told so by the annotation."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(10, 16)
        self.second = torch.nn.Linear(16, 4)

    def forward(self, x: torch.Tensor, condition: bool) -> torch.Tensor:
        x = self.first(x)
        if condition:
            x = torch.relu(x)
        return self.second(x)


def export_to(folder: Path) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 10)
    yes, no = torch.tensor(True), torch.tensor(False)
    on_tensor, on_bool = ConditionalOnTensor().eval(), ConditionalOnBool().eval()
    both = {"condition=False": (x, no)}
    tsharness.export(on_tensor, (x, yes), folder / "conditional.pt", method="script", cases=both)
    tsharness.export(on_tensor, (x, yes), folder / "conditional_traced.pt", cases=both)
    path = folder / "conditional_bool.pt"
    tsharness.export(on_bool, (x, True), path, method="script", cases={"condition=False": (x, False)})
