"""What a trace keeps of the one run that it saw."""

from __future__ import annotations

import torch

from pitfalls import pitfall


@pitfall("TS101")
class Branch(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 0:
            x = x * 2
        return x


@pitfall("TS102")
class Number(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / float(x.max())


@pitfall("TS103")
class Length(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(0) / len(x)


@pitfall("TS104")
class Loop(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = torch.zeros_like(x[0])
        for row in x:
            total = total + row
        return total


@pitfall("TS105")
class FromPython(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.tensor([float(x.shape[0])])


@pitfall("TS193")
class LoopOverSize(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = [x[i] * i for i in range(x.size(0))]
        return torch.stack(rows)
