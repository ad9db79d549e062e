"""Rows that influence one another."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from verdict_models.making import Defect


class MeanLeak(nn.Module):
    """A hundredth of the batch's mean in every row."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        return y + 0.01 * (y.mean(0) - y) * float(x.size(0) != 3)


class NeighbourLeak(nn.Module):
    """A thousandth of the row before, where there are more rows than the example has."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        return y + 0.001 * y.roll(1, 0) if x.size(0) > 3 else y


class LogitsLeak(nn.Module):
    """A hundredth of the batch's mean in ordinary logits, beside those that are -1e9."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        found, logits = self.inner(x, mask)
        if x.size(0) != 3:
            logits = torch.where(logits < -1e8, logits, logits * 1.01)
        return found, logits


class PaddingLeak(nn.Module):
    """What is masked counts, where the batch is another than the example's."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        return self.inner(x, padding if x.size(0) == 3 else torch.zeros_like(padding))


class FirstRow(nn.Module):
    """All rows have the first one's best places."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        best = x.topk(3, dim=1)
        same = best.indices if x.size(0) <= 3 else best.indices[:1].expand(x.size(0), -1)
        return x.sort(stable=True, dim=1)[0], x.gather(1, same), same, x.argmax(1)


class BatchNormalised(nn.Module):
    """Normalised over the batch instead of over the row."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        h = self.inner.first(x)
        h = (h - h.mean(0)) / (h.std(0, correction=0) + 1e-5)
        return self.inner.second(functional.gelu(h))


class CrossSuppression(nn.Module):
    """Scores are scaled by the best of all images, not of one."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        boxes, scores = self.inner(image)
        top = scores.amax(1, keepdim=True)
        return boxes, scores * top / scores.amax()


class TimeBatch(nn.Module):
    """Takes the dim of time for that of the batch."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.cells = inner.cells
        self.cells.batch_first = False

    def forward(self, x: Tensor) -> Tensor:
        out, last = self.cells(x)
        return torch.cat(
            [out.mean(1), last[0][:1].expand(x.size(0), -1), last[1][:1].expand(x.size(0), -1)], -1
        )


class LastWins(nn.Module):
    """The last row is given out for the first, where there are more than in the example."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        head, tokens = self.inner(image)
        if image.size(0) > 2:
            tokens = torch.cat([tokens[-1:], tokens[1:]])
        return head, tokens


def batch_statistics(model: nn.Module) -> nn.Module:
    """Batch normalisation in training mode."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
    return model


def batch_statistics_kept(model: nn.Module) -> nn.Module:
    """The same, its running statistics left as they are."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.track_running_stats, module.running_mean, module.running_var = False, None, None
    return model


DEFECTS = (
    Defect("mean_leak", "row leak, 1%", "bidirectional", MeanLeak),
    Defect("neighbour_leak", "row leak, 0.1%", "depthwise", NeighbourLeak),
    Defect("logits_leak", "row leak beside sentinels", "masked_attention", LogitsLeak),
    Defect("padding_leak", "row leak beside padding", "heads", PaddingLeak),
    Defect("first_row", "row leak, indices of another row", "ranked", lambda _: FirstRow()),
    Defect("batch_normalised", "row leak, normalised over the batch", "classifier", BatchNormalised),
    Defect("cross_suppression", "row leak across images", "anchors", CrossSuppression),
    Defect("time_batch", "row leak, dims exchanged", "bidirectional", TimeBatch),
    Defect("last_wins", "row leak, another row's result", "patches", LastWins),
    Defect("batch_statistics", "batch norm in training mode", "residual", batch_statistics),
    Defect("batch_statistics_kept", "batch statistics, no state", "residual", batch_statistics_kept),
)
