"""Every kind of wrongness that a pass rules out is made here, and found."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from conftest import tsharness, verify_json
from tsharness.artifact.archive import CASES_RECORD
from tsharness.cases import Call, Case, CaseFile, read_case_file, write_case_file
from tsharness.exporting import torch_jit
from tsharness.exporting.torch_values import to_value

Export = Callable[..., Path]


class TwoOutputs(torch.nn.Module):
    def __init__(self, mode: str = "right") -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)
        self.mode = mode

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = self.layer(x)
        if self.mode == "dtype":
            return y.double(), -y
        if self.mode == "swapped":
            return -y, y
        if self.mode == "nan":
            return torch.where(y == y.max(), torch.full_like(y, float("nan")), y), -y
        if self.mode == "shape":
            return y[None], -y
        return y, -y


def wrong_artifact(mode: str, folder: Path, artifact: Export) -> tuple[Path, Path]:
    """An artifact that is wrong in one way, with the cases of the right one."""
    torch.manual_seed(0)
    right = TwoOutputs().eval()
    wrong = TwoOutputs(mode).eval()
    wrong.load_state_dict(right.state_dict())
    path = artifact(right, torch.randn(5, 4), method="script")
    cases = folder / "right.cases.safetensors"
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(CASES_RECORD))
        cases.write_bytes(archive.read(name))
    without_hash = read_case_file(cases)
    write_case_file(replace(without_hash, provenance={}), cases)
    torch_jit.save(torch_jit.script(wrong), folder / "wrong.pt")
    return folder / "wrong.pt", cases


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("dtype", "output[0]: dtype: expected float32, got float64"),
        ("swapped", "output[0] differs in 15 of 15 elements"),
        ("nan", "output[0] differs in 1 of 15 elements; NaN in 1, the reference has 0"),
        ("shape", "output[0]: shape: expected [5, 3], got [1, 5, 3]"),
    ],
)
def test_wrong_outputs(mode: str, message: str, tmp_path: Path, artifact: Export) -> None:
    path, cases = wrong_artifact(mode, tmp_path, artifact)
    ran = tsharness("verify", path, "--cases", cases)
    assert ran.code == 1
    assert f'FAIL  case "example": {message}' in ran.out


def test_swapped_outputs_are_called_so(tmp_path: Path, artifact: Export) -> None:
    path, cases = wrong_artifact("swapped", tmp_path, artifact)
    ran = tsharness("verify", path, "--cases", cases)
    assert "TS204 outputs are in another order than the reference's" in ran.out
    assert "output[0] holds what output[1] should, output[1] holds what output[0] should" in ran.out
    path, cases = wrong_artifact("nan", tmp_path, artifact)
    assert "TS204" not in tsharness("verify", path, "--cases", cases).out


def test_the_right_artifact_passes_with_the_same_cases(tmp_path: Path, artifact: Export) -> None:
    path, cases = wrong_artifact("right", tmp_path, artifact)
    ran = tsharness("verify", path, "--cases", cases)
    assert ran.code == 0
    assert f"{cases} (--cases)" in ran.out


def test_nan_is_no_matter_of_tolerance(tmp_path: Path, artifact: Export) -> None:
    path, cases = wrong_artifact("nan", tmp_path, artifact)
    ran = tsharness("verify", path, "--cases", cases, "--atol", "1e30")
    assert ran.code == 1
    assert "no tolerance passes" in ran.out


def flip_weight_byte(path: Path) -> str:
    """Flips one byte in the largest record of weights; returns its name."""
    with zipfile.ZipFile(path) as archive:
        info = max((i for i in archive.infolist() if "/data/" in i.filename), key=lambda i: i.file_size)
        content = archive.read(info)
    data = bytearray(path.read_bytes())
    at = data.index(content) + len(content) - 1
    data[at] ^= 1
    path.write_bytes(data)
    return info.filename


def test_flipped_weight_byte(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "linear.pt"
    shutil.copy(models / "linear.pt", path)
    record = flip_weight_byte(path)
    ran = tsharness("verify", path)
    assert ran.code == 1
    assert "FAIL  integrity: damaged record" in ran.out and record in ran.out


def test_replaced_record_with_a_right_crc(models: Path, tmp_path: Path) -> None:
    """The CRC holds, but the content is not what the cases were recorded with."""
    path = tmp_path / "linear.pt"
    with zipfile.ZipFile(models / "linear.pt") as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            extra = b"\n# edited\n" if info.filename.endswith("linear.py") else b""
            new.writestr(info.filename, old.read(info) + extra)
    ran = tsharness("verify", path)
    assert ran.code == 1
    assert "FAIL  integrity: the content is not what the cases were recorded with" in ran.out


class ChangesItsMind(torch.nn.Module):
    """Right for two calls, then not: as TorchScript's executor does when its fuser is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count.add_(1)
        return x + (self.count > 2).to(x.dtype)


