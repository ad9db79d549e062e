"""Models that earn the lints of ``inspect`` (TS34x and on), one each.

torch.jit.unused reads annotations as objects, hence no import of annotations."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from corpus import record, rewrite, scripted, small, traced, with_code
from tsharness.exporting import torch_jit

X = torch.ones(3, 16)
LINTS: dict[str, Callable[[Path], Any]] = {}


def earns(code: str) -> Callable[[Callable[[Path], Any]], Callable[[Path], Any]]:
    def register(make: Callable[[Path], Any]) -> Callable[[Path], Any]:
        LINTS[code] = make
        return make

    return register


class MakesOnItsDevice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.zeros(16, device=x.device)  # the line


@earns("TS341")
def device(path: Path) -> None:
    traced(MakesOnItsDevice(), X, path)


@earns("TS342")
def dtype(path: Path) -> None:
    class Casts(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.to(torch.float32) * 2

    traced(Casts(), X.double(), path)


@earns("TS343")
def size(path: Path) -> None:
    class Views(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.view(int(x.size(0)), 4, 4)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced(Views(), X, path)


@earns("TS344")
def training(path: Path) -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.Dropout())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced_in_training = torch.jit.trace(model.train(), X, check_trace=False)
    torch_jit.save(traced_in_training, path)


class Noisy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


@earns("TS345")
def randomness(path: Path) -> None:
    scripted(Noisy(), path)


class Adds(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.add_(1)


class HandsOn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Adds()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first * self.inner(second)


@earns("TS346")
def written_input(path: Path) -> None:
    scripted(HandsOn(), path)


class Counts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return x * self.count


@earns("TS347")
def state(path: Path) -> None:
    scripted(Counts(), path)


@earns("TS348")
def frozen(path: Path) -> None:
    with torch_jit.without_deprecation():
        torch_jit.save(torch.jit.freeze(torch.jit.script(nn.Linear(64, 64).eval())), path)


@earns("TS349")
def double(path: Path) -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 16)
            self.register_buffer("scale", torch.ones(2, dtype=torch.float64))

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x) * self.scale[0]

    traced(Mixed(), X, path)


@earns("TS350")
def subnormal(path: Path) -> None:
    model = nn.Linear(16, 16)
    with torch.no_grad():
        model.weight[3] = 1e-40
    scripted(model, path)


class Ignores(nn.Module):
    @torch.jit.unused
    def in_python(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self.in_python(x) if x.numel() == 0 else x


@earns("TS351")
def ignored(path: Path) -> None:
    scripted(Ignores(), path)


@earns("TS353")
def saved_on_gpu(path: Path) -> None:
    small(path)
    data = record(path, "data.pkl")
    assert data.count(b"X\x03\x00\x00\x00cpu") == 1
    rewrite(path, {"data.pkl": data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")})


@earns("TS354")
def autocast(path: Path) -> None:
    with_code(path, "torch.relu(", "torch._autocast_to_reduced_precision(False, True, 5, 15, self=")


class Forces(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = (x * x).sum()
        (grad,) = torch.autograd.grad([y], [x])
        assert grad is not None
        return grad


@earns("TS355")
def gradients(path: Path) -> None:
    scripted(Forces(), path)


@earns("TS356")
def optimised(path: Path) -> None:
    with_code(path, "torch.relu(", "torch.to_mkldnn(")


@earns("TS334")
def quantised(path: Path) -> None:
    with_code(path, "torch.relu(", "ops.quantized.linear(")


@earns("TS337")
def not_lite(path: Path) -> Path:
    return small(path.with_suffix(".ptl"))


@earns("TS336")
def lite(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Linear(4, 4))._save_for_lite_interpreter(str(path))


class Boxes:
    def __init__(self, corners: Tensor) -> None:
        self.corners = corners


class GivesBoxes(nn.Module):
    def forward(self, x: Tensor) -> tuple[Boxes, Tensor]:
        return Boxes(x[:, :4]), x[:, 4]


@earns("TS384")
def objects(path: Path) -> None:
    scripted(GivesBoxes(), path)
