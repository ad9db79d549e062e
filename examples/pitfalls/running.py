"""What the export itself has to say."""

from __future__ import annotations

import torch

from pitfalls import pitfall


@pitfall("TS151", max_case_bytes=100)
class Identity(torch.nn.Module):
    """With a bound of 100 bytes for all cases."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


@pitfall("TS152", lambda: torch.ones(2, 4), method="script")
class Picky(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool((x == 0).all()):
            raise ValueError("nothing but zeros")
        return x + 1


@pitfall("TS153", lambda: torch.randn(4, 64), dtype="bfloat16")
class Cancels(torch.nn.Module):
    """Small differences of large numbers, cast to bfloat16."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = torch.nn.Linear(64, 64), torch.nn.Linear(64, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(x) * 100
        return self.second(y) - self.second(y + 0.01)


@pitfall("TS154", lambda: torch.randn(1, 3, 16, 16), families=(), optimize_for_inference=True)
class Convolution(torch.nn.Module):
    """With --optimize-for-inference."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(x))


@pitfall("TS155", method="trace")
class WrongTrace(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.sum() > 0 else x


@pitfall("TS161")
class Anything(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1
