"""``tsharness migrate`` to what torch alone makes: AOTInductor packages."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from conftest import models, tsharness, verify_json, written_report  # noqa: E402, F401
from second_libtorch import needs_second_libtorch  # noqa: E402

MODEL = """
import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(8, 16)
        self.second = torch.nn.Linear(16, 4)

    def forward(self, x):
        hidden = torch.relu(self.first(x))
        hidden = torch.nn.functional.gelu(hidden * 2)
        return {"y": self.second(hidden)}


def make():
    torch.manual_seed(0)
    return Model().eval(), (torch.randn(3, 8),)
"""

WRONG = '''
from model import *


def decomposed():
    """gelu becomes its approximation where the program is decomposed."""
    aten, original = torch.ops.aten, torch.export.ExportedProgram.run_decompositions

    def run(self, table=None, **more):
        table = dict(table or torch.export.default_decompositions())
        table[aten.gelu.default] = lambda x, approximate="none": (
            0.5 * x * (1 + torch.tanh(0.79788456 * (x + 0.044715 * x**3)))
        )
        return original(self, table, **more)

    torch.export.ExportedProgram.run_decompositions = run
    return make()


def compiled():
    """relu lets a little through, in what is compiled alone."""
    import torch._inductor

    original = torch._inductor.aoti_compile_and_package

    def compile(program, **more):
        for node in program.graph.nodes:
            if node.target is torch.ops.aten.relu.default:
                node.target = torch.ops.aten.leaky_relu.default
        program.graph_module.recompile()
        return original(program, **more)

    torch._inductor.aoti_compile_and_package = compile
    return make()


def under_debians_python():
    """Whose LIBDIR is the folder of all of the system's libraries."""
    import sysconfig

    sysconfig.get_config_vars()["LIBDIR"] = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}"
    return make()


class Branching(torch.nn.Module):
    def forward(self, x):
        if int(x.sum()) > 3:
            return x * 2
        return x.nonzero()[0] * x[int(x.argmax()) :]


class Pointwise(torch.nn.Module):
    def forward(self, x):
        return torch.sigmoid(x) * x + 1


def pointwise():
    return Pointwise(), (torch.randn(5, 7),)


def branching():
    return Branching(), (torch.randn(5),)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("migrate")
    (place / "model.py").write_text(MODEL)
    (place / "wrong.py").write_text(WRONG)
    return place


@pytest.fixture(scope="module")
def package(folder: Path) -> Path:
    """A good one, with several batches."""
    asked = (
        "--to",
        "aoti",
        "-o",
        "model.pt2",
        "--dynamic",
        "x=N,*",
        "--contiguous",
        "--json",
        "run.json",
        "--html",
        "run.html",
    )
    ran = tsharness("migrate", "model.py:make", *asked, cwd=folder, timeout=300)
    assert ran.code == 0 and "SAFE  model.pt2 may replace model.py:make" in ran.out, ran.text
    return folder / "model.pt2"


def test_every_stage_and_what_it_brings_is_told(package: Path) -> None:
    report = written_report(package.parent / "run.json")
    assert [stage["name"] for stage in report["stages"]] == ["exported", "decomposed", "compiled", "C++"]
    assert "x dim 0" in report["facts"]["dynamic"]
    assert {"N=1", "N=2", "N=7"} <= set(report["cases"])
    assert report["comparison"]["cases"][0]["effect"]["ratio"] > 0
    assert "Stages" in (package.parent / "run.html").read_text()


def test_what_is_converted_outside_of_the_cage_is_said(package: Path) -> None:
    """The user's own code is; an artifact never, though a compiler runs."""
    report = written_report(package.parent / "run.json")
    assert report["facts"]["cage"] == "none, it is your own code"
    made = tsharness("export", "model.py:make", "-o", "file.pt", "--quiet", cwd=package.parent)
    assert made.code == 0, made.text
    asked = (
        "-o",
        "file.pt2",
        "--contiguous",
        "--compare-time",
        "0",
        "--json",
        "f.json",
        "--sandbox",
        "strict",
    )
    spaced = {**os.environ, "PYTHONPATH": str(below_a_space(package.parent))}
    ran = tsharness("migrate", "file.pt", "--to", "aoti", *asked, cwd=package.parent, timeout=300, env=spaced)
    assert ran.code == 0, ran.text
    assert "cage" not in written_report(package.parent / "f.json")["facts"]


def below_a_space(folder: Path) -> Path:
    """Where torch is imported from, by a path that is two words to a shell."""
    (folder / "two words").symlink_to(sysconfig.get_paths()["purelib"])
    return folder / "two words"


