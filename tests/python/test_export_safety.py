"""Nothing half-made: whatever happens to an export, the name holds a verified file, the old one, or none."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

import tsharness
from conftest import ROOT, heed_interrupts, running_runners, verify_json
from conftest import tsharness as command_line
from tsharness.errors import ExportError
from tsharness.verdict import Verdict

KILLS = 12
COMMAND = [str(Path(sys.executable).parent / "tsharness"), "export"]


def start(target: Path, reference: str = "linear.py:make") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, str(ROOT / "examples" / reference), "-o", str(target)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    )


@pytest.fixture(scope="module")
def seconds(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long an undisturbed export takes here."""
    started = time.monotonic()
    assert start(tmp_path_factory.mktemp("timing") / "m.pt").wait() == 0
    return time.monotonic() - started


def test_killed_at_random_moments(tmp_path: Path, seconds: float) -> None:
    """Two exports go at once; each is killed somewhere between its start and a little after its end."""
    moments = random.Random(0)

    def kill(job: tuple[int, float]) -> bool:
        number, share = job
        target = tmp_path / f"{number}.pt"
        process = start(target)
        time.sleep(share * seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if target.exists():
            ran, report = verify_json(target)
            assert ran.code == 0 and report["verdict"] == "pass"
        return target.exists()

    with ThreadPoolExecutor(2) as pool:
        there = list(pool.map(kill, [(number, moments.uniform(0.3, 1.4)) for number in range(KILLS)]))
    assert not all(there), "every export had ended before it was killed: the moments are too late"


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_export_leaves_nothing(number: signal.Signals, tmp_path: Path, seconds: float) -> None:
    target = tmp_path / "m.pt"
    target.write_bytes(b"the old one")
    process = start(target)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(timeout=60) in (130, 143)
    assert target.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [target]
    deadline = time.monotonic() + 10
    while running_runners() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running_runners()


def small_files_only() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    target = tmp_path / "m.pt"
    ran = command_line(
        "export", ROOT / "examples" / "transformer.py:make", "-o", target, preexec_fn=small_files_only
    )
    assert ran.code == 1, ran.text
    assert "cannot write" in ran.err and "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_the_old_artifact_stays_if_the_new_one_is_wrong(tmp_path: Path) -> None:
    class Branch(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2 if x.sum() > 0 else x

    target = tmp_path / "m.pt"
    tsharness.export(torch.nn.ReLU(), torch.ones(2), target)
    before = target.read_bytes()
    with pytest.raises(ExportError):
        tsharness.export(Branch(), torch.ones(2), target, method="trace")
    assert target.read_bytes() == before


class Crashes(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.jit.is_scripting():
            indices = torch.tensor([[1 << 45]])
            return torch.ops.aten._sparse_coo_tensor_unsafe(indices, torch.ones(1), [4]).to_dense()
        return x + 1


def test_a_candidate_that_crashes_is_a_result(tmp_path: Path) -> None:
    report = tsharness.export(Crashes(), torch.ones(4), tmp_path / "m.pt", families=())
    trace, script = report.candidates
    assert trace.verdict is Verdict.PASS and report.method == "trace"
    assert script.verdict is Verdict.ERROR and "SIGSEGV" in script.reason
    with pytest.raises(ExportError) as caught:
        tsharness.export(Crashes(), torch.ones(4), tmp_path / "n.pt", method="script", families=())
    assert caught.value.exit_code == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.pt"]


def test_the_report_is_written_although_the_export_failed(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    reference = f"{ROOT / 'examples' / 'conditional.py'}:on_tensor"
    ran = command_line("export", reference, "-o", tmp_path / "m.pt", "--method", "trace", "--json", report)
    assert ran.code == 1
    assert json.loads(report.read_text())["verdict"] == "fail"
    assert not (tmp_path / "m.pt").exists()
