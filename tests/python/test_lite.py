"""Bytecode for phones: verified by the lite interpreter, in every form and version that there is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import tsharness as package
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


CONTEXTS = '''
from typing import Any

import torch


def doubled(x):
    with torch.no_grad():
        return x * 2


class Counting(torch.nn.Module):
    """Contexts in a method, in a branch, in a function that it calls; state, and a method that resets it."""

    def __init__(self):
        super().__init__()
        self.count = 0

    @torch.jit.export
    def reset(self):
        with torch.no_grad():
            self.count = 0

    def forward(self, x):
        if x.dim() > 1:
            with torch.autograd.profiler.record_function("row"):
                x = x[0]
        self.count += 1
        return doubled(x) + self.count


class Owner:
    def __init__(self):
        self.entered = 1

    def __enter__(self):
        self.entered = 2

    def __exit__(self, kind: Any, value: Any, trace: Any):
        self.entered = 3


class Owned(torch.nn.Module):
    def forward(self, x):
        owner = Owner()
        with owner:
            return x * owner.entered


class Forked(torch.nn.Module):
    def forward(self, x):
        later = torch.jit.fork(doubled, x)
        return torch.jit.wait(later)


class Chosen(torch.nn.Module):
    def forward(self, x):
        quiet = torch.no_grad()
        if x.numel() > 5:
            quiet = torch.no_grad()
        with quiet:
            return x * 2


def chosen():
    return torch.jit.script(Chosen()), (torch.ones(3),)


def counting():
    import tsharness

    row, rows = tsharness.Inputs(torch.ones(3)), tsharness.Inputs(torch.ones(2, 3))
    calls = [tsharness.Inputs(method="reset"), rows, row]
    return torch.jit.script(Counting()), {"example": calls, "again": calls[:2]}


def forked():
    return torch.jit.script(Forked()), (torch.ones(3),)


def owned():
    torch.jit.script(Owner)
    return torch.jit.script(Owned()), (torch.ones(3),)
'''


@pytest.fixture
def contexts(tmp_path: Path) -> Path:
    (tmp_path / "contexts.py").write_text(CONTEXTS)
    return tmp_path


def line_of(text: str) -> int:
    return 1 + [line.strip() for line in CONTEXTS.splitlines()].index(text)


def test_contexts_that_change_no_value_are_left_out(contexts: Path) -> None:
    """Of methods and functions; whole sequences of calls go with it, resets too."""
    kept = contexts / "run.json"
    asked = ("--to", "lite", "-o", "c.ptl", "--compare-time", "0", "--json", kept)
    ran = tsharness("migrate", "contexts.py:counting", *asked, cwd=contexts)
    assert ran.code == 0 and "SAFE" in ran.out, ran.text
    notes = [one["seen"] for one in written_report(kept)["findings"] if one["code"] == "TS518"]
    text = 'with torch.autograd.profiler.record_function("row"):'
    told = f"record_function(): `{text}` (contexts.py:{line_of(text)})"
    assert len(notes) == 2 and told in notes
    (without_gradients,) = (note for note in notes if note != told)
    for line in (line_of("def doubled(x):") + 1, line_of("def reset(self):") + 1):
        assert f"`with torch.no_grad():` (contexts.py:{line})" in without_gradients
    ran, report = verify_json(contexts / "c.ptl")
    assert ran.code == 0 and report["artifact"]["runtime"] == "lite", ran.text
    calls = {case["name"]: case["calls"] for case in report["cases"]}
    assert calls["example"] == 15 and calls["again"] == 10


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("forked", "later = torch.jit.fork(doubled, x)"),
        ("owned", "owner = Owner()"),
        ("chosen", "if x.numel() > 5:"),
    ],
)
def test_what_bytecode_lacks_is_named_with_its_line(contexts: Path, name: str, text: str) -> None:
    ran = tsharness("migrate", f"contexts.py:{name}", "--to", "lite", "-o", "c.ptl", cwd=contexts)
    assert ran.code == 5 and "BLOCKED  TS519" in ran.out, ran.text
    assert f"contexts.py:{line_of(text)}: {text}" in ran.out
    ran = tsharness("export", f"contexts.py:{name}", "--format", "lite", "-o", "c.ptl", cwd=contexts)
    assert ran.code == 1 and f"is not supported in mobile module. (contexts.py:{line_of(text)})" in ran.out, (
        ran.text
    )
    assert sorted(path.name for path in contexts.iterdir() if path.is_file()) == ["contexts.py"]


def test_export_leaves_the_model_as_it_is(tmp_path: Path) -> None:
    """Modules of one class share their code: the next one that is scripted has its contexts."""

    class Quiet(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                return x * 2

    report = package.export(Quiet().eval(), torch.ones(3), tmp_path / "q.ptl", method="script", format="lite")
    assert [one.code for one in report.findings].count("TS518") == 1
    with torch_jit.without_deprecation():
        scripted = torch.jit.script(Quiet().eval())
    assert "prim::Enter" in str(scripted.graph)


def test_a_real_detector_keeps_its_state(models: Path, tmp_path: Path) -> None:
    """silero-vad, whose recordings begin with a reset."""
    asked = ("--to", "lite", "-o", tmp_path / "vad.ptl", "--level", "quick", "--compare-time", "0")
    ran = tsharness("migrate", models / "silero_vad.pt", *asked)
    assert "TS518 torch.no_grad(): vad_annotator.py:712" in ran.out, ran.text
    # All that its cases call is right; a method of it no case calls.
    assert ran.code == 3 and "UNPROVED  nothing differs, but no case calls audio_forward:" in ran.out, (
        ran.text
    )


def extra_files_of(path: Path, *names: str) -> dict[str, bytes]:
    found: dict[str, str | bytes] = dict.fromkeys(names, "")
    with torch_jit.without_deprecation():
        torch.jit.load(str(path), _extra_files=found)
    return {name: data.encode() if isinstance(data, str) else data for name, data in found.items()}


def test_extra_files_go_into_an_export_and_along_to_lite(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_bytes(b'["a"]\xff')
    script, lite = tmp_path / "m.pt", tmp_path / "m.ptl"
    stated = ("--extra-file", f"labels.json={tmp_path / 'labels.json'}", "--extra-file", f"a/b={__file__}")
    asked = ("-o", script, "--families", "none", "--quiet")
    assert tsharness("export", "examples/linear.py:make", *asked, *stated, cwd=ROOT).code == 0
    assert extra_files_of(script, "labels.json")["labels.json"] == b'["a"]\xff'
    assert tsharness("verify", script, "--level", "quick").code == 0
    ran = tsharness("migrate", script, "--to", "lite", "-o", lite, "--compare-time", "0")
    assert ran.code == 0 and "SAFE" in ran.out, ran.text
    kept = extra_files_of(lite, "labels.json", "a/b", "tsharness/cases.safetensors")
    assert kept["labels.json"] == b'["a"]\xff' and kept["a/b"] == Path(__file__).read_bytes()
    assert not kept["tsharness/cases.safetensors"]


def test_the_api_takes_extra_files_too(tmp_path: Path) -> None:
    model, path = torch.nn.Linear(3, 2).eval(), tmp_path / "m.ptl"
    package.export(model, torch.ones(1, 3), path, format="lite", families=(), extra_files={"r_max": "5.0"})
    assert extra_files_of(path, "r_max") == {"r_max": b"5.0"}


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (("x",), "expected NAME=PATH"),
        (("../x=setup",), "plain relative name"),
        (("/x=setup",), "plain relative name"),
        (("tsharness/cases.safetensors=setup",), "this program's own"),
        (("x=missing",), "missing cannot be read"),
        (("x=setup", "x=setup"), "stated twice"),
    ],
)
def test_what_cannot_be_an_extra_file(stated: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "setup").write_text("")
    (tmp_path / "model.py").write_text(
        "import torch\ndef make():\n    return torch.nn.ReLU(), torch.ones(2)\n"
    )
    options = [part for one in stated for part in ("--extra-file", one)]
    ran = tsharness("export", "model.py:make", "-o", "m.pt", *options, cwd=tmp_path)
    assert ran.code == 2 and said in ran.err and not (tmp_path / "m.pt").exists(), ran.text


METHODS = """
import torch