def test_what_the_compiler_says_is_told(package: Path, tmp_path: Path) -> None:
    compiler = tmp_path / "compiler"
    says = "In file included from a.h:1:\nb.h:2:3: fatal error: it is gone\n"
    compiler.write_text(f"#!/bin/sh\ncase $* in *-o*) printf '{says}' >&2; exit 1;; esac\nexec c++ $*\n")
    compiler.chmod(0o755)
    asked = ("--to", "aoti", "-o", str(tmp_path / "x.pt2"))
    env = {**os.environ, "CXX": str(compiler)}
    ran = tsharness("migrate", "model.py:make", *asked, cwd=package.parent, timeout=300, env=env)
    assert ran.code == 5 and "TS508" in ran.out and "b.h:2:3: fatal error: it is gone" in ran.out, ran.text


@needs_second_libtorch
def test_another_libtorch_among_the_systems_libraries_is_not_linked(folder: Path) -> None:
    asked = ("--to", "aoti", "-o", "debian.pt2", "--contiguous", "--compare-time", "0")
    ran = tsharness("migrate", "wrong.py:under_debians_python", *asked, cwd=folder, timeout=300)
    assert ran.code == 0 and "SAFE  debian.pt2 may replace" in ran.out, ran.text


def test_other_memory_layouts_are_read_wrongly_and_that_is_said(folder: Path) -> None:
    asked = ("--to", "aoti", "-o", "layouts.pt2", "--compare-time", "0")
    ran = tsharness("migrate", "wrong.py:pointwise", *asked, cwd=folder, timeout=300)
    assert (
        ran.code == 1 and "TS515" in ran.out and "wrong in strided" in ran.out and "--contiguous" in ran.out
    ), ran.text
    assert not (folder / "layouts.pt2").exists()


def test_it_is_run_without_python_and_judged(package: Path) -> None:
    ran, report = verify_json(package, "--case", "example", "--case", "N=7")
    assert ran.code == 0, ran.text
    assert report["artifact"]["runtime"] == "aoti"
    checks = {check["id"]: check["verdict"] for check in report["checks"]}
    assert checks["no-python"] == "pass" and checks["integrity"] == "pass"
    assert checks["grad-mode"] == checks["state"] == "skipped"
    assert "kernels of its own" in report["judged"]


def test_it_is_machine_code_to_inspect(package: Path) -> None:
    ran = tsharness("inspect", package)
    assert ran.code == 0 and "TS371" in ran.out and "machine code for cpu" in ran.out, ran.text


def test_it_does_not_run_outside_the_cage(package: Path) -> None:
    ran = tsharness("verify", package, "--sandbox", "off")
    assert ran.code == 7 and "machine code" in ran.err
    trusted = ("--sandbox", "off", "--allow-op", "native-code", "--level", "quick", "--case", "example")
    assert tsharness("verify", package, *trusted).code == 0


def test_a_file_of_both_kinds_is_judged_as_what_runs(package: Path, models: Path, tmp_path: Path) -> None:  # noqa: F811
    """TorchScript with machine code beside it: what was not judged does not run."""
    both = tmp_path / "both.pt"
    both.write_bytes((models / "linear.pt").read_bytes())
    with zipfile.ZipFile(package) as source, zipfile.ZipFile(both, "a") as archive:
        root = archive.namelist()[0].partition("/")[0]
        for info in source.infolist():
            inner = info.filename.partition("/")[2]
            if inner.startswith("data/aotinductor/"):
                archive.writestr(f"{root}/{inner}", source.read(info))
    ran = tsharness("verify", both, "--kind", "aoti", "--sandbox", "off")
    assert ran.code == 7 and "machine code" in ran.err
    ran = tsharness(
        "compare", models / "linear.pt", both, "--max-time", "1", "--sandbox", "off", "--margin", "5"
    )
    assert "of base" in ran.out and "keyword" not in ran.text, ran.text
    kept = tmp_path / "run.json"
    tsharness("verify", both, "--level", "quick", "--json", kept)
    assert written_report(kept)["artifact"]["runtime"] == "torchscript"


def test_it_is_measured_and_compared(package: Path, folder: Path) -> None:
    ran = tsharness("bench", package, "--min-time", "0.1", "--case", "example")
    assert ran.code == 0, ran.text
    script = folder / "model.pt"
    assert tsharness("export", "model.py:make", "-o", script, cwd=folder).code == 0
    ran = tsharness("compare", script, package, "--max-time", "2", "--margin", "5")
    assert "of base" in ran.out, ran.text


