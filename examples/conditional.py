"""A model that applies relu between two layers only under a condition: scripted, both branches hold;
traced, the branch that was not taken is lost, and verification says so."""

from __future__ import annotations

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


def on_tensor() -> tuple[ConditionalOnTensor, dict[str, tsharness.Inputs]]:
    torch.manual_seed(0)
    x = torch.randn(3, 10)
    both = {"example": torch.tensor(True), "condition=False": torch.tensor(False)}
    return ConditionalOnTensor().eval(), {name: tsharness.Inputs(x, value) for name, value in both.items()}


def on_bool() -> tuple[ConditionalOnBool, dict[str, tsharness.Inputs]]:
    torch.manual_seed(0)
    x = torch.randn(3, 10)
    both = {"example": tsharness.Inputs(x, True), "condition=False": tsharness.Inputs(x, False)}
    return ConditionalOnBool().eval(), both
