"""A second real environment: a runner built against Debian's LibTorch, and what it makes of the examples."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from conftest import Ran, models, tsharness  # noqa: E402, F401

pytestmark = pytest.mark.skipif(
    not Path("/usr/include/torch").is_dir(),
    reason="no second LibTorch here (Debian: apt-get install libtorch-dev)",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a runner for the LibTorch in /usr."""
    folder = tmp_path_factory.mktemp("runners")
    ran = _run(folder, "runner", "build", "--libtorch", "/usr", "--name", "debian")
    assert ran.code == 0, ran.text
    return folder


def _run(store: Path, *arguments: str | Path) -> Ran:
    environment = {**os.environ, "TSHARNESS_RUNNERS": str(store)}
    return tsharness(*arguments, env=environment, timeout=600)


def test_it_is_kept_and_not_built_again(store: Path) -> None:
    before = (store / "debian" / "tsharness-runner").stat().st_mtime
    ran = _run(store, "runner", "build", "--libtorch", "/usr", "--name", "debian")
    assert ran.code == 0 and (store / "debian" / "tsharness-runner").stat().st_mtime == before
    listed = _run(store, "runner", "list")
    assert "1.13." in listed.out and listed.out.count("good") == 2, listed.text


@pytest.mark.parametrize("name", ["linear", "conditional", "script_method", "resnet", "silero_vad"])
def test_both_compute_the_same(store: Path, models: Path, name: str, tmp_path: Path) -> None:  # noqa: F811
    kept = tmp_path / "run.json"
    ran = _run(store, "verify", models / f"{name}.pt", "--runner", "all", "--level", "quick", "--json", kept)
    versions = [report["runner"]["libtorch"] for report in json.loads(kept.read_text())["reports"]]
    assert versions[1].startswith("1.13.") and versions[0].startswith("2.")
    assert ran.code == 0 and "2 of 2 targets pass" in ran.out, ran.text


def test_is_the_new_one_faster_and_the_same(store: Path, models: Path) -> None:  # noqa: F811
    compare = ("compare", models / "resnet.pt", "--runner-a", "debian", "--runner-b", "installed")
    ran = _run(store, *compare, "--margin", "5%")
    assert ran.code == 0, ran.text  # same or faster, and within the tolerance
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


def test_an_operator_that_the_old_one_lacks_is_named(store: Path, tmp_path: Path) -> None:
    import tsharness as package

    artifact = tmp_path / "attention.pt"
    package.export(Attention().eval(), torch.randn(2, 4, 8), artifact, families=())
    before = _run(store, "inspect", artifact, "--runner", "debian")
    assert before.code == 5 and "TS332" in before.out and "scaled_dot_product_attention" in before.out
    ran = _run(store, "verify", artifact, "--runner", "all", "--level", "quick")
    assert ran.code == 5 and "1 of 2 targets pass" in ran.out, ran.text
    assert "TS332 it needs aten::scaled_dot_product_attention (LibTorch 2." in ran.out
    assert "export with the PyTorch of the target" in ran.out
    package.export(ByHand().eval(), torch.randn(2, 4, 8), artifact, families=())
    assert _run(store, "verify", artifact, "--runner", "all", "--level", "quick").code == 0
