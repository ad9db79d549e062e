"""ONNX models in their runner, which needs ONNX Runtime."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from conftest import tsharness, with_case  # noqa: E402
from corpus import onnx_model  # noqa: E402

pytest.importorskip("onnxruntime", reason="onnxruntime is missing (make test-migration installs it)")


def test_weights_beside_a_model_are_read(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(struct.pack("<2f", 1, 2))
    path = onnx_model(tmp_path / "m.onnx", location="w.bin")
    with_case(path, torch.ones(2), torch.tensor([2.0, 3.0]))
    ran = tsharness("verify", path)
    assert ran.code == 0, ran.text
