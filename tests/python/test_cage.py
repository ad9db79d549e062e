"""The runner is a cage: what an artifact, or code that it brings along, cannot do from inside."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from conftest import build_library, tsharness, verify_json, with_case
from corpus import SavesWhenCalled, SavesWhenLoaded, scripted
from tsharness.cases.input_spec import input_cases
from tsharness.cases.safetensors_file import Location
from tsharness.runner.cage import Sandbox, clean_environment
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.verification.reference import ReferenceRequest, record_reference

X = torch.ones(3)


def caged(by: str) -> bool:
    """Whether this kernel has that part of the cage."""
    return bool(_hello(Sandbox.AUTO)[by])


def _hello(sandbox: Sandbox) -> dict[str, object]:
    launcher = Launcher(find_runner(), sandbox)
    outcome = launcher.run(Job(Path("/nowhere.pt"), ()), 60)
    assert outcome.hello is not None, outcome
    return dict(outcome.hello["cage"])


pytestmark = pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="no filter for it")
needs_landlock = pytest.mark.skipif("not caged('landlock')", reason="this kernel has no Landlock")
needs_seccomp = pytest.mark.skipif("not caged('seccomp')", reason="this kernel has no seccomp filters")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Operators that attack, natively: what a memory bug in LibTorch could do."""
    return build_library("attacks", tmp_path_factory.mktemp("attacks"))


@pytest.fixture
def victim() -> Iterator[int]:
    """Another process of the same user."""
    process = subprocess.Popen(["sleep", "600"])
    yield process.pid
    process.kill()
    process.wait()


class Attacks(nn.Module):
    def __init__(self, attacks: list[tuple[str, str]]) -> None:
        super().__init__()
        self.attacks = attacks

    def forward(self, x: Tensor) -> Tensor:
        done: list[int] = []
        for name, argument in self.attacks:
            done.append(torch.ops.attacks.run(name, argument))
        return torch.tensor(done) + (x * 0).to(torch.int64)


def succeeded(attacks: Mapping[str, str], library: Path, folder: Path, *options: str) -> set[str]:
    """Those that did as they were asked; the system refused the others. There are no cases, so that the
    artifact runs in the Python process that makes the reference, and in the runner: it passes only if the
    system says the same to both."""
    path = scripted(Attacks(list(attacks.items())), folder / "attacks.pt")
    outputs = folder / "outputs.safetensors"
    arguments = ("--level", "quick", "--calls", "1", "--load-library", library, "--save-outputs", outputs)
    ran = tsharness("verify", path, "--input", "x=float32[1]", *arguments, *options)
    assert ran.code == 0, ran.text
    from tsharness.cases.case_file import CaseDocument
    from tsharness.exporting.torch_values import from_value

    (case,) = CaseDocument(Location(outputs)).cases()
    answer = from_value(case.calls[0].outputs).tolist()
    return {name for name, done in zip(attacks, answer, strict=True) if done}


OF_OTHERS = (
    *("kill-other", "trace-other", "limit-other", "slow-other", "move-other", "schedule-other"),
    "hold-other",
)
OF_FILES = ("chmod", "chown", "utimes", "setxattr", "truncate")


def attacks_on(victim: int, file: Path) -> dict[str, str]:
    return {
        **dict.fromkeys(("connect", "listen", "local-socket", "execute", "fork"), ""),
        **dict.fromkeys(OF_OTHERS, str(victim)),
        **dict.fromkeys(OF_FILES, str(file)),
    }


