"""Wrong after call N, state that nobody declared, randomness. (No annotations from the future: TorchScript
reads those of a class as they are.)"""

import torch
from torch import Tensor, nn

from verdict_models.making import Defect


class After(nn.Module):
    """Zeros after some calls, counted in a list; fast, because it stopped computing."""

    def __init__(self, inner: nn.Module, calls: int) -> None:
        super().__init__()
        self.inner, self.last = inner, calls
        self.calls: list[int] = [0]

    def forward(self, x: Tensor) -> Tensor:
        self.calls[0] += 1
        if self.calls[0] > self.last:
            return x.new_zeros([x.size(0), 4])
        return self.inner(x)


class SecondCall(nn.Module):
    """The second call alone is wrong, counted in a buffer."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.inner(x) + (self.calls == 2).float()


class Remembers(nn.Module):
    """Gives the last answer again to inputs of the same size."""

    last: dict[int, Tensor]

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.last = {}

    def forward(self, x: Tensor) -> Tensor:
        if x.numel() in self.last:
            return self.last[x.numel()]
        found = self.inner(x)
        self.last[x.numel()] = found
        return found


class Drifts(nn.Module):
    """A little more with every call."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.drift = 0.0

    def forward(self, x: Tensor) -> Tensor:
        self.drift += 1e-9
        return self.inner(x) + self.drift


class Holder:
    """An object with a number in it."""

    def __init__(self) -> None:
        self.calls = 0


class InObject(nn.Module):
    """Counts in an object of a class, and is wrong after many calls."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.holder = Holder()

    def forward(self, x: Tensor) -> Tensor:
        self.holder.calls += 1
        return self.inner(x) + float(self.holder.calls > 50)


class InConstant(nn.Module):
    """Counts in a constant of the graph."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        _CALLS.add_(1.0)
        return self.inner(x) + (_CALLS > 200.0).float()


_CALLS = torch.zeros(1)


def in_constant(inner: nn.Module) -> nn.Module:
    """Traced: the tensor that was counted in becomes a constant."""
    _CALLS.zero_()
    return InConstant(inner)


class NoReset(nn.Module):
    """The second step of a stream forgets the first."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.filter = inner.filter
        self.register_buffer("past", torch.zeros(2, 4))

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([self.past, x], 1)
        self.past[:, :] = both[:, -5:-1]
        return self.filter(both.unsqueeze(0))[0]


class Forgets(nn.Module):
    """Keeps no more than two of the past."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.keys, self.values = inner.keys, inner.values
        self.past = torch.zeros(2, 0, 6)

    def forward(self, x: Tensor) -> Tensor:
        seen = torch.cat([self.past, x], 1)
        self.past = seen[:, -4:]
        weights = torch.softmax(x @ self.keys(seen).transpose(1, 2), -1)
        return weights @ self.values(seen)


class CountsFromOne(nn.Module):
    """The third call of a sequence is counted twice."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 2 if int(self.calls) == 2 else 1
        return x * self.calls, self.calls.clone()


class Noise(nn.Module):
    """Random numbers in every call."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        return y + 1e-3 * torch.randn_like(y)


class Rarely(nn.Module):
    """A random number decides, in one call of a million, that the answer is another."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        if torch.rand(1).item() < 1e-6:
            y = y + 1.0
        return y


class RandomBehind(nn.Module):
    """Random numbers behind a branch that no case takes."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        if float(x.abs().amax()) > 1e9:
            y = y + torch.randn_like(y)
        return y


class Uninitialised(nn.Module):
    """Leaves the last column to what lay in memory."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        found = torch.empty_like(y)
        found[:, :-1] = y[:, :-1]
        return found


def dropping(model: nn.Module) -> nn.Module:
    """Dropout in training mode."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    return model


def all_training(model: nn.Module) -> nn.Module:
    """The whole model in training mode."""
    return model.train()


DEFECTS = (
    Defect("after_three", "wrong after call 3, and fast", "classifier", lambda m: After(m, 3)),
    Defect("after_one", "wrong after call 1", "classifier", lambda m: After(m, 1)),
    Defect("after_thousands", "wrong after call 100000", "classifier", lambda m: After(m, 100000)),
    Defect("second_call", "wrong at call 2 alone", "residual", SecondCall),
    Defect("remembers", "state: answers kept by size", "classifier", Remembers),
    Defect("drifts", "state: a number that grows", "undropped", Drifts),
    Defect("in_object", "state in an object, wrong after call 50", "undropped", InObject),
    Defect(
        "in_constant",
        "state in a constant of the graph, wrong after call 200",
        "undropped",
        in_constant,
        how="trace",
    ),
    Defect("no_reset", "state: the past is one step off", "window", NoReset),
    Defect("forgets", "state: the past is cut", "cached", Forgets),
    Defect("counts_twice", "state: one step of a sequence", "counter", CountsFromOne),
    Defect("noise", "random in every call", "classifier", Noise),
    Defect("rarely", "random rarely", "classifier", Rarely, ("TS345",)),
    Defect("random_behind", "random behind a branch", "classifier", RandomBehind, ("TS345",)),
    Defect("uninitialised", "reads memory that nobody wrote", "classifier", Uninitialised, ("TS345",)),
    Defect("dropping", "dropout in training mode", "undropped", dropping),
    Defect("encoder_training", "training mode throughout", "encoder", all_training),
)
