"""ONNX models in their runner, which needs ONNX Runtime."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from conftest import tsharness, verify_json, with_case  # noqa: E402
from corpus import onnx_model  # noqa: E402

pytest.importorskip("onnxruntime", reason="onnxruntime is missing (make test-migration installs it)")


def test_weights_beside_a_model_are_read(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(struct.pack("<2f", 1, 2))
    path = onnx_model(tmp_path / "m.onnx", location="w.bin")
    with_case(path, torch.ones(2), torch.tensor([2.0, 3.0]))
    ran = tsharness("verify", path)
    assert ran.code == 0, ran.text


@pytest.mark.parametrize("operator", ["NoSuchOperator", "Conv"])
def test_a_model_that_does_not_load_is_still_an_onnx_model(operator: str, tmp_path: Path) -> None:
    """An operator that there is not, and one with other inputs than it takes."""
    path = onnx_model(tmp_path / "m.onnx", operator)
    with_case(path, torch.ones(2), torch.tensor([2.0, 3.0]))
    ran, report = verify_json(path)
    assert ran.code == 5, ran.text
    checks = {check["id"]: check for check in report["checks"]}
    assert checks["no-python"]["verdict"] == "skipped", checks["no-python"]
    assert checks["load"]["verdict"] == "error"
    assert report["artifact"]["runtime"] == "onnx"
    assert "torchscript" not in ran.text.lower()
