"""Wrong where few look: threads, memory, rows that are not finite, digits, one size of many. (No annotations
from the future: TorchScript reads those of a class as they are.)"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from verdict_models.making import Defect


class Scratch(nn.Module):
    """Computes in a buffer that it clears again: two threads on one module disturb each other."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("scratch", torch.zeros(64, 16))

    def forward(self, x: Tensor) -> Tensor:
        part = self.scratch[: x.size(0)]
        part.copy_(self.inner.first(x))
        h = self.inner.second(functional.gelu(self.inner.norm(part)))
        self.scratch.zero_()
        return h


class Keeps(nn.Module):
    """Right, and keeps all that it was given."""

    seen: list[Tensor]

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.seen = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.clone())
        return self.inner(x)


class Poisons(nn.Module):
    """A row that is not finite spoils all others."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + 0.0 * x.sum()


class OneSize(nn.Module):
    """Wrong for a batch of sixteen alone, of those from 1 to 64 that are declared."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + float(x.size(0) == 16)


class SingleInside(nn.Module):
    """Computes in float32, and gives it out as float64."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner.float()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.float()).double()


class Unconjugated(nn.Module):
    """Forgets to conjugate."""

    def forward(self, z: Tensor) -> Tensor:
        return z * z.flip(-1) + torch.polar(z.abs(), z.angle())


class OneLess(nn.Module):
    """Writes one letter less where it does not end before."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, start: Tensor, most: int) -> Tensor:
        return self.inner(start, most - 1)


class StatesSwapped(nn.Module):
    """Gives out the two states in the other order."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        out, last, cell = self.inner(x, h, c)
        return out, cell, last


class StatesIgnored(nn.Module):
    """Begins from zeros, whatever states come in."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.inner(x, torch.zeros_like(h), torch.zeros_like(c))


class KeepsBlanks(nn.Module):
    """Drops no blanks."""

    def forward(self, frames: Tensor) -> list[Tensor]:
        best = frames.argmax(-1)
        return [torch.unique_consecutive(best[row]) for row in range(best.size(0))]


def pruned(model: nn.Module) -> nn.Module:
    """One number of a sparse matrix is lost."""
    dense = model.matrix.to_dense()
    dense[tuple(dense.nonzero()[0])] = 0.0
    model.matrix = dense.to_sparse().coalesce()
    return model


DEFECTS = (
    Defect("scratch", "wrong with several threads", "classifier", Scratch),
    Defect("keeps", "state: keeps all inputs", "classifier", Keeps),
    Defect(
        "poisons",
        "row leak, of rows that are not finite",
        "bidirectional",
        Poisons,
        exception="no case has a row of NaN or infinity, and no check makes one",
    ),
    Defect(
        "one_size",
        "wrong at one size: batch 16 of 1 to 64",
        "classifier",
        OneSize,
        exception="of 64 sizes the cases and checks compare some; others are not compared",
    ),
    Defect("single_inside", "float32 inside of float64", "double", SingleInside),
    Defect("unconjugated", "a conjugate forgotten", "rotated", lambda _: Unconjugated()),
    Defect("one_less", "a loop ends one step early", "greedy", OneLess),
    Defect("states_swapped", "states exchanged", "recurrent", StatesSwapped),
    Defect("states_ignored", "states ignored", "recurrent", StatesIgnored),
    Defect("keeps_blanks", "blanks kept", "collapse", lambda _: KeepsBlanks()),
    Defect("pruned", "a number of a sparse matrix lost", "sparse_weights", pruned),
)
