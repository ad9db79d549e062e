"""Methods, arguments, and what goes in and out besides tensors."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor, nn

from verdict_models.defects.structures import Inner
from verdict_models.making import Defect


class EncodesWrong(Inner):
    """One method alone is wrong."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return torch.relu(self.inner.encode(x))

    @torch.jit.export
    def decode(self, code: Tensor) -> Tensor:
        return self.inner.decode(code)


class LacksMethod(Inner):
    """One method is not there."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return self.inner.encode(x)


class IgnoresScale(Inner):
    """A method's argument is ignored."""

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        return self.inner(user, item)

    @torch.jit.export
    def embed_user(self, user: Tensor, scale: float = 1.0) -> Tensor:
        return self.inner.embed_user(user, 1.0)

    @torch.jit.export
    def labels(self) -> list[str]:
        return ["clicked", "bought"]


class OtherLabels(Inner):
    """Texts of a method in another order."""

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        return self.inner(user, item)

    @torch.jit.export
    def embed_user(self, user: Tensor, scale: float = 1.0) -> Tensor:
        return self.inner.embed_user(user, scale)

    @torch.jit.export
    def labels(self) -> list[str]:
        return ["bought", "clicked"]


class ResetsLess(nn.Module):
    """Another method leaves the state half as it was."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.register_buffer("mean", inner.mean)

    def forward(self, x: Tensor) -> Tensor:
        self.mean.mul_(0.5).add_(x.mean(0), alpha=0.5)
        return x - self.mean

    @torch.jit.export
    def reset(self, value: float) -> Tensor:
        self.mean[:2].fill_(value)
        return torch.full_like(self.mean, value)


class OtherDefault(nn.Module):
    """An argument has another default."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.cell = inner.cell

    def forward(self, x: Tensor, steps: int, squash: bool = True, scale: float = 0.1) -> Tensor:
        for _ in range(steps):
            x = x + scale * self.cell(x)
            if squash:
                x = torch.tanh(x)
        return x


class FixedSteps(nn.Module):
    """Always three steps."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, steps: int, squash: bool = True, scale: float = 0.5) -> Tensor:
        return self.inner(x, 3, squash, scale)


class MaskAlways(Inner):
    """Takes None for a mask of ones, and gives out a sum."""

    def forward(self, x: Tensor, mask: Optional[Tensor] = None) -> tuple[Tensor, Optional[Tensor]]:
        return self.inner(x, torch.ones_like(x) if mask is None else mask)


class OtherWord(Inner):
    """A word of the vocabulary is another's."""

    def forward(self, words: list[str]) -> Tensor:
        return self.inner(["runs" if word == "model" else word for word in words])


class WrongForces(Inner):
    """Energies are right, forces have the other sign."""

    def forward(self, positions: Tensor) -> dict[str, Tensor]:
        found = self.inner(positions)
        return {"energy": found["energy"], "forces": -found["forces"]}


class NoNumbers(nn.Module):
    """A number beside the tensors is the example's."""

    def forward(self, x: Tensor) -> tuple[Tensor, int, float, str]:
        return x.abs(), 4 if x.size(1) == 4 else 0, 0.5, "Absolute"


DEFECTS = (
    Defect("encodes_wrong", "wrong in one method alone", "autoencoder", EncodesWrong),
    Defect("lacks_method", "a method missing", "autoencoder", LacksMethod),
    Defect("ignores_scale", "a method's argument ignored", "two_towers", IgnoresScale),
    Defect("other_labels", "a method's texts", "two_towers", OtherLabels),
    Defect("resets_less", "state half reset by a method", "averaged", ResetsLess),
    Defect("other_default", "another default", "steps", OtherDefault),
    Defect("fixed_steps", "an integer argument baked", "steps", FixedSteps),
    Defect("mask_always", "None taken for a mask", "may_mask", MaskAlways),
    Defect("other_word", "a word of the vocabulary", "vocabulary", OtherWord),
    Defect("wrong_forces", "sign of a gradient", "forces", WrongForces),
    Defect("no_numbers", "a text beside tensors", "answers", lambda _: NoNumbers()),
)