@needs_seccomp
def test_system_calls_that_are_taken_away(library: Path, victim: int, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.txt"
    other.write_text("whole")
    before = other.stat()
    assert succeeded(attacks_on(victim, other), library, tmp_path) == set()
    assert other.stat() == before


@needs_landlock
def test_files_are_out_of_reach(library: Path, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text("password")
    assert succeeded({"read": str(secret), "list": str(Path.home())}, library, tmp_path) == set()
    for read in ("/etc/passwd", str(Path.home() / ".bashrc"), f"/proc/{os.getpid()}/environ"):
        assert succeeded({"read": read}, library, tmp_path) == set(), read
    for written in (str(tmp_path / "elsewhere" / "made.txt"), "/dev/shm/made-in-the-cage.txt"):
        assert succeeded({"write": written}, library, tmp_path) == set(), written
        assert not Path(written).exists()
    # Its scratch folder is its own.
    assert succeeded({"write": "in-scratch.txt"}, library, tmp_path) == {"write"}


def test_the_attacks_work_without_a_cage(library: Path, victim: int, tmp_path: Path) -> None:
    """Else the tests above would show nothing."""
    secret = tmp_path / "secret.txt"
    secret.write_text("password")
    attacks = {
        **attacks_on(victim, secret),
        "read": str(secret),
        "list": str(Path.home()),
        "write": str(tmp_path / "made.txt"),
    }
    # A machine may have no network, nor attributes of files; one process of a kind can trace another.
    uncertain = {"connect", "listen", "setxattr", "trace-other"}
    done = succeeded(attacks, library, tmp_path, "--sandbox", "off")
    assert done | uncertain == set(attacks) | uncertain
    assert (tmp_path / "made.txt").exists()


def test_strict_is_all_or_nothing() -> None:
    cage = _hello(Sandbox.AUTO)
    launcher = Launcher(find_runner(), Sandbox.STRICT)
    outcome = launcher.run(Job(Path("/nowhere.pt"), ()), 60)
    if cage["missing"]:
        assert outcome.hello is None
    else:
        assert outcome.hello is not None and outcome.hello["cage"]["seccomp"]
    assert _hello(Sandbox.OFF)["missing"] == ["--sandbox off"]


def test_a_report_says_what_the_cage_is(models: Path) -> None:
    _, report = verify_json(models / "linear.pt", "--level", "quick")
    assert report["runner"]["cage"] == _hello(Sandbox.AUTO)
    ran = tsharness("verify", models / "linear.pt", "--level", "quick", "--sandbox", "off")
    assert ran.code == 0 and "cage: --sandbox off" in ran.out
    assert tsharness("verify", models / "linear.pt", "--sandbox", "loose").code == 2


@pytest.mark.parametrize("module", [SavesWhenCalled(), SavesWhenLoaded()])
def test_what_writes_files_is_refused_and_stopped(module: nn.Module, tmp_path: Path) -> None:
    path = scripted(module, tmp_path / "m.pt")
    with_case(path, X[:2], X[:2])
    ran = tsharness("verify", path, cwd=tmp_path)
    assert ran.code == 7
    assert "is not run: TS361 aten::save runs" in ran.err and "corpus.py:" in ran.err
    assert tsharness("bench", path).code == 7
    assert tsharness("pack", path, "--input", "x=float32[2]").code == 7
    before = set(tmp_path.rglob("*"))
    tsharness("verify", path, "--allow-op", "aten::save", "--level", "quick", cwd=tmp_path)
    assert set(tmp_path.rglob("*")) == before


@needs_landlock
@pytest.mark.parametrize("when", ["called", "loaded"])
def test_what_is_allowed_still_cannot_leave(when: str, tmp_path: Path) -> None:
    path, target = saving(when, tmp_path)
    with_case(path, X, X)
    # LibTorch does not look whether it could write, so the artifact runs on, and nothing is written.
    tsharness("verify", path, "--allow-op", "aten::save", "--level", "quick")
    assert not target.exists()
    tsharness("verify", path, "--allow-op", "aten::save", "--level", "quick", "--sandbox", "off")
    assert target.exists()


@needs_landlock
@pytest.mark.parametrize("when", ["called", "loaded"])
def test_what_makes_a_reference_cannot_leave_either(when: str, tmp_path: Path) -> None:
    """``verify F`` without cases: the artifact runs in Python, too."""
    path, target = saving(when, tmp_path)
    (tmp_path / "in").mkdir()
    request = ReferenceRequest(path, tuple(input_cases(["x=float32[3]"], [])))
    lacks = record_reference(request, tmp_path / "in" / "cases", 120, Sandbox.AUTO)
    assert not target.exists() and lacks == "" and (tmp_path / "in" / "cases").is_file()
    lacks = record_reference(request, tmp_path / "in" / "cases", 120, Sandbox.OFF)
    assert target.exists() and "--sandbox off" in lacks
    target.unlink()
    ran = tsharness("verify", path, "--allow-op", "aten::save", "--level", "quick", "--input", "x=float32[3]")
    assert not target.exists(), ran.text


@needs_landlock
def test_what_is_timed_in_python_cannot_leave(tmp_path: Path) -> None:
    """Neither the artifact, nor what it does when the eager model beside it is timed."""
    path, target = saving("loaded", tmp_path)
    with_case(path, X, X)
    (tmp_path / "own.py").write_text("import torch\ndef make():\n    return torch.nn.Identity()\n")
    asked = ("--processes", "1", "--min-time", "0.01", "--against", "python", "--reference", "own.py:make")
    ran = tsharness("bench", "m.pt", "--allow-op", "aten::save", *asked, cwd=tmp_path)
    assert ran.code == 0 and "torch.jit in Python, case" in ran.out, ran.text
    assert not target.exists()
    tsharness("bench", "m.pt", "--allow-op", "aten::save", *asked, "--sandbox", "off", cwd=tmp_path)
    assert target.exists()


@needs_landlock
def test_the_users_own_code_gets_no_artifact_and_no_cage(tmp_path: Path) -> None:
    """The report says so; what the artifact does when it is loaded is done in the cage alone."""
    _, target = saving("loaded", tmp_path)
    (tmp_path / "own.py").write_text(
        "import pathlib, torch\n"
        "class Same(torch.nn.Module):\n    def forward(self, x):\n        return x\n"
        "def make():\n    pathlib.Path('wrote.txt').write_text('x')\n    return Same()\n"
        "def inputs():\n    return (torch.ones(3),)\n"
    )
    ran = tsharness(
        *("verify", "m.pt", "--allow-op", "aten::save", "--level", "quick", "--input", "x=float32[3]"),
        *("--reference", "own.py:make"),
        cwd=tmp_path,
    )
    assert ran.code == 0 and "your own code, not in the cage" in ran.out, ran.text
    assert (tmp_path / "wrote.txt").exists() and not target.exists()
    packed = tsharness(
        *("pack", "m.pt", "--allow-op", "aten::save", "--inputs", "own.py:inputs", "--beside"), cwd=tmp_path
    )
    assert packed.code == 0 and not target.exists(), packed.text


def saving(when: str, folder: Path) -> tuple[Path, Path]:
    """An artifact that writes a file outside of every scratch folder, when it is "called" or "loaded", and
    that file, which is not there yet."""
    target = folder / "outside.pt"
    module = SavesTo(str(target)) if when == "called" else SavesToWhenLoaded(str(target))
    return scripted(module, folder / "m.pt"), target


class SavesTo(nn.Module):
    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    def forward(self, x: Tensor) -> Tensor:
        torch.save(x, self.target)
        return x


class SavesToWhenLoaded(nn.Module):
    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.target, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.target, self.training = state
        torch.save(torch.ones(1), self.target)

    def forward(self, x: Tensor) -> Tensor:
        return x


def test_secrets_of_the_environment_stay_outside() -> None:
    given = {"AWS_SECRET_ACCESS_KEY": "x", "HOME": "/home/me", "OMP_NUM_THREADS": "2", "PATH": "/bin"}
    kept = clean_environment(given, "/scratch")
    assert kept["OMP_NUM_THREADS"] == "2" and kept["HOME"] == "/scratch"
    assert "AWS_SECRET_ACCESS_KEY" not in kept and "PATH" not in kept


def test_a_damaged_artifact_that_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    from corpus import BAD

    for name in ("code_that_is_none", "duplicate_record", "overlapping"):
        path = tmp_path / f"{name}.pt"
        BAD[name].make(path)
        ran = tsharness("verify", path)
        assert ran.code == 7 and "cannot be judged" in ran.err, (name, ran.text)


def test_nothing_is_left_behind(tmp_path: Path, models: Path) -> None:
    """Scratch folders go, however the process ended."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    tsharness("verify", models / "linear.pt", env=environment)
    tsharness("verify", tmp_path / "absent.pt", env=environment)
    assert not list(tmp_path.iterdir())


@needs_landlock
def test_what_is_converted_cannot_leave(tmp_path: Path) -> None:
    path, target = saving("loaded", tmp_path)
    with_case(path, X, X)
    options = ("--to", "lite", "--allow-op", "aten::save", "--compare-time", "0")
    ran = tsharness("migrate", "m.pt", "-o", "m.ptl", *options, cwd=tmp_path)
    assert not target.exists() and "exported" not in ran.err, ran.text
    tsharness("migrate", "m.pt", "-o", "m.ptl", *options, "--sandbox", "off", cwd=tmp_path)
    assert target.exists()
