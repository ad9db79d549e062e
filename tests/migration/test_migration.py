"""To ExecuTorch and ONNX, with their packages: a group of its own (``make test-migration``), because it
installs them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from test_aoti import MODEL, WRONG  # noqa: E402

from conftest import Ran, models, tsharness, written_report  # noqa: E402, F401
from second_libtorch import STORE  # noqa: E402

pytest.importorskip("executorch", reason="executorch is missing (make test-migration installs it)")
pytest.importorskip("onnxruntime", reason="onnxruntime is missing (make test-migration installs it)")
pytest.importorskip("onnxscript", reason="onnxscript is missing (make test-migration installs it)")


def there(*arguments: str | Path, **options: object) -> Ran:
    """A command that knows the runner for ExecuTorch programs."""
    environment = {**os.environ, "TSHARNESS_RUNNERS": str(STORE)}
    return tsharness(*arguments, env=environment, timeout=900, **options)


@pytest.fixture(scope="session", autouse=True)
def executorch() -> None:
    ran = there("runner", "build", "--executorch")
    assert ran.code == 0 and "executorch: LibTorch" in ran.out, ran.text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("migrate")
    (place / "model.py").write_text(MODEL)
    (place / "wrong.py").write_text(WRONG)
    return place


@pytest.mark.parametrize("to", ["aoti", "executorch"])
def test_the_network_of_224_pixels_in_cpp_at_several_batches(to: str, models: Path, tmp_path: Path) -> None:  # noqa: F811
    target = tmp_path / f"resnet.{ {'aoti': 'pt2', 'executorch': 'pte'}[to] }"
    kept = tmp_path / "run.json"
    asked = ("--to", to, "-o", target, "--contiguous", "--compare-time", "2", "--json", kept)
    ran = there("migrate", models / "resnet.pt", *asked)
    report = written_report(kept)
    verified = report["verification"]
    good = {case["name"] for case in verified["cases"] if case["verdict"] == "pass"}
    batches = {case["outputs"][0]["shape"][0] for case in verified["cases"] if case["verdict"] == "pass"}
    assert good >= {"example", "N=4", "zeros"} and batches >= {1, 4}, ran.text
    checks = {check["id"]: check["verdict"] for check in verified["checks"]}
    assert checks["no-python"] == "pass" and verified["artifact"]["runtime"] == to


@pytest.mark.parametrize(("to", "suffix"), [("executorch", "pte"), ("onnx", "onnx")])
def test_the_new_one_is_verified_inspected_measured_and_compared(to: str, suffix: str, folder: Path) -> None:
    target = folder / f"model.{suffix}"
    asked = ("--to", to, "-o", target, "--dynamic", "x=N:1..16,*")
    ran = there("migrate", "model.py:make", *asked, cwd=folder)
    assert ran.code == 0 and f"SAFE  model.{suffix} may replace" in ran.out, ran.text
    assert there("verify", target).code == 0
    inspected = there("inspect", target)
    assert inspected.code == 0 and "operators" in inspected.out, inspected.text
    assert there("bench", target, "--min-time", "0.1", "--case", "example").code == 0
    script = folder / "model.pt"
    assert there("export", "model.py:make", "-o", script, cwd=folder).code == 0
    compared = there("compare", script, target, "--max-time", "2", "--margin", "5")
    assert "of base" in compared.out, compared.text


def test_a_pte_says_what_was_delegated_and_planned(folder: Path) -> None:
    kept = folder / "pte.json"
    assert there("verify", folder / "model.pte", "--json", kept, "--level", "quick").code == 0
    (method,) = written_report(kept)["artifact"]["facts"]["methods"].values()
    assert "XnnpackBackend" in method["backends"] and sum(method["planned_bytes"]) > 0


def test_what_a_bundle_cannot_hold_is_refused(folder: Path) -> None:
    ran = there("bundle", folder / "model.pte", "-o", folder / "bundle")
    assert ran.code == 2 and "ExecuTorch program" in ran.err and not (folder / "bundle").exists()


def test_a_wrong_decomposition_is_named_for_executorch_too(folder: Path) -> None:
    ran = there("migrate", "wrong.py:decomposed", "--to", "executorch", "-o", "wrong.pte", cwd=folder)
    assert ran.code == 1 and "at stage decomposed, operator aten.gelu.default (model.py:13)" in ran.out, (
        ran.text
    )


@pytest.mark.parametrize("suffix", ["pte", "onnx"])
def test_a_damaged_file_is_an_error_and_no_traceback(suffix: str, folder: Path, tmp_path: Path) -> None:
    whole = (folder / f"model.{suffix}").read_bytes()
    cases = folder / f"model.{suffix}.cases.safetensors"
    for number, data in enumerate((whole[: len(whole) // 2], whole[:40] + bytes(60) + whole[100:])):
        damaged = tmp_path / f"{number}.{suffix}"
        damaged.write_bytes(data)
        ran = there("verify", damaged, "--cases", cases)
        assert ran.code != 0 and "Traceback" not in ran.text, ran.text
        assert "Traceback" not in there("inspect", damaged).text


def test_several_targets_of_one_model(folder: Path) -> None:
    kept, new = folder / "all.json", folder / "new"
    asked = ("--to", "executorch", "--to", "onnx", "--to", "lite", "-o", new, "--compare-time", "1")
    ran = there("migrate", "model.py:make", *asked, "--json", kept, cwd=folder)
    reports = json.loads(kept.read_text())["reports"]
    assert [one["to"] for one in reports] == ["executorch", "onnx", "lite"], ran.text
    assert {one["verdict"] for one in reports} == {"safe"}
    names = {path.name for path in new.iterdir() if not path.name.endswith(".safetensors")}
    assert names == {"model.pte", "model.onnx", "model.ptl"}
    assert "may be replaced" in ran.out
