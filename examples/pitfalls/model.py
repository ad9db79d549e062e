"""What a model does that production notices."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional

from pitfalls import pitfall


@pitfall("TS106")
class InTrainMode(torch.nn.Module):
    """As a module is that nobody called eval() on."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


@pitfall("TS107")
class AlwaysDropsOut(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, 0.5)


@pitfall("TS108", lambda: torch.randn(8, 4))
class BatchStatistics(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(4, track_running_stats=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x)


@pitfall("TS109")
class Noise(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.randn_like(x)


@pitfall("TS111", method="trace")
class BakedDevice(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.arange(4, device=x.device)


@pitfall("TS112", method="trace")
class BakedDtype(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.ones(4, dtype=x.dtype)


@pitfall("TS113")
class Wide(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = 0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.full([4], self.scale, dtype=torch.float64)


@pitfall("TS121")
class WritesItsInput(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x += 1
        return x * 2


@pitfall("TS122")
class Counts(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x * self.calls


@pitfall("TS123")
class Part(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :2]


class Pair(NamedTuple):
    low: torch.Tensor
    high: torch.Tensor


@pitfall("TS131", method="trace")
class NamedOutputs(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> Pair:
        return Pair(x - 1, x + 1)


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
        return x * 2


@pitfall("TS132")
class PythonInside(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Double.apply(x)


@pitfall("TS133", method="trace")
class DictOutput(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"low": x - 1, "high": x + 1}


@pitfall("TS141")
class Trainable(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


@pitfall("TS142")
class Decayed(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((4,), 1e-39), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight
