"""Weights and layers that are not the model's."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from verdict_models.making import Defect, with_weights


def perturbed(model: nn.Module) -> nn.Module:
    """The weights of one layer are off by a thousandth."""

    def change(name: str, tensor: Tensor) -> None:
        if name == "second.weight":
            tensor.mul_(1.001)

    return with_weights(model, change)


def quantised_weights(model: nn.Module) -> nn.Module:
    """The weights were rounded to eight bits, silently."""

    def change(name: str, tensor: Tensor) -> None:
        if name.endswith("weight") and tensor.dim() > 1:
            scale = tensor.abs().max() / 127
            tensor.copy_((tensor / scale).round() * scale)

    return with_weights(model, change)


def narrowed_weights(model: nn.Module) -> nn.Module:
    """The weights were rounded to bfloat16."""

    def change(_: str, tensor: Tensor) -> None:
        if tensor.is_floating_point():
            tensor.copy_(tensor.bfloat16().float())

    return with_weights(model, change)


def eps(model: nn.Module) -> nn.Module:
    """Another epsilon in a normalisation."""
    model.norm.eps = 1e-3
    return model


def other_activation(model: nn.Module) -> nn.Module:
    """The approximation of GELU instead of GELU."""

    class Approximate(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            h = self.inner.norm(self.inner.first(x))
            return self.inner.second(functional.gelu(h, approximate="tanh"))

    return Approximate(model)


class Slope(nn.Module):
    """Another slope of a leaky ReLU."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, volume: Tensor) -> Tensor:
        h = functional.leaky_relu(self.inner.norm(self.inner.convolution(volume)), 0.01)
        return functional.adaptive_avg_pool3d(functional.max_pool3d(h, 2), [1, 2, 2])


class Corners(nn.Module):
    """Interpolates with the corners aligned."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: Tensor) -> Tensor:
        wide = functional.gelu(self.inner.down(image))
        deep = functional.gelu(self.inner.deep(functional.avg_pool2d(wide, 2)))
        back = functional.interpolate(deep, size=image.shape[2:], mode="bilinear", align_corners=True)
        return self.inner.up(torch.cat([wide, back], 1))


class Borders(nn.Module):
    """Zeros at the border, where the model reflects."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: Tensor) -> Tensor:
        h = functional.elu(self.inner.up(image))
        return self.inner.shuffle(self.inner.out(functional.pad(h, [1, 1, 1, 1])))


class SamplesNearest(nn.Module):
    """Samples the nearest pixel instead of interpolating."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: Tensor) -> Tensor:
        theta = self.inner.locate(image.mean(dim=[2, 3])).reshape(-1, 2, 3)
        sizes = [image.size(0), image.size(1), image.size(2), image.size(3)]
        grid = functional.affine_grid(theta, sizes, align_corners=False)
        return functional.grid_sample(image, grid, mode="nearest", align_corners=False)


class NoMask(nn.Module):
    """The mask is ignored."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        return self.inner(x, torch.zeros_like(padding))


class Acausal(nn.Module):
    """Looks one step into the future."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.mixed, self.out = inner.mixed, inner.out

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.mixed(x).chunk(3, dim=-1)
        future = torch.ones(x.size(1), x.size(1), dtype=torch.bool).triu(2)
        logits = (q @ k.transpose(1, 2) / 12.0**0.5).masked_fill(future, float("-inf"))
        return x + self.out(torch.softmax(logits, -1) @ v)


def untied(model: nn.Module) -> nn.Module:
    """The last layer's weights are no longer those of the first: it was trained on."""
    model.out.weight = nn.Parameter(model.out.weight.detach() * 1.01)
    return model


def one_member(model: nn.Module) -> nn.Module:
    """One of the networks of an ensemble stands there twice."""
    model.members[2] = model.members[1]
    return model


def offsets(model: nn.Module) -> nn.Module:
    """Pixels are scaled by 256."""

    class Scaled(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, pixels: Tensor) -> Tensor:
            return self.inner.convolution(pixels.float() / 256.0)

    return Scaled(model)


def gates(model: nn.Module) -> nn.Module:
    """Two gates of a recurrent layer are exchanged, in its second layer."""

    def change(name: str, tensor: Tensor) -> None:
        if name.endswith("bias_ih_l1"):
            tensor.copy_(tensor.roll(10))

    return with_weights(model, change)


def unhooked(model: nn.Module) -> nn.Module:
    """Exported without its hook."""
    model._forward_hooks.clear()
    return model


DEFECTS = (
    Defect("perturbed", "weights of one layer off by 0.1%", "classifier", perturbed),
    Defect("quantised_weights", "weights rounded to int8", "causal_attention", quantised_weights),
    Defect("narrowed_weights", "weights rounded to bfloat16", "bidirectional", narrowed_weights),
    Defect("eps", "epsilon of a normalisation", "depthwise", eps),
    Defect("other_activation", "an activation's approximation", "classifier", other_activation),
    Defect("slope", "an activation's slope", "volume", Slope),
    Defect("corners", "align_corners", "unet", Corners),
    Defect("borders", "padding mode", "upsampler", Borders),
    Defect("samples_nearest", "interpolation mode", "warp", SamplesNearest),
    Defect("no_mask", "mask ignored", "heads", NoMask),
    Defect("acausal", "mask off by one", "causal_attention", Acausal),
    Defect("untied", "weights no longer tied", "tied", untied),
    Defect("one_member", "a member of an ensemble twice", "ensemble", one_member),
    Defect("offsets", "inputs scaled by 1/256", "pixels", offsets),
    Defect("gates", "gates exchanged", "recurrent", gates),
    Defect("unhooked", "hook lost", "hooked", unhooked),
)
