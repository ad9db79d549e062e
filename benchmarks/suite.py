"""A suite of 30 artifacts, whole command, against the sum of what its runner processes take by themselves:
the same jobs, given to the same executable one after the other by a loop that does nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import BIN, ROOT, Row, main

import tsharness
from tsharness.runner.find import find_runner

_ARTIFACTS = 30
_ROUNDS = 3
_RECORDER = """
import json, os, sys
from tsharness.runner import launch
send = launch.RunnerProcess.send
jobs = open(os.environ["JOBS"], "a")

def recording(self, job, sandbox, timeout):
    message = {**job.to_dict(), "cage": launch.cage_of(job, sandbox, self.scratch, timeout)}
    jobs.write(json.dumps({"job": message, "scratch": str(self.scratch)}) + "\\n")
    jobs.flush()
    return send(self, job, sandbox, timeout)

launch.RunnerProcess.send = recording
sys.argv = ["tsharness", *sys.argv[1:]]
from tsharness.cli.main import main
main()
"""
"""Runs the command and notes its jobs; it is not what is timed."""


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _export(folder / "models")
        (folder / "tsharness.toml").write_text('[[artifacts]]\npath = "models/*.pt"\n')
        jobs = _jobs(folder)
        suite, runners = [], []
        for number in range(_ROUNDS):
            suite.append(_suite_seconds(folder))
            runners.append(sum(map(_job_seconds, jobs)))
            told = f"suite {suite[-1]:.1f} s, its {len(jobs)} runners {runners[-1]:.1f} s"
            print(f"round {number + 1} of {_ROUNDS}: {told}")
    ratios = sorted(one / other for one, other in zip(suite, runners, strict=True))
    middle = ratios[len(ratios) // 2]
    what = f"`verify` of a suite of {_ARTIFACTS} artifacts / its {len(jobs)} runner processes by themselves"
    told = f"{middle:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
    return [Row(what, told, "at most 1.10", middle <= 1.1)]


def _export(folder: Path) -> None:
    """Small ones of three kinds: what a harness costs shows most where models cost least."""
    sys.path.insert(0, str(ROOT / "examples"))
    import conditional
    import linear
    import transformer

    folder.mkdir()
    made = [linear.make, conditional.on_tensor, transformer.make]
    for number, make in enumerate(made):
        first = folder / f"{number}-0.pt"
        tsharness.export(*make(), first, families=())
        for copy in range(1, _ARTIFACTS // len(made)):
            (folder / f"{number}-{copy}.pt").write_bytes(first.read_bytes())


def _jobs(folder: Path) -> list[dict[str, object]]:
    """All that the command gives to runners, in order."""
    notes = folder / "jobs.jsonl"
    environment = {**os.environ, "JOBS": str(notes)}
    subprocess.run(
        [sys.executable, "-c", _RECORDER, "verify", "--quiet"], cwd=folder, env=environment, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return [json.loads(line) for line in notes.read_text().splitlines()]


def _suite_seconds(folder: Path) -> float:
    start = time.perf_counter()
    command = [BIN / "tsharness", "verify", "--json", "run.json"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _job_seconds(noted: dict[str, object]) -> float:
    """Of a process, from its start to its end."""
    scratch = Path(str(noted["scratch"]))
    scratch.mkdir(parents=True, exist_ok=True)
    text = json.dumps(noted["job"]).encode()
    start = time.perf_counter()
    subprocess.run([find_runner().path, "-"], input=text, cwd=scratch, check=False, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main("suite", measure)
