"""Scales, dtypes and what numbers do at their edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from verdict_models.making import Healthy


class Scaled(nn.Module):
    """Everything that it computes is tiny, or huge."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.linear, self.factor = nn.Linear(6, 4), factor

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) * self.factor


class Mixed(nn.Module):
    """Outputs of scales that are far apart."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 3)
        self.register_buffer("scales", torch.tensor([1e-6, 1.0, 1e6]))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) * self.scales


class Narrow(nn.Module):
    """Weights and arithmetic of few digits."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.layers = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4)).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.to(self.dtype))


class Double(nn.Module):
    """All in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(5, 3).double()

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(self.linear(x))


class Bytes(nn.Module):
    """Pixels as bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.convolution(pixels.float() / 255.0)


class Sums(nn.Module):
    """Integers in, wider ones out."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        wide = x.to(torch.int64)
        return (wide * wide).sum(1), torch.div(wide, 3, rounding_mode="floor")


class Decides(nn.Module):
    """Answers that are true or false."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.linear(x)
        return logits > 0, (logits > 0).any(1)


class Spectrum(nn.Module):
    """Complex numbers go out."""

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        spectrum = torch.fft.rfft(signal)
        return spectrum, torch.fft.irfft(spectrum * 0.5, n=signal.size(-1))


class Rotated(nn.Module):
    """Complex numbers come in."""

    def forward(self, z: Tensor) -> Tensor:
        return z * z.conj().flip(-1) + torch.polar(z.abs(), z.angle())


class SparseWeights(nn.Module):
    """A sparse matrix among the buffers."""

    def __init__(self) -> None:
        super().__init__()
        dense = torch.randn(5, 8) * (torch.rand(5, 8) > 0.6)
        self.register_buffer("matrix", dense.to_sparse().coalesce())

    def forward(self, x: Tensor) -> Tensor:
        return torch.sparse.mm(self.matrix, x.t()).t()


class Solved(nn.Module):
    """Inverse, Cholesky factor, determinant."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        square = x @ x.transpose(1, 2) + 2.0 * torch.eye(x.size(1))
        return torch.linalg.inv(square), torch.linalg.cholesky(square), torch.linalg.slogdet(square)[1]


class Singular(nn.Module):
    """Singular values, and the matrix put together again, whatever signs the vectors have."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        u, s, v = torch.linalg.svd(x, full_matrices=False)
        return s, (u[..., :2] * s[..., None, :2]) @ v[..., :2, :]


class Missing(nn.Module):
    """NaN stands for what is missing, infinity for what has no bound."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.where(x < -1.0, float("nan"), x), torch.where(x > 1.0, float("inf"), x)


class Signs(nn.Module):
    """Zeros with their signs."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.copysign(torch.zeros_like(x), x), torch.trunc(x * 0.5)


class Undropped(nn.Module):
    """Dropout that is not there in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 12), nn.Dropout(0.5), nn.ReLU(), nn.Linear(12, 2))

    def forward(self, x: Tensor) -> Tensor:
        return functional.dropout(self.layers(x), 0.3, training=self.training)


def quantised() -> nn.Module:
    """Linear layers with weights of eight bits, as torch makes them."""
    layers = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4)).eval()
    return torch.ao.quantization.quantize_dynamic(layers, {nn.Linear}, dtype=torch.qint8)


def _bytes() -> Tensor:
    return torch.randint(256, (2, 3, 8, 8), dtype=torch.uint8)


_FEATURES = {"x": {0: "N:1..8"}}
MODELS = (
    Healthy("tiny", "tiny scale", lambda: Scaled(1e-12), lambda: torch.randn(3, 6)),
    Healthy("huge", "huge scale", lambda: Scaled(1e8), lambda: torch.randn(3, 6)),
    Healthy("mixed", "scales far apart", Mixed, lambda: torch.randn(3, 6), options={"dynamic": _FEATURES}),
    Healthy("half", "float16 weights", lambda: Narrow(torch.float16), lambda: torch.randn(3, 16)),
    Healthy("bfloat", "bfloat16 weights", lambda: Narrow(torch.bfloat16), lambda: torch.randn(3, 16)),
    Healthy("double", "float64", Double, lambda: torch.randn(3, 5, dtype=torch.float64)),
    Healthy("pixels", "bytes as inputs", Bytes, _bytes),
    Healthy("sums", "integers", Sums, lambda: torch.randint(-100000, 100000, (3, 6), dtype=torch.int32)),
    Healthy("decides", "bool outputs", Decides, lambda: torch.randn(3, 5)),
    Healthy("spectrum", "fft, complex outputs", Spectrum, lambda: torch.randn(2, 16)),
    Healthy("rotated", "complex inputs", Rotated, lambda: torch.randn(2, 6, dtype=torch.complex64)),
    Healthy("sparse_weights", "sparse", SparseWeights, lambda: torch.randn(3, 8), how="script"),
    Healthy("solved", "inverse, Cholesky", Solved, lambda: torch.randn(2, 4, 6)),
    Healthy("singular", "singular values", Singular, lambda: torch.randn(2, 5, 4)),
    Healthy("missing", "NaN and infinity by design", Missing, lambda: torch.randn(3, 8) * 2),
    Healthy(
        "signs",
        "signs of zeros, no parameters",
        Signs,
        lambda: torch.randn(3, 8),
        options={"exact": True},
    ),
    Healthy(
        "undropped",
        "dropout in eval mode",
        Undropped,
        lambda: torch.randn(3, 6),
        options={"dynamic": _FEATURES},
    ),
    Healthy("quantised", "quantised dynamic", quantised, lambda: torch.randn(3, 16), how="script"),
)
