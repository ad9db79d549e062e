"""``tsharness compare`` of two runners: each side in a process of its own, in turns. A copy of the installed
runner stands for another one; tests/building compares with a real older LibTorch."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from torch import Tensor, nn

from conftest import heed_interrupts, running_runners, with_case, written_report
from conftest import tsharness as run
from corpus import scripted
from test_latency_compare import ALWAYS, QUICK, Counts, Crashes, Other, Work, X

pytestmark = pytest.mark.alone

STEADY = ("--max-time", "9", "--margin", "50%")
"""For a verdict: each pair of processes takes a second to start."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = scripted(Work(100), tmp_path_factory.mktemp("turns") / "base.pt")
    return with_case(path, X, X + 1.0)


@pytest.fixture(scope="module")
def copy(runner_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another runner, of the same LibTorch."""
    return Path(shutil.copy(runner_path, tmp_path_factory.mktemp("runner") / "other-runner"))


def test_the_same_is_the_same(base: Path, copy: Path, tmp_path: Path) -> None:
    ran = run("compare", base, "--b-runner", copy, *STEADY, "--json", tmp_path / "r.json")
    assert ran.code == 0, ran.text
    assert "PASS  same: new takes " in ran.out and "a process for each, in turns" in ran.out
    report = written_report(tmp_path / "r.json")
    assert report["new"]["runner"] == str(copy) and report["base"]["runner"] == "installed"
    assert report["new"]["libtorch"] == report["base"]["libtorch"] == report["runner"]["libtorch"]
    assert report["processes"] >= 2


def test_a_slower_one_is_found(base: Path, copy: Path, tmp_path: Path) -> None:
    slow = scripted(Work(300), tmp_path / "slow.pt")
    ran = run("compare", base, slow, "--runner-b", copy, *STEADY)
    assert ran.code == 4 and "FAIL  slower: new takes " in ran.out, ran.text


def test_other_outputs_are_found(base: Path, copy: Path, tmp_path: Path) -> None:
    ran = run("compare", base, scripted(Other(), tmp_path / "other.pt"), "--a-runner", copy, *QUICK)
    assert ran.code == 1 and "output differs in 64 of 64 elements" in ran.out, ran.text


@pytest.mark.parametrize(
    ("module", "outputs", "said"),
    [
        (Work(100), X + 1.0, "what new gives is not what"),
        (Counts(ALWAYS, adds=True), X + 1.0, "output differs"),
    ],
    ids=["one", "both change"],
)
def test_what_stops_computing_is_never_faster(
    module: nn.Module, outputs: Tensor, said: str, copy: Path, tmp_path: Path
) -> None:
    base = with_case(scripted(module, tmp_path / "base.pt"), X, outputs)
    new = scripted(Counts(300, adds=isinstance(module, Counts)), tmp_path / "new.pt")
    ran = run("compare", base, new, "--b-runner", copy, *QUICK, "--threads", "1")
    assert ran.code == 1 and 'case "one": in call ' in ran.out and said in ran.out, ran.text


def test_what_both_change_alike_is_the_same(copy: Path, tmp_path: Path) -> None:
    base = with_case(scripted(Counts(ALWAYS, adds=True), tmp_path / "base.pt"), X, X + 1.0)
    new = scripted(Counts(ALWAYS, adds=True, rounds=10), tmp_path / "new.pt")
    ran = run("compare", base, new, "--b-runner", copy, *QUICK, "--threads", "1")
    assert ran.code in (0, 3) and "differ" not in ran.out, ran.text


def test_what_ends_early_is_told(base: Path, copy: Path, tmp_path: Path) -> None:
    ran = run("compare", base, scripted(Crashes(), tmp_path / "c.pt"), "--b-runner", copy, *QUICK)
    assert ran.code in (5, 6) and ran.err.startswith("error: "), ran.text
    assert run("compare", base, tmp_path / "none.pt", "--b-runner", copy).code == 5
    ran = run("compare", base, "--b-runner", "nobody")
    assert ran.code == 2 and "no runner 'nobody'" in ran.err
    assert not running_runners()


def test_an_interrupt_leaves_nothing(base: Path, copy: Path) -> None:
    command = [Path(sys.executable).parent / "tsharness", "compare", base, "--b-runner", copy]
    with subprocess.Popen(
        [*command, "--max-time", "60"],
        stdout=subprocess.PIPE,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    ) as process:
        time.sleep(6)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 130 and b"INCOMPLETE  interrupted after " in out
    assert not running_runners()
