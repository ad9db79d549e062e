"""Models of a known duration, with a case each, for the benchmarks of latency."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from tsharness.cases import Call, Case, CaseFile, write_case_file
from tsharness.exporting import torch_jit
from tsharness.exporting.torch_values import to_value


class Few(torch.nn.Module):
    """Operators whose work is nothing beside calling them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(torch.tanh(x + 1.0))


class Chain(torch.nn.Module):
    """Matrix products, each of what the last one gave."""

    def __init__(self, size: int, rounds: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.eye(size), requires_grad=False)
        self.rounds = rounds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(self.rounds):
            x = torch.mm(x, self.weight)
        return x


def save(folder: Path, name: str, module: torch.nn.Module, sizes: tuple[int, ...]) -> Path:
    """Scripts it, with ones of that shape as its case."""
    path, x = folder / f"{name}.pt", torch.ones(sizes)
    scripted = torch_jit.script(module.eval())
    torch_jit.save(scripted, path)
    with torch.no_grad():
        case = Case("ones", (Call((to_value(x),), to_value(scripted(x))),))
    write_case_file(CaseFile((case,)), folder / f"{name}.pt.cases.safetensors")
    return path


SIZES: dict[str, tuple[Callable[[], torch.nn.Module], tuple[int, ...]]] = {
    "3 µs": (Few, (16,)),
    "50 µs": (lambda: Chain(64, 8), (64, 64)),
    "1 ms": (lambda: Chain(256, 8), (256, 256)),
    "20 ms": (lambda: Chain(768, 8), (768, 768)),
    "100 ms": (lambda: Chain(1024, 16), (1024, 1024)),
}
"""By about how long a call takes on one core."""
