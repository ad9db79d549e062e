"""Artifacts without cases: what is asked for, and ``--input``."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from conftest import tsharness, verify_json
from tsharness.cases.input_spec import ScalarSpec, TensorSpec, expand, parse_dim, parse_input
from tsharness.errors import UsageError
from tsharness.exporting import torch_jit


class Scaled(torch.nn.Module):
    def forward(self, x: torch.Tensor, sr: int, loud: bool = False) -> torch.Tensor:
        y = x * sr
        return y + 1 if loud else y


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "bare.pt"
    torch_jit.save(torch_jit.script(Scaled()), path)
    return path


def test_without_cases_the_ways_to_give_inputs_are_named(bare: Path) -> None:
    ran = tsharness("verify", bare)
    assert ran.code == 2
    for way in ("tsharness.export", "--cases", "--input", "bare.pt.cases.safetensors"):
        assert way in ran.err


def test_input_and_dims(bare: Path) -> None:
    options = ("--input", "x=float32[N,3]", "--input", "sr:int=16000", "--dim", "N=1,4")
    ran, report = verify_json(bare, *options)
    assert ran.code == 0, ran.err
    assert [case["name"] for case in report["cases"]] == ["N=1", "N=4"]
    assert {case["origin"] for case in report["cases"]} == {"torchscript-python"}
    assert "C++ and Python run the artifact alike; the eager model was not consulted" in ran.err


def test_input_that_the_method_does_not_have(bare: Path) -> None:
    ran = tsharness("verify", bare, "--input", "y=float32[2]")
    assert ran.code == 5
    assert "missing value for argument 'x'" in ran.err and "Traceback" not in ran.text


def test_artifact_that_torch_cannot_load(tmp_path: Path) -> None:
    path = tmp_path / "broken.pt"
    path.write_bytes(b"nothing of the kind")
    ran = tsharness("verify", path, "--input", "x=float32[2]")
    assert ran.code == 5
    assert "torch.jit in Python" in ran.err and "Traceback" not in ran.text


def test_text_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "broken.pt"
    path.write_bytes(b"nothing of the kind")
    ran = tsharness("verify", path)
    assert ran.code == 5
    assert "is no TorchScript archive" in ran.err


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("x=float32[N,3]", TensorSpec("x", "float32", ("N", 3))),
        ("x=float32[]", TensorSpec("x", "float32", ())),
        ("ids=int64[N,16]:0..1000", TensorSpec("ids", "int64", ("N", 16), 0.0, 1000.0)),
        ("x=float32[2]:-1.5..1.5", TensorSpec("x", "float32", (2,), -1.5, 1.5)),
        ("sr:int=16000", ScalarSpec("sr", 16000)),
        ("on:bool=true", ScalarSpec("on", True)),
        ("p:float=0.5", ScalarSpec("p", 0.5)),
        ("name:str=a=b", ScalarSpec("name", "a=b")),
    ],
)
def test_input_is_understood(text: str, spec: TensorSpec | ScalarSpec) -> None:
    assert parse_input(text) == spec


@pytest.mark.parametrize("text", ["x", "x=", "x=float33[2]", "x=float32[a b]", "n:int=x", "b:bool=maybe"])
def test_input_is_not_understood(text: str) -> None:
    with pytest.raises(UsageError, match="for example"):
        parse_input(text)


def test_dims_multiply() -> None:
    specs = [TensorSpec("x", "float32", ("N", "T"))]
    cases = expand(specs, dict([parse_dim("N=1,2"), parse_dim("T=8,16")]))
    assert [case.name for case in cases] == ["N=1,T=8", "N=1,T=16", "N=2,T=8", "N=2,T=16"]
    assert cases[3].inputs == (TensorSpec("x", "float32", (2, 16)),)


@pytest.mark.parametrize("dims", [{}, {"N": (1,), "M": (2,)}])
def test_dims_must_match_the_inputs(dims: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(UsageError, match="dim"):
        expand([TensorSpec("x", "float32", ("N",))], dims)
