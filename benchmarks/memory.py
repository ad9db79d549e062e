"""Memory of the runner against a bare LibTorch program that loads and runs the same artifact once."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import torch
from common import Row, build_peer, main, peak_memory

import tsharness
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job

SIZE = 25_000_000  # elements: 100 MB in, 100 MB out
ALLOWANCE = 16e6


class Shift(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = []
        for size, what in ((SIZE, "100 MB in, 100 MB out"), (10, "small")):
            path = folder / f"{size}.pt"
            example = torch.ones(size)
            tsharness.export(Shift(), example, path, method="script", families=(), max_case_bytes=10**9)
            job = folder / "job.json"
            job.write_text(json.dumps(Job(path, ({"step": "load"}, {"step": "run", "calls": 5})).to_dict()))
            bare = peak_memory(build_peer("run_once", folder), path, str(size))
            runner = peak_memory(find_runner().path, job)
            over = runner - bare - 2 * 4 * size
            rows.append(_row(what, over))
        return rows


def _row(what: str, over: float) -> Row:
    label = f"runner memory beyond bare program + inputs + outputs, {what}"
    return Row(label, f"{over / 1e6:+.1f} MB", "at most 16 MB", over <= ALLOWANCE)


if __name__ == "__main__":
    main("memory", measure)
