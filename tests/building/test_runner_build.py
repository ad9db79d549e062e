"""A second real environment: a runner built against Debian's LibTorch, and what it makes of the examples."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from conftest import models  # noqa: E402, F401
from second_libtorch import STORE, debian, needs_second_libtorch, on_both  # noqa: E402, F401

pytestmark = needs_second_libtorch


def test_it_is_kept_and_not_built_again(debian: str) -> None:  # noqa: F811
    before = (STORE / debian / "tsharness-runner").stat().st_mtime
    ran = on_both("runner", "build", "--libtorch", "/usr", "--name", debian)
    assert ran.code == 0 and (STORE / debian / "tsharness-runner").stat().st_mtime == before
    listed = on_both("runner", "list")
    rows = {words[0]: words for words in map(str.split, listed.out.splitlines()) if words}
    assert rows[debian][1].startswith("1.13."), listed.text
    assert all("good" in rows[name] for name in ("installed", debian)), listed.text


@pytest.mark.parametrize(
    "name", ["linear", "conditional", "script_method", "resnet", "transformer", "silero_vad"]
)
def test_both_compute_the_same(debian: str, models: Path, name: str, tmp_path: Path) -> None:  # noqa: F811
    kept = tmp_path / "run.json"
    ran = on_both("verify", models / f"{name}.pt", "--runner", "all", "--level", "quick", "--json", kept)
    new, old = json.loads(kept.read_text())["reports"]
    assert old["runner"]["libtorch"].startswith("1.13.") and new["runner"]["libtorch"].startswith("2.")
    assert ran.code == 0 and "2 of 2 targets pass" in ran.out, ran.text
    assert "rounding in another order: the reference is of torch" in old["judged"] and not new["judged"]


def test_a_tolerance_that_was_stated_stays(debian: str, models: Path, tmp_path: Path) -> None:  # noqa: F811
    kept = tmp_path / "run.json"
    stated = ("--rtol", "1.3e-6", "--atol", "1e-5", "--json", kept)
    on_both("verify", models / "linear.pt", "--runner", debian, "--level", "quick", *stated)
    (report,) = json.loads(kept.read_text())["reports"]
    assert not report["judged"]


def test_is_the_new_one_faster_and_the_same(debian: str, models: Path) -> None:  # noqa: F811
    compare = ("compare", models / "resnet.pt", "--runner-a", debian, "--runner-b", "installed")
    ran = on_both(*compare, "--margin", "5%")
    # Same or faster, and within the tolerance (1 if not); a busy machine may not be able to tell.
    assert ran.code in (0, 3), ran.text
    assert "debian, LibTorch 1.13." in ran.out and "a process for each, in turns" in ran.out


class Attention(torch.nn.Module):
    """Through an operator that came with LibTorch 2.0."""

    def forward(self, q: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.scaled_dot_product_attention(q, q, q)


class ByHand(torch.nn.Module):
    """The same, of operators that every LibTorch has."""

    def forward(self, q: torch.Tensor) -> torch.Tensor:
        weights = (q @ q.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)
        return weights @ q


def test_an_operator_that_the_old_one_lacks_is_named(debian: str, tmp_path: Path) -> None:  # noqa: F811
    import tsharness as package

    artifact = tmp_path / "attention.pt"
    package.export(Attention().eval(), torch.randn(2, 4, 8), artifact, families=())
    before = on_both("inspect", artifact, "--runner", debian)
    assert before.code == 5 and "TS332" in before.out and "scaled_dot_product_attention" in before.out
    ran = on_both("verify", artifact, "--runner", "all", "--level", "quick")
    assert ran.code == 5 and "1 of 2 targets pass" in ran.out, ran.text
    assert "TS332 it needs aten::scaled_dot_product_attention (LibTorch 2." in ran.out
    assert "export with the PyTorch of the target" in ran.out and "softmax(q @ k.mT / sqrt(d)) @ v" in ran.out
    package.export(ByHand().eval(), torch.randn(2, 4, 8), artifact, families=())
    assert on_both("verify", artifact, "--runner", "all", "--level", "quick").code == 0