class Both(torch.nn.Module):
    def forward(self, x):
        return x * 2

    @torch.jit.export
    def encode(self, x, k: int):
        return x + k

    @torch.jit.export
    def _private(self, x):
        return x


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(20, 4)

    @torch.jit.export
    def encode(self, ids):
        return self.table(ids)


def make(*calls):
    import tsharness

    one, all = tsharness.Inputs(torch.ones(3, 2)), tsharness.Inputs(torch.ones(3, 2), k=1, method="encode")
    return torch.jit.script(Both()), {"example": one, **({"all": all} if calls else {})}


def complete():
    return make(1)
"""


def test_a_method_that_no_case_calls_is_not_proved(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(METHODS)
    asked = ("--to", "lite", "-o", "m.ptl", "--compare-time", "0", "--json", "run.json")
    ran = tsharness("migrate", "model.py:make", *asked, cwd=tmp_path)
    assert ran.code == 3 and "UNPROVED" in ran.out and "no case calls encode:" in ran.out, ran.text
    report = written_report(tmp_path / "run.json")
    assert report["verdict"] == "unproved" and report["domain"]["methods"] == ["encode", "forward"]
    assert not (tmp_path / "m.ptl").exists()
    ran = tsharness("migrate", "model.py:complete", *asked, cwd=tmp_path)
    assert ran.code == 0 and "SAFE" in ran.out, ran.text


def test_without_forward(tmp_path: Path) -> None:
    """The lite interpreter takes it; other formats have no form of it, and that is no crash."""
    (tmp_path / "model.py").write_text(METHODS)
    script = tmp_path / "encoder.pt"
    code = "import torch, model; torch.jit.script(model.Encoder()).save('encoder.pt')"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, check=False)
    assert done.returncode == 0
    ran = tsharness("migrate", script, "--to", "lite", "-o", tmp_path / "e.ptl", "--compare-time", "0")
    assert ran.code == 0 and "SAFE" in ran.out, ran.text
    ran = tsharness("migrate", script, "--to", "aoti", "-o", tmp_path / "e.pt2")
    assert ran.code == 5 and "BLOCKED  TS513" in ran.out and "encode" in ran.out, ran.text


def test_sizes_and_values_that_the_old_one_takes_are_tried_and_stay_in_its_cases(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(METHODS)
    asked = ("--to", "lite", "-o", "m.ptl", "--compare-time", "0", "--json", "run.json")
    ran = tsharness("migrate", "model.py:complete", *asked, cwd=tmp_path)
    assert ran.code == 0, ran.text
    free = {one["dim"] for one in written_report(tmp_path / "run.json")["domain"]["free"]}
    assert {"x dim 0", "x dim 1", "encode/x dim 0", "encode/k", "every free dim at once"} <= free
    ran, report = verify_json(tmp_path / "m.ptl", "--level", "quick")
    names = {case["name"] for case in report["cases"]}
    assert ran.code == 0 and {"x dim 0=4", "x dim 0=1", "encode/k=2"} <= names
    ran = tsharness("migrate", "model.py:complete", *asked, "--fixed", "x", cwd=tmp_path)
    assert ran.code == 0 and "for these sizes alone (" in ran.out and "x dim 0" in ran.out, ran.text
    ran = tsharness("migrate", "model.py:complete", *asked, "--fixed", "y", cwd=tmp_path)
    assert ran.code == 2 and "no input is named 'y'; there are: x, k" in ran.err, ran.text
