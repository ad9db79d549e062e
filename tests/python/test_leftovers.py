"""Nothing is lost and nothing is left: scratch folders, targets that cannot be written, full disks."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import heed_interrupts, running_runners, tsharness
from tsharness.atomic import atomic_write
from tsharness.errors import UsageError
from tsharness.scratch import ScratchFolder, remove_leftovers

OLD = time.time() - 3600


@pytest.mark.alone
def test_what_a_killed_process_has_left_is_removed(tmp_path: Path, models: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [Path(sys.executable).parent / "tsharness", "verify", models / "resnet.pt", "--calls", "10000"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    time.sleep(3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = list(tmp_path.iterdir())
    assert left, "it was killed before it had a scratch folder"
    for entry in left:
        os.utime(entry, (OLD, OLD))
    assert tsharness("verify", models / "linear.pt", "--level", "quick", env=environment).code == 0
    assert not list(tmp_path.iterdir())
    assert not running_runners()


def test_what_is_in_use_or_young_or_of_others_stays(tmp_path: Path) -> None:
    used, young, other = tmp_path / "tsharness-a", tmp_path / "tsharness-b", tmp_path / "other-c"
    for folder in (used, young, other):
        folder.mkdir()
    os.utime(used, (OLD, OLD))
    os.utime(other, (OLD, OLD))
    descriptor = os.open(used, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    remove_leftovers(tmp_path)
    assert used.is_dir() and young.is_dir() and other.is_dir()
    os.close(descriptor)
    remove_leftovers(tmp_path)
    assert not used.exists() and young.is_dir()


def test_a_scratch_folder_goes_with_its_block() -> None:
    with ScratchFolder() as name:
        assert Path(name).is_dir()
    assert not Path(name).exists()


def test_concurrent_runs_do_not_disturb_each_other(models: Path) -> None:
    command = [Path(sys.executable).parent / "tsharness", "verify", "--level", "quick", models / "linear.pt"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        out, _ = process.communicate(timeout=100)
        assert process.returncode == 0, out


def test_special_targets(models: Path, tmp_path: Path) -> None:
    assert tsharness("inspect", models / "linear.pt", "--json", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()
    ran = tsharness("inspect", models / "linear.pt", "--json", tmp_path)
    assert ran.code == 2 and "cannot write" in ran.err and "Traceback" not in ran.err
    ran = tsharness(
        "verify", models / "linear.pt", "--level", "quick", "--json", tmp_path / "no" / "report.json"
    )
    assert ran.code == 2 and "cannot write" in ran.err and "PASS" in ran.out


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("the old one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(UsageError, match="cannot write"):
            atomic_write(target, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert target.read_text() == "the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_fifos_and_devices_as_cases(models: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for cases in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        ran = tsharness("verify", models / "linear.pt", "--cases", cases, timeout=60)
        assert ran.code == 2 and "Traceback" not in ran.err, ran.text


def test_an_interrupted_inspection_keeps_what_it_has_found(tmp_path: Path, models: Path) -> None:
    large, found = tmp_path / "large.bin", tmp_path / "found.json"
    large.touch()
    os.truncate(large, 1 << 36)  # sparse: hashing it would take half a minute
    command = [Path(sys.executable).parent / "tsharness", "inspect", models / "linear.pt", large, large]
    with subprocess.Popen(
        [*command, "--quiet", "--json", found],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        assert b"PASS" in process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said.decode().strip() == "INCOMPLETE  interrupted after 1 of 3 files"
    document = json.loads(found.read_text())
    assert document["incomplete"] and document["exit_code"] == 130
    assert [report["verdict"] for report in document["reports"]] == ["pass"]
