"""The project that ``tsharness repro`` writes builds against LibTorch and reproduces the case."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import tsharness as package
from conftest import Ran, run, tsharness

Export = Callable[..., Path]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def built_and_run(folder: Path) -> Ran:
    ran = run("cmake", "-S", ".", "-B", "build", "-G", "Ninja", cwd=folder, env=ENVIRONMENT)
    assert ran.code == 0, ran.text
    ran = run("cmake", "--build", "build", cwd=folder, env=ENVIRONMENT, timeout=300)
    assert ran.code == 0, ran.text
    assert "warning" not in ran.out
    return run(folder / "build" / "repro", cwd=folder)


class Everything(torch.nn.Module):
    """Inputs of every kind that has an expression in C++."""

    def forward(
        self,
        x: Tensor,
        times: int,
        scale: float,
        names: dict[str, Tensor],
        many: list[Tensor],
        loud: bool,
        text: str,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        y = x * times * scale + names["a"] + many[1]
        return (y + 1 if loud and text == "tab\t" else y), {"half": y.half()}


def test_a_case_that_passes(tmp_path: Path, artifact: Export) -> None:
    x = torch.randn(4, 3).t()  # strides that are not contiguous
    given = package.Inputs(
        x, times=3, scale=0.5, names={"a": torch.ones(4)}, many=[x, x + 1], loud=True, text="tab\t"
    )
    path = artifact(Everything(), given, method="script")
    ran = tsharness("repro", path, "-o", tmp_path / "out")
    assert ran.code == 0 and "the case passes here" in ran.out and "cmake -S . -B build" in ran.out
    ran = built_and_run(tmp_path / "out")
    assert ran.code == 0, ran.text
    assert ran.out.splitlines()[-1] == "PASS" and ran.out.count("half: largest difference 0  ok") == 5


@pytest.fixture
def project(models: Path, tmp_path: Path) -> Path:
    assert tsharness("repro", models / "linear.pt", "-o", tmp_path / "out").code == 0
    return tmp_path / "out"


def test_without_torch_it_says_what_to_name(project: Path, tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n')  # without site-packages
    python.chmod(0o755)
    command = ("cmake", "-S", ".", "-B", "build", f"-DPython3_EXECUTABLE={python}")
    ran = run(*command, cwd=project, env=ENVIRONMENT)
    said = " ".join(ran.err.split())
    assert ran.code != 0 and "no LibTorch: name one, cmake -B build -DLIBTORCH=DIR" in said, ran.text
    assert "Traceback" not in ran.text
    ran = run(*command, f"-DLIBTORCH={tmp_path}", cwd=project, env=ENVIRONMENT)
    assert ran.code != 0 and f"{tmp_path} is no LibTorch" in " ".join(ran.err.split()), ran.text
    ran = run(*command, f"-DLIBTORCH={Path(torch.__file__).parent}", cwd=project, env=ENVIRONMENT)
    assert ran.code == 0, ran.text


def test_a_case_that_fails(models: Path, tmp_path: Path) -> None:
    path = models / "conditional_traced.pt"
    ran = tsharness("repro", path, "--case", "condition=False", "-o", tmp_path / "out")
    assert ran.code == 0 and "the case fails here" in ran.out
    assert "**fail**" in (tmp_path / "out" / "README.md").read_text()
    ran = built_and_run(tmp_path / "out")
    assert ran.code == 1
    assert "FAIL" in ran.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--case", "nothing"], "no case 'nothing'; there are: example"),
        ([], "is there already"),
    ],
)
def test_what_cannot_be_written(options: list[str], said: str, models: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    if not options:
        target.mkdir()
    ran = tsharness("repro", models / "linear.pt", "-o", target, *options)
    assert ran.code == 2 and said in ran.err
    assert not (target / "main.cpp").exists()


def test_a_value_without_an_expression(artifact: Export, tmp_path: Path) -> None:
    class Nested(torch.nn.Module):
        def forward(self, x: list[list[Tensor]]) -> Tensor:
            return x[0][0] + 0

    path = artifact(Nested(), package.Inputs([[torch.ones(2)]]), method="script")
    ran = tsharness("repro", path, "-o", tmp_path / "out")
    assert ran.code == 2 and "has no plain expression in C++" in ran.err
    assert not (tmp_path / "out").exists()