def test_a_damaged_package_is_found(package: Path, tmp_path: Path) -> None:
    data = bytearray(package.read_bytes())
    data[len(data) // 2] ^= 1
    damaged = tmp_path / "damaged.pt2"
    damaged.write_bytes(data)
    cases = package.with_name(f"{package.name}.cases.safetensors")
    ran = tsharness("verify", damaged, "--cases", cases, "--level", "quick")
    assert ran.code == 5 and "is not run: TS302" in ran.err, ran.text
    assert tsharness("inspect", damaged).code == 5


def test_a_package_that_would_unpack_elsewhere_is_refused(package: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.pt2"
    with zipfile.ZipFile(package) as archive, zipfile.ZipFile(hostile, "w") as changed:
        for info in archive.infolist():
            changed.writestr(zipfile.ZipInfo(info.filename), archive.read(info))
        changed.writestr(zipfile.ZipInfo("model/../../../escaped"), b"x")
    cases = package.with_name(f"{package.name}.cases.safetensors")
    ran = tsharness("verify", hostile, "--cases", cases)
    assert ran.code == 5 and "TS315" in ran.err, ran.text
    assert tsharness("inspect", hostile).code == 5
    assert not (tmp_path / "escaped").exists() and not (tmp_path.parent / "escaped").exists()


def test_without_cases_it_says_where_they_come_from(package: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.pt2"
    alone.write_bytes(package.read_bytes())
    ran = tsharness("verify", alone)
    assert ran.code == 2 and "tsharness migrate" in ran.err and "--cases" in ran.err


def test_a_wrong_decomposition_is_named(folder: Path) -> None:
    kept = folder / "wrong.json"
    asked = ("--to", "aoti", "-o", "wrong.pt2", "--compare-time", "0", "--json", kept)
    ran = tsharness("migrate", "wrong.py:decomposed", *asked, cwd=folder, timeout=300)
    report = written_report(kept)
    stages = {stage["name"]: stage for stage in report["stages"]}
    assert stages["exported"]["verdict"] == "pass" and stages["decomposed"]["verdict"] == "fail", ran.text
    found = stages["decomposed"]["divergence"]
    assert found["operator"] == "aten.gelu.default" and found["source"] == "model.py:13"
    assert "tanh" in found["became"] or "mul" in found["became"]
    assert "aten.gelu.default (model.py:13)" in ran.out


def test_a_wrong_operator_in_machine_code_is_named(folder: Path) -> None:
    kept = folder / "compiled.json"
    asked = ("--to", "aoti", "-o", "compiled.pt2", "--compare-time", "0", "--json", kept)
    ran = tsharness("migrate", "wrong.py:compiled", *asked, cwd=folder, timeout=300)
    assert ran.code == 1 and "DIFFERS  at stage" in ran.out, ran.text
    report = written_report(kept)
    stages = {stage["name"]: stage for stage in report["stages"]}
    assert stages["decomposed"]["verdict"] == "pass" and stages["compiled"]["verdict"] == "fail"
    assert stages["C++"]["divergence"]["operator"] == "aten.relu.default"
    assert stages["C++"]["divergence"]["source"] == "model.py:12"
    assert not (folder / "compiled.pt2").exists() and not report["written"]


def test_what_blocks_is_named_with_its_line(folder: Path) -> None:
    ran = tsharness("migrate", "wrong.py:branching", "--to", "aoti", "-o", "b.pt2", cwd=folder, timeout=300)
    assert ran.code in (1, 5) and "TS501" in ran.out, ran.text
    branch = "if int(x.sum()) > 3:"
    line = 1 + [text.strip() for text in WRONG.splitlines()].index(branch)
    assert f"wrong.py:{line}" in ran.out and branch in ran.out and not (folder / "b.pt2").exists()


def test_a_plan_of_a_folder(models: Path, tmp_path: Path) -> None:  # noqa: F811
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    for name in ("linear.pt", "conditional.pt"):
        os.link(models / name, fleet / name)
    (fleet / "weights.pt").write_bytes(b"no archive")
    kept = tmp_path / "plan.json"
    asked = ("--plan", fleet, "--to", "lite", "--compare-time", "0.5", "--json", kept)
    ran = tsharness("migrate", *asked, cwd=tmp_path, timeout=300)
    reports = json.loads(kept.read_text())["reports"]
    assert ran.code == 0 and {one["verdict"] for one in reports} == {"safe"}, ran.text
    assert "2 of 2 models may be replaced" in ran.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fleet", "plan.json"]
    again = tsharness("report", kept)
    assert again.code == 0 and again.out.count("SAFE") == 2, again.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a source"),
        (("m.pt",), "state a target"),
        (("m.pt", "--to", "aoti"), "-o NEW"),
        (("m.pt", "--to", "coreml", "-o", "x"), "expected aoti, executorch, onnx, lite"),
        (("m.pt", "--to", "aoti", "--to", "lite", "-o", "x.pt2"), "several targets need a folder"),
        (("m.pt", "--try-all", "-o", __file__), "several targets need a folder"),
        (("m.pt", "--plan", "."), "name a source"),
        (("--plan", "nowhere"), "no such folder"),
        (("missing.pt", "--to", "lite", "-o", "x.ptl"), "missing.pt"),
    ],
)
def test_usage(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    ran = tsharness("migrate", *arguments, cwd=tmp_path)
    assert ran.code in (2, 5) and said in ran.text and "Traceback" not in ran.text
