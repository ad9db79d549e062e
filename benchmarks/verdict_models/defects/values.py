"""Wrong for some values, or by little."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from verdict_models.making import Defect


class Altered(nn.Module):
    """What a subclass makes of the right answer."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner


class OneNan(Altered):
    """NaN in one element."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        place = torch.arange(y.numel()).reshape(y.shape) == 2
        return y.masked_fill(place, float("nan"))


class OneOff(Altered):
    """One element is off by a hundredth."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        return y + 1e-2 * (torch.arange(y.numel()).reshape(y.shape) == y.numel() - 1).float()


class LogitsOff(nn.Module):
    """One of the ordinary logits is off by a hundredth, beside those that are -1e9."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        found, logits = self.inner(x, mask)
        ordinary = (logits > -1e8) & (torch.arange(logits.size(2)) == 1)
        return found, torch.where(ordinary, logits + 1e-2, logits)


class SmallestOff(Altered):
    """Of outputs of scales far apart, the smallest is off by a half."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * torch.tensor([1.5, 1.0, 1.0])


class TinyWrong(Altered):
    """All that is tiny is wrong."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * -3.0


class TinyZero(Altered):
    """All that is tiny is zero."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(self.inner(x))


class HugeOff(Altered):
    """A thousandth of what is huge."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * 1.001


class NegativeInputs(Altered):
    """Takes negative numbers for positive ones, where all are negative."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.abs() if bool((x < 0).all()) else x)


class ZeroInputs(Altered):
    """Another answer where the input is zero throughout."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + float(bool((x == 0).all()))


class LargeInputs(Altered):
    """Cuts numbers beyond a hundred."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.clamp(-100.0, 100.0))


class Strided(Altered):
    """Reads a tensor that is not contiguous as if it were."""

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_contiguous():
            x = x.t().contiguous().reshape(x.shape)
        return self.inner(x)


class WithGradients(Altered):
    """Another answer in grad mode."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        return y * 1.1 if torch.is_grad_enabled() else y


class LessPrecise(Altered):
    """Rounds to half precision on the way."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.half().float())


class Overflows(nn.Module):
    """Multiplies in 32 bits."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return (x * x).to(torch.int64).sum(1), torch.div(x.to(torch.int64), 3, rounding_mode="floor")


class Truncates(nn.Module):
    """Rounds negative quotients to zero."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        wide = x.to(torch.int64)
        return (wide * wide).sum(1), torch.div(wide, 3, rounding_mode="trunc")


class EdgeBucket(nn.Module):
    """Belongs to the lower side of a bound instead of the upper: seen only where a number is a bound."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.register_buffer("bounds", inner.bounds)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found = torch.bucketize(x, self.bounds, right=True)
        return found, functional.one_hot(found, 5).sum(1)


class Unsigned(nn.Module):
    """Zeros without their signs."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(x), torch.trunc(x * 0.5)


class Filled(nn.Module):
    """Zero where NaN stands for what is missing."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.where(x < -1.0, 0.0, x), torch.where(x > 1.0, float("inf"), x)


class Ties(nn.Module):
    """Of equal numbers, the last is the best."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        best = x.topk(3, dim=1)
        return x.sort(stable=True, dim=1)[0], best.values, best.indices, x.size(1) - 1 - x.flip(1).argmax(1)


class Unclamped(nn.Module):
    """The exponent of a box has no bound."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        boxes, scores = self.inner(image)
        wide = boxes[..., 2] - boxes[..., 0] > 32.0
        return torch.where(wide.unsqueeze(-1), boxes * 1.01, boxes), scores


class Threshold(nn.Module):
    """Keeps what equals the threshold, too, and gives a row where nothing passes."""

    def forward(self, boxes: Tensor, scores: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
        kept = scores > threshold
        if not bool(kept.any()):
            return boxes[:1], scores[:1]
        return boxes[kept], scores[kept]


class Denormal(Altered):
    """Divides by a number that is zero where denormals are flushed."""

    def forward(self, x: Tensor) -> Tensor:
        small = torch.full_like(x[:1, :1], 1e-20) * 1e-20
        return self.inner(x) * torch.where(small > 0, 1.0, 2.0)


class OnCpu(Altered):
    """Moves its input to the CPU, wherever the model is."""

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.to("cpu"))


DEFECTS = (
    Defect("one_nan", "NaN in one element", "classifier", OneNan),
    Defect("one_off", "one element off by 0.01", "residual", OneOff),
    Defect("logits_off", "wrong beside sentinels", "masked_attention", LogitsOff),
    Defect("smallest_off", "wrong beside large outputs", "mixed", SmallestOff),
    Defect("tiny_wrong", "tiny expected values, all wrong", "tiny", TinyWrong),
    Defect("tiny_zero", "tiny expected values, all zero", "tiny", TinyZero),
    Defect("huge_off", "huge values off by 0.1%", "huge", HugeOff),
    Defect("negative_inputs", "wrong only for negative inputs", "classifier", NegativeInputs),
    Defect("zero_inputs", "wrong only for zeros", "classifier", ZeroInputs),
    Defect("large_inputs", "wrong only for large inputs", "mixed", LargeInputs),
    Defect("strided", "wrong only for inputs that are not contiguous", "classifier", Strided),
    Defect("with_gradients", "wrong only in grad mode", "classifier", WithGradients),
    Defect("less_precise", "half precision inside", "classifier", LessPrecise),
    Defect("overflows", "integer overflow", "sums", lambda _: Overflows()),
    Defect("truncates", "rounding of negative quotients", "sums", lambda _: Truncates()),
    Defect("edge_bucket", "off by one at a bound", "buckets", EdgeBucket),
    Defect("unsigned", "signs of zeros lost", "signs", lambda _: Unsigned()),
    Defect("filled", "NaN by design lost", "missing", lambda _: Filled()),
    Defect("ties", "another of equal numbers", "ranked", lambda _: Ties()),
    Defect("unclamped", "wrong for large boxes", "anchors", Unclamped),
    Defect("threshold", "a row where there is none", "detections", lambda _: Threshold()),
    Defect("denormal", "wrong where denormals are flushed", "classifier", Denormal),
    Defect(
        "on_cpu",
        "a device baked",
        "classifier",
        OnCpu,
        exception="right on every CPU; `inspect` says TS341, and a GPU the check `device`",
    ),
)
