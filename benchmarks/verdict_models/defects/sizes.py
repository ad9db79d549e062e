"""Wrong at one size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from verdict_models.making import Defect


class AtSize(nn.Module):
    """Half more than is right at some sizes of the batch."""

    def __init__(self, inner: nn.Module, low: int, high: int) -> None:
        super().__init__()
        self.inner, self.low, self.high = inner, low, high

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        return y * 1.5 if self.low <= x.size(0) <= self.high else y


class EvenBatch(nn.Module):
    """Wrong for every second size."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        index, distances = self.inner(x)
        return index, distances + float(x.size(0) % 2 == 0)


class FixedLength(nn.Module):
    """Divides by the example's length."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, ids: Tensor) -> Tensor:
        return self.inner(ids) * (ids.size(1) / 5.0)


class LongTail(nn.Module):
    """Cuts what is longer than eighteen."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, ids: Tensor) -> Tensor:
        return self.inner(torch.where(torch.arange(ids.size(1)) < 18, ids, torch.zeros_like(ids)))


class Unrolled(nn.Module):
    """A loop over the length, which a trace unrolls."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        out = []
        h = x.new_zeros(x.size(1), 5)
        gates = self.inner.cells
        for t in range(x.size(0)):
            given = functional.linear(x[t], gates.weight_ih_l0, gates.bias_ih_l0).chunk(3, 1)
            kept = functional.linear(h, gates.weight_hh_l0, gates.bias_hh_l0).chunk(3, 1)
            reset, update = torch.sigmoid(given[0] + kept[0]), torch.sigmoid(given[1] + kept[1])
            h = (1 - update) * torch.tanh(given[2] + reset * kept[2]) + update * h
            out.append(h)
        return torch.stack(out)


class BakedSize(nn.Module):
    """The size of the output is the example's."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: Tensor) -> Tensor:
        wide = functional.gelu(self.inner.down(image))
        deep = functional.gelu(self.inner.deep(functional.avg_pool2d(wide, 2)))
        back = functional.interpolate(deep, size=[13, 10], mode="bilinear", align_corners=False)
        back = functional.interpolate(back, size=image.shape[2:])
        return self.inner.up(torch.cat([wide, back], 1))


class BakedBatch(nn.Module):
    """The batch is the example's, in a view."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).reshape(3, 4)


class Squeezed(nn.Module):
    """A batch of one loses its dim."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).squeeze()


class LoopedRows(nn.Module):
    """A loop over the batch, which a trace unrolls: other batches give three rows."""

    def forward(self, frames: Tensor) -> list[Tensor]:
        best = frames.argmax(-1)
        found = []
        for row in range(frames.size(0)):
            letters = torch.unique_consecutive(best[row])
            found.append(letters[letters != 0])
        return found


class OddWidth(nn.Module):
    """Drops the last column of odd sizes."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, signal: Tensor) -> Tensor:
        if signal.size(2) % 2 == 1:
            signal = functional.pad(signal[:, :, :-1], [0, 1])
        return self.inner(signal)


class BakedZeros(nn.Module):
    """The first state has the example's batch."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.cells = inner.cells

    def forward(self, x: Tensor) -> Tensor:
        start = torch.zeros(1, 3, 5)
        if x.size(1) != 3:
            start = start[:, :1].expand(1, x.size(1), 5).contiguous() + 0.1
        return self.cells(x, start)[0]


DEFECTS = (
    Defect("batch_of_one", "wrong at one size: batch 1", "residual", lambda m: AtSize(m, 1, 1)),
    Defect("large_batches", "wrong at one size: batch above 4", "bfloat", lambda m: AtSize(m, 5, 1000)),
    Defect(
        "largest_batch", "wrong at one size: the declared maximum", "classifier", lambda m: AtSize(m, 64, 64)
    ),
    Defect("even_batch", "wrong at every second size", "nearest", EvenBatch),
    Defect("fixed_length", "wrong at one size: a length baked", "tied", FixedLength),
    Defect("long_tail", "wrong at long sequences", "encoder", LongTail),
    Defect("unrolled", "a loop over the length unrolled", "time_first", Unrolled, how="trace"),
    Defect("baked_size", "an output's size baked", "unet", BakedSize),
    Defect("baked_batch", "a batch baked", "classifier", BakedBatch),
    Defect("squeezed", "a batch of one loses its dim", "undropped", Squeezed),
    Defect("looped_rows", "a loop over the batch unrolled", "collapse", lambda _: LoopedRows(), how="trace"),
    Defect("odd_width", "wrong at odd sizes", "depthwise", OddWidth),
    Defect("baked_zeros", "the first state's batch baked", "time_first", BakedZeros),
)