def test_third_call_differs(tmp_path: Path) -> None:
    """Export records a model with state as a sequence of calls; a single call is what somebody else made."""
    path, x = tmp_path / "model.pt", to_value(torch.randn(3))
    torch_jit.save(torch_jit.script(ChangesItsMind().eval()), path)
    write_case_file(CaseFile((Case("example", (Call((x,), x),)),)), f"{path}.cases.safetensors")
    ran = tsharness("verify", path)
    assert ran.code == 1
    assert "(in 3 of 5 calls: call 3, call 4, call 5)" in ran.out
    assert "TS202 call 3 differs from the reference, earlier calls do not" in ran.out
    assert tsharness("verify", path, "--calls", "2", "--select", "parity").code == 0


class Random(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.dropout(x, 0.5, True)


def test_randomness_is_found_by_the_second_call(artifact: Export) -> None:
    torch.manual_seed(3)
    path = artifact(Random(), torch.ones(1000), method="script")
    ran = tsharness("verify", path)
    assert ran.code == 1
    assert "TS201 call 2 differs" in ran.out


class WritesItsInput(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.add_(1)


def test_a_model_that_writes_to_its_input_gets_fresh_ones(artifact: Export) -> None:
    path = artifact(WritesItsInput(), torch.ones(4), method="script")
    assert tsharness("verify", path, "--ignore", "inputs-unchanged").code == 0


class Everything(torch.nn.Module):
    """Outputs of every kind that a case can hold and TorchScript can return."""

    def forward(self, x: torch.Tensor, wrong: bool) -> dict[str, tuple[list[torch.Tensor], int, str, float]]:
        scale = 2 if wrong else 1
        text = "b" if wrong else "a"
        return {"key": ([x, x * 2], 3 * scale, text, 0.5 * scale)}


def test_each_leaf_is_compared(artifact: Export, tmp_path: Path) -> None:
    x = torch.ones(2)
    path = artifact(Everything(), (x, False), method="script")
    with zipfile.ZipFile(path) as archive:
        data = archive.read(next(n for n in archive.namelist() if n.endswith(CASES_RECORD)))
    cases = tmp_path / "cases.safetensors"
    cases.write_bytes(data)
    whole = read_case_file(cases)
    (case,) = whole.cases
    call = replace(case.calls[0], args=(case.calls[0].args[0], True))
    write_case_file(replace(whole, cases=(replace(case, calls=(call,)),)), cases)
    _, report = verify_json(path, "--cases", cases)
    outputs = {output["name"]: output for output in report["cases"][0]["outputs"]}
    assert {name for name, o in outputs.items() if o["verdict"] == "fail"} == {"key[1]", "key[2]", "key[3]"}
    assert outputs["key[1]"]["reason"] == "value: expected 3, got 6"
    assert outputs["key[0][1]"]["verdict"] == "pass"
    assert json.dumps(report)
