"""Planted causes are named, with the line that sets the switch."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from conftest import verify_json, with_case
from tsharness.exporting import torch_jit

Export = Callable[..., Path]


def recorded(module: nn.Module, x: Tensor, folder: Path, reference: Callable[[nn.Module], Tensor]) -> Path:
    """An artifact whose reference was computed in another environment."""
    path = folder / "m.pt"
    torch_jit.save(torch_jit.script(module.eval()), path)
    return with_case(path, x, reference(module))


def causes(path: Path, *options: str) -> list[dict[str, Any]]:
    ran, report = verify_json(path, "--level", "quick", *options)
    assert ran.code == 1, ran.text
    return [found for found in report["findings"] if found["code"] in ("TS206", "TS207")]


def names(found: list[dict[str, Any]]) -> list[str]:
    return [one["seen"].removeprefix("passes with ").split(" changed: ")[0] for one in found]


class Denormal(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 1e-40 * 1e38 * 1e2


def test_denormals(tmp_path: Path) -> None:
    x = torch.ones(4)

    def flushed(module: nn.Module) -> Tensor:
        torch.set_flush_denormal(True)
        try:
            return module(x)
        finally:
            torch.set_flush_denormal(False)

    found = causes(recorded(Denormal(), x, tmp_path, flushed))
    assert names(found) == ["denormals"]
    assert "at::globalContext().setFlushDenormal(true);" in found[0]["do"]


class AsksForGrad(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if torch.is_grad_enabled() else x * 3


def test_grad_mode(tmp_path: Path) -> None:
    found = causes(recorded(AsksForGrad(), torch.ones(4), tmp_path, lambda module: module(torch.ones(4))))
    assert names(found) == ["grad mode"]
    assert "at::AutoGradMode" in found[0]["do"]


class Sum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum()


def test_number_of_threads(tmp_path: Path) -> None:
    torch.manual_seed(0)
    half = torch.randn(1 << 19) * 1e6
    x = torch.cat([half, -half])[torch.randperm(1 << 20)]

    def serial(module: nn.Module) -> Tensor:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return module(x)
        finally:
            torch.set_num_threads(before)

    found = causes(recorded(Sum(), x, tmp_path, serial), "--threads", "2")
    assert names(found) == ["one thread"]
    assert "at::set_num_threads(1);" in found[0]["do"]


class Logarithm(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return ((x.log1p().double() - x.double().log1p()) * 1e7).float()


def test_cpu_capability(tmp_path: Path) -> None:
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        return
    x = torch.linspace(0, 3, 4096)
    torch.save(x, tmp_path / "x.pt")
    code = (
        "import torch; x = torch.load('x.pt');"
        "torch.save(((x.log1p().double() - x.double().log1p()) * 1e7).float(), 'y.pt')"
    )
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    path = recorded(Logarithm(), x, tmp_path, lambda _: torch.load(tmp_path / "y.pt"))
    assert names(causes(path)) == ["CPU capability"]


class Product(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x @ x).float() * 1e3


def test_onednn(tmp_path: Path) -> None:
    torch.manual_seed(0)
    x = torch.randn(256, 256).bfloat16()

    def without(module: nn.Module) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it also sets a flag of another device
            with torch.backends.mkldnn.flags(enabled=False):
                return module(x)

    if torch.equal(without(Product()), Product()(x)):
        return  # this processor's kernels do not differ
    path = recorded(Product(), x, tmp_path, without)
    assert "oneDNN" in names(causes(path, "--exact"))


def test_a_wrong_artifact_has_no_such_cause(tmp_path: Path) -> None:
    found = causes(recorded(Sum(), torch.ones(4), tmp_path, lambda _: torch.tensor(5.0)))
    assert [one["code"] for one in found] == ["TS207"]
    assert "--localize" in found[0]["do"]
