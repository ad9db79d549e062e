"""Custom operators: an artifact that needs them says so, and runs with their library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from conftest import tsharness

SOURCE = """
#include <ATen/ATen.h>
#include <torch/library.h>
at::Tensor twice(const at::Tensor& x) { return x * 2; }
TORCH_LIBRARY(demo, m) { m.def("twice(Tensor x) -> Tensor", twice); }
"""
ARTIFACT = """
import sys, torch, warnings
warnings.simplefilter("ignore")
torch.ops.load_library(sys.argv[1])
class Model(torch.nn.Module):
    def forward(self, x):
        return torch.ops.demo.twice(x) + 1
torch.jit.script(Model()).save(sys.argv[2])
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    (folder / "demo.cpp").write_text(SOURCE)
    root = Path(torch.__file__).parent
    standard = "-std=c++20" if torch.__version__ >= "2.14" else "-std=c++17"
    target = folder / "libdemo.so"
    linked = [f"-L{root / 'lib'}", "-ltorch", "-ltorch_cpu", "-lc10"]
    command = ["c++", standard, "-O0", "-fPIC", "-shared", f"-I{root / 'include'}", "demo.cpp", "-o", target]
    command += linked
    subprocess.run(list(map(str, command)), cwd=folder, check=True)
    (folder / "make.py").write_text(ARTIFACT)  # TorchScript reads the source of what it compiles
    subprocess.run([sys.executable, folder / "make.py", target, folder / "model.pt"], check=True)
    return target


def test_with_its_library(library: Path) -> None:
    model = library.with_name("model.pt")
    ran = tsharness("verify", model, "--input", "x=float32[2,3]", "--load-library", library)
    assert ran.code == 0, ran.text
    ran = tsharness(
        "verify", model, "--load-library", library, "--reference", "none", "--input", "x=float32[2]"
    )
    assert ran.code == 0, ran.text


def test_without_its_library_the_operator_is_named(library: Path, tmp_path: Path) -> None:
    model = library.with_name("model.pt")
    cases = tmp_path / "cases.safetensors"
    from tsharness.cases import Call, Case, CaseFile, Tensor, write_case_file

    x = Tensor("float32", (1,), b"\x00\x00\x80?")
    write_case_file(CaseFile((Case("one", (Call((x,), x),)),)), cases)
    ran = tsharness("verify", model, "--cases", cases)
    assert ran.code == 7 and "TS363 demo::twice" in ran.err and "--load-library" in ran.err
    allowed = ("--allow-op", "demo::twice")
    ran = tsharness("verify", model, "--cases", cases, *allowed)
    assert ran.code == 5
    assert "TS209 it needs demo::twice" in ran.out and "--load-library" in ran.out
    ran = tsharness("verify", model, *allowed)
    assert ran.code == 5 and "Unknown builtin op: demo::twice" in ran.err


def test_no_such_library(library: Path) -> None:
    ran = tsharness(
        "verify", library.with_name("model.pt"), "--load-library", "nothing.so", "--reference", "none"
    )
    assert ran.code == 2
    assert "nothing.so cannot be loaded" in ran.err
