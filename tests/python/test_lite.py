"""Bytecode for phones: verified by the lite interpreter, in every form and version that there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from conftest import ROOT, tsharness, verify_json, written_report
from tsharness.exporting import torch_jit

BIN = Path(torch.__file__).parent / "bin"
OLD = sorted([*BIN.glob("*.ptl"), *BIN.glob("upgrader_models/*.ptl")])


def saved(path: Path, *, flatbuffer: bool = False) -> Path:
    torch.manual_seed(0)
    with torch_jit.without_deprecation():
        module = torch.jit.script(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.GELU()))
        module._save_for_lite_interpreter(str(path), _use_flatbuffer=flatbuffer)
    return path


def test_old_archives_run(tmp_path: Path) -> None:
    """Those that torch's wheel brings: bytecode of version 4, and operators that were changed since."""
    assert len(OLD) > 5 and any("v4" in path.name for path in OLD)
    kept = tmp_path / "run.json"
    ran = tsharness("verify", *OLD, "--level", "quick", "--json", kept)
    reports = json.loads(kept.read_text())["reports"]
    assert len(reports) == len(OLD), ran.text
    for path, report in zip(OLD, reports, strict=True):
        assert report["artifact"]["runtime"] == "lite"
        assert all(case["verdict"] == "pass" for case in report["cases"]), path
        # Operators that are tested in place write to their inputs, and that is found.
        in_place = path.stem.split("_v2")[0].endswith(("tensor_inplace", "out"))
        failed = {check["id"] for check in report["checks"] if check["verdict"] == "fail"}
        assert failed == ({"inputs-unchanged"} if in_place else set()), path


@pytest.mark.parametrize("flatbuffer", [False, True])
def test_the_lite_interpreter_runs_it(tmp_path: Path, flatbuffer: bool) -> None:
    path = saved(tmp_path / "m.ptl", flatbuffer=flatbuffer)
    given = ("--input", "input=float32[2,3]", "--level", "quick")
    ran, report = verify_json(path, *given)
    assert ran.code == 0, ran.text
    assert report["artifact"]["runtime"] == "lite"
    assert report["artifact"]["facts"]["bytecode_version"] >= 8


def test_and_torchscript_does_where_that_is_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.ptl")
    ran, report = verify_json(
        path, "--kind", "torchscript", "--input", "input=float32[2,3]", "--level", "quick"
    )
    assert ran.code == 0 and report["artifact"]["runtime"] == "torchscript", ran.text


def test_another_kind_than_it_is_fails_to_load(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.ptl")
    ran = tsharness("verify", path, "--kind", "aoti", "--input", "input=float32[2,3]")
    assert ran.code != 0 and "Traceback" not in ran.text
    ran = tsharness("verify", path, "--kind", "nonsense")
    assert ran.code == 2 and "expected torchscript, lite, aoti, executorch, onnx" in ran.err


def test_export_writes_it_and_proves_it(tmp_path: Path) -> None:
    target = tmp_path / "linear.ptl"
    ran = tsharness("export", "examples/linear.py:make", "-o", target, "--format", "lite", cwd=ROOT)
    assert ran.code == 0, ran.text
    ran, report = verify_json(target)
    assert ran.code == 0 and report["artifact"]["runtime"] == "lite" and len(report["cases"]) > 5, ran.text
    assert tsharness("inspect", target).out.count("bytecode of version") == 1
    assert tsharness("export", "examples/linear.py:make", "-o", target, "--format", "x", cwd=ROOT).code == 2


def test_an_older_runtime_gets_older_bytecode(models: Path, tmp_path: Path) -> None:
    target = tmp_path / "linear.ptl"
    kept = tmp_path / "run.json"
    asked = ("--to", "lite", "--bytecode", "5", "-o", target, "--compare-time", "0", "--json", kept)
    ran = tsharness("migrate", models / "linear.pt", *asked)
    assert ran.code == 0 and "SAFE" in ran.out, ran.text
    assert written_report(kept)["verification"]["artifact"]["facts"]["bytecode_version"] == 5


def test_a_version_that_torch_cannot_write_blocks(models: Path, tmp_path: Path) -> None:
    target = tmp_path / "linear.ptl"
    ran = tsharness("migrate", models / "linear.pt", "--to", "lite", "--bytecode", "1", "-o", target)
    assert ran.code == 5 and "BLOCKED" in ran.out and "cannot go back to 1" in ran.out, ran.text
    assert not target.exists() and not list(tmp_path.iterdir())
