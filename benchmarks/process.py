"""Whole processes: ``tsharness verify`` against the script of today and a bare LibTorch program, and how long
``--help`` takes."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from common import BIN, PEERS, ROOT, Row, build_peer, command_seconds, interleaved, main

import tsharness

ROUNDS = 15


def measure() -> list[Row]:
    sys.path.insert(0, str(ROOT / "examples"))
    import linear

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artifact, data = folder / "linear.pt", folder / "cases.pt"
        tsharness.export(*linear.make(), artifact, method="trace", families=())
        module = torch.jit.load(str(artifact))
        inputs = [torch.randn(n, 10) for n in (1, 2, 7)]
        torch.save([(x, module(x).detach()) for x in inputs], data)
        bare = build_peer("load_only", folder)
        command, script = BIN / "tsharness", PEERS / "script_of_today.py"
        seconds = interleaved(
            {
                "verify": command_seconds(command, "verify", "--quiet", "--level", "quick", artifact),
                "standard": command_seconds(command, "verify", "--quiet", artifact),
                "script": command_seconds(sys.executable, "-W", "ignore", script, artifact, data),
                "bare": command_seconds(bare, artifact),
                "help": command_seconds(command, "--help"),
                "version": command_seconds(command, "--version"),
            },
            ROUNDS,
        )
    by_script, by_bare = seconds["verify"] / seconds["script"], seconds["verify"] / seconds["bare"]
    standard = seconds["standard"] / seconds["script"]
    slowest = max(seconds["help"], seconds["version"])
    return [
        Row(
            "`verify --level quick` / the script of today",
            f"{by_script:.2f}",
            "at most 0.30",
            by_script <= 0.3,
        ),
        Row("`verify --level quick` / a bare load", f"{by_bare:.2f}", "at most 1.6", by_bare <= 1.6),
        Row("`verify` / the script of today", f"{standard:.2f}", "(nine more checks: no target)", True),
        Row("`--help`, `--version`, the slower", f"{slowest:.2f} s", "at most 0.15 s", slowest <= 0.15),
    ]


if __name__ == "__main__":
    main("process", measure)
