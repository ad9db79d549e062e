"""An operator that was replaced, deep inside a network or inside one branch, is named with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from conftest import tsharness, verify_json, with_case
from tsharness.exporting import torch_jit

X = torch.randn(5, 16, generator=torch.Generator().manual_seed(1))

SOURCE = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, approximate: str) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 16)
        self.approximate = approximate

    def forward(self, x):
        return x + nn.functional.gelu(self.layer(x), approximate=self.approximate)  # the line

class Deep(nn.Module):
    def __init__(self, odd: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block("tanh" if i == odd else "none") for i in range(12))
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)

class Branch(nn.Module):
    def __init__(self, slope: float) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 16)
        self.slope = slope

    def forward(self, x):
        y = self.layer(x)
        if bool(y.sum() < 1e9):
            for _ in range(3):
                y = torch.nn.functional.leaky_relu(y, self.slope)  # the line
        else:
            y = y * 2
        return self.layer(y)

def right():
    torch.manual_seed(0)
    return Deep(-1).eval()

def wrong():
    torch.manual_seed(0)
    return Deep(7).eval()

def right_branch():
    torch.manual_seed(0)
    return Branch(0.3).eval()

def wrong_branch():
    torch.manual_seed(0)
    return Branch(0.31).eval()
"""
LINES = [number for number, line in enumerate(SOURCE.splitlines(), 1) if "# the line" in line]


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that defines the networks, as a user's file."""
    (tmp_path / "network.py").write_text(SOURCE)
    from tsharness.exporting.load import _import_file

    monkeypatch.syspath_prepend(str(tmp_path))
    return _import_file(tmp_path / "network.py")


def saved(module: nn.Module, path: Path, traced: bool) -> Path:
    if traced:
        with torch_jit.without_deprecation():
            torch_jit.save(torch.jit.trace(module, X), path)
    else:
        torch_jit.save(torch_jit.script(module), path)
    return path


@pytest.mark.parametrize("traced", [True, False], ids=["trace", "script"])
def test_deep_inside_a_network(traced: bool, network: Any, tmp_path: Path) -> None:
    wrong = with_case(saved(network.wrong(), tmp_path / "wrong.pt", traced), X, network.right()(X))
    right = saved(network.right(), tmp_path / "right.pt", traced)
    ran, report = verify_json(wrong, "--level", "quick", "--localize", "--reference", right)
    assert ran.code == 1
    first = report["localized"]["first"]
    assert first["op"] == "aten::gelu" and first["source"].endswith(f"network.py:{LINES[0]}"), first
    assert first["module"].split(".")[-1] == "7"
    assert 12 < first["number"] < report["localized"]["operators"]
    assert report["localized"]["path"][0]["op"] == "aten::gelu"
    assert "first beyond the tolerance" in ran.err


def test_against_the_eager_model(network: Any, tmp_path: Path) -> None:
    wrong = with_case(saved(network.wrong(), tmp_path / "wrong.pt", False), X, network.right()(X))
    reference = f"{tmp_path / 'network.py'}:right"
    ran, report = verify_json(wrong, "--level", "quick", "--localize", "--reference", reference)
    assert ran.code == 1
    assert report["localized"]["first"]["op"] == "aten::gelu"
    assert report["localized"]["first"]["source"].endswith(f"network.py:{LINES[0]}")


def test_inside_one_branch_and_a_loop(network: Any, tmp_path: Path) -> None:
    wrong = with_case(saved(network.wrong_branch(), tmp_path / "w.pt", False), X, network.right_branch()(X))
    right = saved(network.right_branch(), tmp_path / "right.pt", False)
    _, report = verify_json(wrong, "--level", "quick", "--localize", "--reference", right)
    first = report["localized"]["first"]
    assert first["op"] == "aten::leaky_relu" and first["source"].endswith(f"network.py:{LINES[1]}"), first


class Denormal(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x.abs() + 1
        return y * 1e-40 * 1e38 * 1e2 + y


def test_the_operator_that_a_switch_changes(tmp_path: Path) -> None:
    path = saved(Denormal(), tmp_path / "m.pt", False)
    with_case(path, X, X.abs() + 1)  # as where denormals are flushed
    ran, report = verify_json(path, "--level", "quick", "--localize")
    assert ran.code == 1
    assert report["localized"]["against"] == "the same artifact with denormals changed"
    assert report["localized"]["first"]["op"] == "aten::mul"
    assert "setFlushDenormal" in ran.err


def test_without_a_second_target_it_says_what_it_needs(network: Any, tmp_path: Path) -> None:
    wrong = with_case(saved(network.wrong(), tmp_path / "wrong.pt", False), X, network.right()(X))
    ran = tsharness("verify", wrong, "--level", "quick", "--localize")
    assert ran.code == 1
    assert "TS208" in ran.out and "add --reference MODULE:FACTORY" in ran.out


def test_a_case_that_passes_needs_no_place(models: Path) -> None:
    _, report = verify_json(models / "linear.pt", "--level", "quick", "--localize")
    assert report["localized"] is None


def test_where_an_environment_parts_from_the_default(tmp_path: Path) -> None:
    path = saved(Denormal(), tmp_path / "m.pt", False)
    with_case(path, X, Denormal()(X))
    ran, report = verify_json(path, "--select", "parity", "--select", "precision", "--localize")
    assert ran.code == 1
    assert report["localized"]["against"].startswith("the default environment (precision:")
    assert report["localized"]["first"]["op"] == "aten::mul"
    assert "first beyond the tolerance" in ran.err


def test_the_smallest_part_that_fails(network: Any, tmp_path: Path) -> None:
    """One operator of the network, saved as an artifact that fails by itself."""
    wrong = with_case(saved(network.wrong(), tmp_path / "wrong.pt", False), X, network.right()(X))
    right = saved(network.right(), tmp_path / "right.pt", False)
    part = tmp_path / "part.pt"
    ran, report = verify_json(wrong, "--level", "quick", "--reduce", part, "--reference", right)
    assert ran.code == 1
    reduced = report["localized"]["reduced"]
    assert reduced == {"path": str(part), "operators": 1, "fails": True}
    assert f"fail by themselves: tsharness verify {part}" in ran.err
    alone, report = verify_json(part, "--level", "quick")
    assert alone.code == 1 and "differs in" in report["cases"][0]["outputs"][0]["reason"]
    assert "aten::gelu" in str(torch_jit.load(part).graph)


def test_a_part_with_a_branch_is_taken_whole(network: Any, tmp_path: Path) -> None:
    wrong = with_case(saved(network.wrong_branch(), tmp_path / "w.pt", False), X, network.right_branch()(X))
    right = saved(network.right_branch(), tmp_path / "right.pt", False)
    part = tmp_path / "part.pt"
    _, report = verify_json(wrong, "--level", "quick", "--reduce", part, "--reference", right)
    assert report["localized"]["reduced"]["fails"], report["localized"]
    assert "prim::If" in str(torch_jit.load(part).graph)
    assert tsharness("verify", part, "--level", "quick").code == 1


def test_a_part_that_a_switch_makes_fail(tmp_path: Path) -> None:
    path = with_case(saved(Denormal(), tmp_path / "m.pt", False), X, X.abs() + 1)
    part = tmp_path / "part.pt"
    _, report = verify_json(path, "--level", "quick", "--reduce", part)
    reduced = report["localized"]["reduced"]
    assert part.is_file() and reduced["operators"] <= 5
    if reduced["fails"]:
        assert tsharness("verify", part, "--level", "quick").code == 1
