"""Tolerances that mean something: a float64 run, and a classifier's decisions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from conftest import tsharness, verify_json, with_case
from tsharness.exporting import torch_jit

Export = Callable[..., Path]


def saved(module: nn.Module, x: Tensor, expected: Tensor, path: Path) -> Path:
    torch_jit.save(torch_jit.script(module.eval()), path)
    return with_case(path, x, expected)


class Product(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.register_buffer("weight", torch.randn(512, 40) * 100)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight


X = torch.randn(8, 512, generator=torch.Generator().manual_seed(3))


def in_another_order(weight: Tensor) -> Tensor:
    return sum((X[:, i : i + 64] @ weight[i : i + 64] for i in range(448, -1, -64)), torch.zeros(8, 40))


def test_rounding_is_told_from_wrong_values(tmp_path: Path) -> None:
    module = Product()
    right = saved(module, X, in_another_order(module.weight), tmp_path / "right.pt")
    assert tsharness("verify", right, "--level", "quick", "--rtol", "0", "--atol", "1e-5").code == 1
    ran, report = verify_json(right, "--level", "quick", "--tolerance", "fp64")
    assert ran.code == 0, ran.text
    errors = report["cases"][0]["outputs"][0]["float64"]
    assert 0 < errors["target"] < 0.01 and 0 < errors["reference"] < 0.01
    # An artifact that computes something else: its own float64 run vouches for it, the reference does not.
    wrong = saved(module, X, in_another_order(module.weight * 1.0001), tmp_path / "wrong.pt")
    ran, report = verify_json(wrong, "--level", "quick", "--tolerance", "fp64")
    assert ran.code == 1
    assert "from the float64 run, the reference" in report["cases"][0]["outputs"][0]["reason"]


class LessExact(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x.half().to(x.dtype)) * 3 if x.dtype == torch.float32 else x * 3


def test_a_target_that_rounds_more_than_its_reference(tmp_path: Path) -> None:
    path = saved(LessExact(), X, X * 3, tmp_path / "m.pt")
    assert tsharness("verify", path, "--level", "quick", "--tolerance", "fp64").code == 1


def test_what_cannot_be_cast(tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x @ torch.ones(512, 2, dtype=torch.float32)

    path = saved(Fixed(), X, Fixed()(X), tmp_path / "m.pt")
    ran = tsharness("verify", path, "--level", "quick", "--tolerance", "fp64")
    assert ran.code == 2
    assert "it does not run in float64" in ran.err and "--rtol" in ran.err
    assert tsharness("verify", path, "--tolerance", "loose").code == 2


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "pass"), (0.6, "fail")])
def test_decisions_of_a_classifier(shift: float, verdict: str, tmp_path: Path) -> None:
    class Scores(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 0

    scores = torch.arange(10.0).repeat(4, 1)
    given = scores + 1e-3  # beyond the tolerance, but no decision changes
    given[2, 8] += shift * 2
    path = saved(Scores(), given, scores, tmp_path / "m.pt")
    _, report = verify_json(path, "--level", "quick", "--topk", "1")
    checks = {check["id"]: check for check in report["checks"]}
    assert checks["parity"]["verdict"] == "fail"
    assert checks["decisions"]["verdict"] == verdict
    if verdict == "fail":
        assert checks["decisions"]["message"] == "top 1 changed in 1 of 4 rows; output in case one: 1"
    else:
        assert checks["decisions"]["message"] == "top 1 is the reference's in 4 rows"
    _, report = verify_json(path, "--level", "quick")
    assert "decisions" not in {check["id"] for check in report["checks"]}
