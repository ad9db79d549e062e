"""``tsharness inspect`` of an archive of 1 GB against a pass of Python's zipfile over its checksums, and
against sha256 alone; its memory; and what the cage costs a process."""

from __future__ import annotations

import json
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from common import BIN, Row, command_seconds, interleaved, main, peak_memory

from tsharness.exporting import torch_jit
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job

ROUNDS = 7
LAYERS, WIDTH = 60, 2048  # 60 layers of 16.8 MB
CRC_PASS = "import sys, zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip() is not None)"
SHA256 = "import hashlib, sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"


def network(path: Path, layers: int, width: int) -> Path:
    """A network of linear layers, as torch.jit saves it."""
    module = torch.nn.Sequential(*(torch.nn.Linear(width, width) for _ in range(layers)))
    torch_jit.save(torch_jit.script(module.eval()), path)
    return path


def job_file(folder: Path, artifact: Path, mode: str) -> Path:
    path = folder / f"{mode}.json"
    path.write_text(json.dumps({**Job(artifact, ()).to_dict(), "cage": {"mode": mode}}))
    return path


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = network(folder / "large.pt", LAYERS, WIDTH)
        inspect = (BIN / "tsharness", "inspect", "--quiet", path)
        seconds = interleaved(
            {
                "inspect": command_seconds(*inspect),
                "unhashed": command_seconds(*inspect, "--no-hash"),
                "sha256": command_seconds(sys.executable, "-c", SHA256, path),
                "crc": command_seconds(sys.executable, "-c", CRC_PASS, path),
            },
            ROUNDS,
        )
        memory = peak_memory(*inspect)
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        runner, small = find_runner().path, network(folder / "small.pt", 1, 10)
        cage = interleaved(
            {mode: command_seconds(runner, job_file(folder, small, mode)) for mode in ("auto", "off")}, 41
        )
    unhashed, sha256 = seconds["unhashed"] / seconds["crc"], seconds["sha256"] / seconds["crc"]
    ratio, rate = seconds["inspect"] / seconds["crc"], size / seconds["inspect"] / 1e9
    cost = cage["auto"] - cage["off"]
    return [
        Row(
            "`inspect --no-hash` of an archive of 1 GB / zipfile's CRC pass over it",
            f"{unhashed:.2f}",
            "at most 1.3",
            unhashed <= 1.3,
        ),
        Row("`inspect` of it, with sha256 of file and content", f"{ratio:.2f}", "(no target)", True),
        Row("its sha256 alone, by Python's hashlib", f"{sha256:.2f}", "(what no program escapes)", True),
        Row("`inspect` of it, gigabytes a second", f"{rate:.1f}", "(no target)", True),
        Row("memory of that", f"{memory / 1e6:.0f} MB", "at most 200 MB", memory <= 200e6),
        Row("the cage, of a process", f"{cost * 1e3:.1f} ms", "below 10 ms", cost < 0.01),
    ]


if __name__ == "__main__":
    main("inspect_file", measure)
