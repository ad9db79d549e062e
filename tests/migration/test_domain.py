"""Whether what replaces a TorchScript file does all that this one does; by way of ONNX, which is made in
seconds."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from conftest import Ran, tsharness, written_report  # noqa: E402
from tsharness.exporting import torch_jit  # noqa: E402

pytest.importorskip("onnxruntime", reason="onnxruntime is missing (make test-migration installs it)")
pytest.importorskip("onnxscript", reason="onnxscript is missing (make test-migration installs it)")


class Nested(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        return x * 2, (x + 1, x - 1)


class Times(torch.nn.Module):
    def forward(self, x: torch.Tensor, k: int) -> torch.Tensor:
        return x * k


class InPlace(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("h", torch.zeros(2, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.h[:, :2] = self.h[:, :2] + x[:, :2]
        return x + self.h


class TwoMethods(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @torch.jit.export
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


STATIC = """
import torch


def make():
    \"\"\"Its exporter forgets which dims are dynamic.\"\"\"
    original = torch.export.export

    def export(module, args, **options):
        return original(module, args, strict=False)

    torch.export.export = export
    torch.manual_seed(0)
    return torch.nn.Linear(4, 2).eval(), (torch.randn(3, 4),)
"""


def packed(model: torch.nn.Module, folder: Path, *inputs: str) -> Path:
    plain, target = folder / "plain.pt", folder / "m.pt"
    torch_jit.save(torch_jit.script(model.eval()), plain)
    asked = [part for one in inputs for part in ("--input", one)]
    ran = tsharness("pack", plain, *asked, "-o", target, "--quiet")
    assert ran.code == 0, ran.text
    return target


def to_onnx(source: str | Path, folder: Path, *more: str) -> Ran:
    asked = ("--to", "onnx", "-o", "m.onnx", "--compare-time", "0", "--level", "quick", "--json", "run.json")
    return tsharness("migrate", source, *asked, *more, cwd=folder, timeout=300)


def test_leaves_are_compared_and_other_sizes_are_tried(tmp_path: Path) -> None:
    """And the new file is judged by the old one on inputs that nobody has recorded."""
    old = packed(Nested(), tmp_path, "x=float32[3,4]")
    ran = to_onnx(old, tmp_path)
    report = written_report(tmp_path / "run.json")
    assert ran.code == 0 and {stage["verdict"] for stage in report["stages"]} == {"pass"}, ran.text
    assert {"x dim 0=4", "x dim 0=1", "x dim 1=5"} <= set(report["cases"])
    new = tmp_path / "m.onnx"
    asked = ("--input", "x=float32[5,4]", "--level", "quick")
    ran = tsharness("verify", new, *asked, "--reference", old)
    assert ran.code == 0 and f"the artifact computes what {old} computes" in ran.out, ran.text
    ran = tsharness("verify", new, *asked)
    assert ran.code == 2 and "--reference old.pt" in ran.err, ran.text
    code = "class M(torch.nn.Module):\n    def forward(self, x):\n        return x * 3, (x + 1, x - 1)\n"
    (tmp_path / "model.py").write_text(f"import torch\n{code}def make():\n    return M(), ()\n")
    ran = tsharness("verify", new, *asked, "--reference", "model.py:make", cwd=tmp_path)
    assert ran.code == 1 and "FAIL" in ran.out, ran.text


def test_sizes_that_the_new_one_does_not_take(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(STATIC)
    ran = to_onnx("model.py:make", tmp_path)
    assert ran.code == 1 and "TS521 other sizes of input dim 0, which the old one takes" in ran.out, ran.text
    assert "DIFFERS  other sizes of input dim 0" in ran.out and not (tmp_path / "m.onnx").exists()
    ran = to_onnx("model.py:make", tmp_path, "--dynamic", "input=*,*")
    assert ran.code == 0 and "may replace model.py:make, for these sizes alone (input dim 0)" in ran.out, (
        ran.text
    )


def test_an_argument_that_became_constant(tmp_path: Path) -> None:
    old = packed(Times(), tmp_path, "x=float32[3,4]", "k:int=3")
    ran = to_onnx(old, tmp_path)
    assert ran.code == 1 and "DIFFERS  input k became the constant 3" in ran.out, ran.text
    assert "at stage" not in ran.out and "operator" not in ran.out
    ran = to_onnx(old, tmp_path, "--fixed", "k")
    assert ran.code == 0 and "for k=3" in ran.out, ran.text


def test_state_that_is_not_kept(tmp_path: Path) -> None:
    ran = to_onnx(packed(InPlace(), tmp_path, "x=float32[2,4]"), tmp_path)
    assert ran.code == 1 and "DIFFERS  state that it does not keep: h" in ran.out, ran.text
    stages = {stage["name"]: stage["verdict"] for stage in written_report(tmp_path / "run.json")["stages"]}
    assert stages["exported"] == stages["decomposed"] == "pass" and stages["ONNX Runtime"] == "fail"


def test_methods_and_extra_files_that_stay_behind(tmp_path: Path) -> None:
    plain = tmp_path / "plain.pt"
    torch_jit.save(torch_jit.script(TwoMethods()), plain, extra_files={"r_max": b"5.0"})
    assert tsharness("pack", plain, "--input", "x=float32[3,4]", "-o", tmp_path / "m.pt").code == 0
    ran = to_onnx("m.pt", tmp_path)
    assert ran.code == 1 and "methods that it has not: encode; extra files that it has not: r_max" in ran.out
    assert not (tmp_path / "m.onnx").exists()


def test_quantised_weights_are_explained(tmp_path: Path) -> None:
    plain = tmp_path / "plain.pt"
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # torch.ao and torch.jit are deprecated, and files that they made stay
        float_model = torch.nn.Sequential(torch.nn.Linear(4, 4))
        model = torch.ao.quantization.quantize_dynamic(float_model, {torch.nn.Linear})
        torch_jit.save(torch.jit.trace(model.eval(), torch.ones(3, 4)), plain)
    ran = to_onnx(plain, tmp_path)
    assert ran.code == 5 and "BLOCKED  TS524" in ran.out and "before it was quantised" in ran.out, ran.text
