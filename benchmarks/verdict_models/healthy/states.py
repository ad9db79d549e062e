"""State, hooks, several methods, gradients inside. (No annotations from the future: TorchScript reads those
of a class as they are.)"""

from typing import Any, Optional

import torch
from torch import Tensor, nn

from tsharness import Inputs
from verdict_models.making import Healthy


class Counter(nn.Module):
    """Says how often it was called: its cases are sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 1
        return x * self.calls, self.calls.clone()


class Window(nn.Module):
    """A stream's last samples in a buffer that is written in place."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("past", torch.zeros(2, 4))
        self.filter = nn.Conv1d(2, 3, 5)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([self.past, x], 1)
        self.past[:, :] = both[:, -4:]
        return self.filter(both.unsqueeze(0))[0]


class Cached(nn.Module):
    """Keys of the past in an attribute that is None at first."""

    past: Optional[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.keys, self.values = nn.Linear(6, 6), nn.Linear(6, 6)
        self.past = None

    def forward(self, x: Tensor) -> Tensor:
        past = self.past
        seen = x if past is None else torch.cat([past, x], 1)
        self.past = seen
        weights = torch.softmax(x @ self.keys(seen).transpose(1, 2), -1)
        return weights @ self.values(seen)


class History(nn.Module):
    """A list of what was seen."""

    seen: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.seen = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x)
        return torch.stack(self.seen).mean(0)


class Averaged(nn.Module):
    """A moving average, reset by another method."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        self.mean.mul_(0.5).add_(x.mean(0), alpha=0.5)
        return x - self.mean

    @torch.jit.export
    def reset(self, value: float) -> Tensor:
        self.mean.fill_(value)
        return self.mean.clone()


class Autoencoder(nn.Module):
    """Three methods, one network."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow, self.wide = nn.Linear(8, 3), nn.Linear(3, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    @torch.jit.export
    def encode(self, x: Tensor) -> Tensor:
        return torch.tanh(self.narrow(x))

    @torch.jit.export
    def decode(self, code: Tensor) -> Tensor:
        return self.wide(code)


class TwoTowers(nn.Module):
    """Methods of other arguments than forward's."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(20, 6), nn.Linear(5, 6)

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        return (self.users(user) * self.items(item)).sum(-1)

    @torch.jit.export
    def embed_user(self, user: Tensor, scale: float = 1.0) -> Tensor:
        return self.users(user) * scale

    @torch.jit.export
    def labels(self) -> list[str]:
        return ["clicked", "bought"]


class Forces(nn.Module):
    """An energy, and the forces as its gradient, as interatomic potentials have them."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.out = nn.Linear(3, 16), nn.Linear(16, 1)

    def forward(self, positions: Tensor) -> dict[str, Tensor]:
        places = positions.clone().requires_grad_(True)
        energy = self.out(torch.tanh(self.inner(places))).sum()
        slope = torch.autograd.grad([energy], [places])[0]
        assert slope is not None
        return {"energy": energy.detach(), "forces": -slope}


class Plain(nn.Module):
    """What hooks are put on."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.out = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.inner(x)))


def _after(module: Any, given: tuple[Tensor], out: Tensor) -> Tensor:
    return out + 1


def _before(module: Any, given: tuple[Tensor]) -> tuple[Tensor]:
    return (given[0] * 2,)


def hooked() -> nn.Module:
    """On the root."""
    model = Plain()
    model.register_forward_hook(_after)
    return model


def hooked_inside() -> nn.Module:
    """On a layer, before and after."""
    model = Plain()
    model.inner.register_forward_pre_hook(_before)
    model.inner.register_forward_hook(_after)
    return model


def hooked_before() -> nn.Module:
    """On the root, before."""
    model = Plain()
    model.register_forward_pre_hook(_before)
    return model


def _calls(*sizes: int, count: int = 4) -> list[Inputs]:
    return [Inputs(torch.randn(*sizes)) for _ in range(count)]


def _towers() -> dict[str, Inputs]:
    return {
        "both": Inputs(torch.tensor([1, 5, 7]), torch.randn(3, 5)),
        "user": Inputs(torch.tensor([0, 19]), scale=0.5, method="embed_user"),
        "labels": Inputs(method="labels"),
    }


def _coded() -> dict[str, Inputs]:
    return {
        "whole": Inputs(torch.randn(3, 8)),
        "encode": Inputs(torch.randn(3, 8), method="encode"),
        "decode": Inputs(torch.randn(3, 3), method="decode"),
    }


_RESET = [Inputs(0.25, method="reset")]
MODELS = (
    Healthy("counter", "state declared as sequences", Counter, lambda: _calls(3)),
    Healthy("window", "state in a buffer written in place", Window, lambda: _calls(2, 7)),
    Healthy(
        "cached",
        "state in an Optional attribute",
        Cached,
        lambda: _calls(2, 2, 6),
        options={"method": "script"},
    ),
    Healthy("history", "state in a list", History, lambda: _calls(2, 3), how="script"),
    Healthy(
        "averaged",
        "state reset by a method",
        Averaged,
        lambda: [*_calls(3, 4, count=2), *_RESET, *_calls(3, 4, count=2)],
        how="script",
    ),
    Healthy("autoencoder", "several methods", Autoencoder, _coded),
    Healthy("two_towers", "several methods of other arguments", TwoTowers, _towers, how="script"),
    Healthy("forces", "autograd inside", Forces, lambda: torch.randn(5, 3)),
    Healthy("forces_scripted", "autograd inside", Forces, lambda: torch.randn(4, 3), how="script"),
    Healthy("hooked", "hook of the root", hooked, lambda: torch.randn(3, 6)),
    Healthy("hooked_scripted", "hook of the root", hooked, lambda: torch.randn(2, 6), how="script"),
    Healthy("hooked_before", "hook before the root", hooked_before, lambda: torch.randn(2, 6), how="script"),
    Healthy("hooked_inside", "hooks inside", hooked_inside, lambda: torch.randn(3, 6), how="script"),
)
