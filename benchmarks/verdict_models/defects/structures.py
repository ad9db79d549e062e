"""Outputs of another structure or memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from verdict_models.healthy.structures import Answer
from verdict_models.making import Defect


class Inner(nn.Module):
    """What a subclass does with the right one."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner


class Swapped(Inner):
    """Two outputs are exchanged."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = self.inner(x)
        return second, first


class Transposed(Inner):
    """The second output is transposed; its size is the same."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = self.inner(x)
        return first, second.t()


class LacksKey(Inner):
    """One key is missing."""

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"sum": self.inner(batch)["sum"]}


class OtherKey(Inner):
    """One key has another name."""

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        found = self.inner(batch)
        return {"sum": found["sum"], "diff": found["difference"]}


class MixedKeys(Inner):
    """The values of two keys are exchanged."""

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        found = self.inner(batch)
        return {"sum": found["difference"], "difference": found["sum"]}


class Negated(Inner):
    """The fields of a named tuple: the label is another one's."""

    def forward(self, x: Tensor) -> Answer:
        found = self.inner(x)
        return Answer(found.score, found.score.argmin(-1))


class ListOrder(Inner):
    """A list in another order."""

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        parts, wide, turned = self.inner(x)
        return [parts[0], parts[2], parts[1]], wide, turned


class FloatLabels(nn.Module):
    """Integers go out as floats."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        best = x.topk(3, dim=1)
        return x.sort(stable=True, dim=1)[0], best.values, best.indices.float(), x.argmax(1)


class SingleOut(Inner):
    """Float32 goes out, where the model has float64."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).float()


class OwnBuffer(Inner):
    """Gives out its own buffer."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__(inner)
        self.register_buffer("kept", torch.zeros(3, 4))

    def forward(self, x: Tensor) -> Tensor:
        found = self.inner(x)
        if x.size(0) == 3:
            self.kept.copy_(found)
            return self.kept
        return found


class WritesInput(nn.Module):
    """Computes in place, in the caller's tensor."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        average = x.abs().mean(0, keepdim=True)
        return x.mul_(2), average


class InputView(nn.Module):
    """The answer is the caller's own tensor where nothing is to be done."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.cumsum(1), torch.cummax(x, 1)[0]


DEFECTS = (
    Defect("swapped", "outputs exchanged", "square", Swapped),
    Defect("transposed", "an output transposed, sizes equal", "square", Transposed),
    Defect("lacks_key", "a key missing", "keyed", LacksKey),
    Defect("other_key", "a key renamed", "keyed", OtherKey),
    Defect("mixed_keys", "keys exchanged", "keyed", MixedKeys),
    Defect("negated", "a field of a named tuple", "named", Negated),
    Defect("list_order", "a list in another order", "chunks", ListOrder),
    Defect("float_labels", "dtype of one output", "ranked", lambda _: FloatLabels()),
    Defect("single_out", "float32 instead of float64", "double", SingleOut),
    Defect("own_buffer", "gives out its own buffer", "classifier", OwnBuffer),
    Defect("writes_input", "writes to its input", "keepdim", lambda _: WritesInput()),
    Defect("fewer_outputs", "an output missing", "running", lambda _: InputView()),
)
