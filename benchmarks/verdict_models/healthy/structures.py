"""What goes in and out besides plain tensors, and how tensors lie in memory."""

from __future__ import annotations

from typing import NamedTuple, Optional

import torch
from torch import Tensor, nn

from tsharness import Inputs
from verdict_models.making import Healthy


class Answer(NamedTuple):
    """By name."""

    score: Tensor
    label: Tensor


class Named(nn.Module):
    """A named tuple goes out."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Answer:
        logits = self.linear(x)
        return Answer(torch.softmax(logits, -1), logits.argmax(-1))


class Keyed(nn.Module):
    """Dicts in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(4, 3), nn.Linear(2, 3)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        left, right = self.left(batch["left"]), self.right(batch["right"])
        return {"sum": left + right, "difference": left - right}


class Square(nn.Module):
    """Two outputs of the same size."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.first(x), self.second(x)


class Chunks(nn.Module):
    """Outputs that are views: of one another, expanded, transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 6)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        h = self.linear(x)
        return list(h.chunk(3, dim=1)), h[:, :1].expand(-1, 4), h.t()


class Views(nn.Module):
    """Its output looks into its input."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 1:]


class LastChannels(nn.Module):
    """Channels last, in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, padding=1).to(memory_format=torch.channels_last)

    def forward(self, image: Tensor) -> Tensor:
        return self.convolution(image.contiguous(memory_format=torch.channels_last))


class MayMask(nn.Module):
    """An argument that may be None."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor, mask: Optional[Tensor] = None) -> tuple[Tensor, Optional[Tensor]]:
        h = self.linear(x)
        if mask is None:
            return h, None
        return h * mask, h.sum(1)


class Steps(nn.Module):
    """As often as an integer says, with a flag and a number."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.Linear(4, 4)

    def forward(self, x: Tensor, steps: int, squash: bool = True, scale: float = 0.5) -> Tensor:
        for _ in range(steps):
            x = x + scale * self.cell(x)
            if squash:
                x = torch.tanh(x)
        return x


class Listed(nn.Module):
    """Lists in and out, of several sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, parts: list[Tensor]) -> list[Tensor]:
        return [self.linear(part) for part in parts]


class Nested(nn.Module):
    """Containers in containers."""

    def forward(self, x: Tensor) -> dict[str, tuple[Tensor, list[Tensor]]]:
        return {"all": (x * 2, [x.mean(1), x.amax(1)]), "less": (x - 1, [x[:, 0]])}


class Ensemble(nn.Module):
    """Several networks, their mean and how far they are apart."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList(
            [nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2)) for _ in range(3)]
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        together = torch.stack([member(x) for member in self.members])
        return together.mean(0), together.amax(0) - together.amin(0)


class Box:
    """A class that TorchScript compiles."""

    def __init__(self, low: Tensor, high: Tensor) -> None:
        self.low = low
        self.high = high

    def middle(self) -> Tensor:
        return (self.low + self.high) / 2


class Boxed(nn.Module):
    """Uses a class inside."""

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        return Box(low, high).middle()


class Answers(nn.Module):
    """Numbers and text go out beside tensors."""

    def forward(self, x: Tensor) -> tuple[Tensor, int, float, str]:
        return x.abs(), x.size(1), 0.5, "absolute"


def _choices() -> dict[str, Inputs]:
    x = torch.randn(3, 4)
    return {"masked": Inputs(x, torch.rand(3, 4)), "bare": Inputs(x)}


def _transposed() -> Tensor:
    return torch.randn(4, 3).t()


MODELS = (
    Healthy("named", "named tuple outputs", Named, lambda: torch.randn(3, 5), how="script"),
    Healthy(
        "keyed",
        "dicts in and out",
        Keyed,
        lambda: Inputs({"left": torch.randn(3, 4), "right": torch.randn(3, 2)}),
    ),
    Healthy("square", "tuple outputs of one size", Square, lambda: torch.randn(4, 4)),
    Healthy("chunks", "views as outputs, list outputs", Chunks, lambda: torch.randn(3, 4)),
    Healthy("views", "output looks into the input", Views, lambda: torch.randn(3, 4)),
    Healthy("strided_input", "inputs that are views", Square, _transposed, how="script"),
    Healthy("last_channels", "channels last", LastChannels, lambda: torch.randn(2, 3, 6, 6)),
    Healthy("may_mask", "Optional arguments", MayMask, _choices, options={"method": "script"}),
    Healthy(
        "steps",
        "integer arguments, bool flags",
        Steps,
        lambda: Inputs(torch.randn(3, 4), 3),
        options={"method": "script"},
    ),
    Healthy("listed", "lists in and out", Listed, lambda: Inputs([torch.randn(2, 3), torch.randn(4, 3)])),
    Healthy("nested", "nested outputs", Nested, lambda: torch.randn(3, 4), how="script"),
    Healthy(
        "ensemble", "ensemble", Ensemble, lambda: torch.randn(3, 5), options={"dynamic": {"x": {0: "N:1..8"}}}
    ),
    Healthy(
        "boxed", "script class inside", Boxed, lambda: (torch.randn(3, 2), torch.randn(3, 2)), how="script"
    ),
    Healthy("answers", "numbers and text as outputs", Answers, lambda: torch.randn(3, 4), how="script"),
)
