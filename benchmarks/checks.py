"""What the checks of a level cost: whole processes on the 224x224 network, against one pass over its cases by
the artifact alone, warm, in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from common import BIN, ROOT, Row, interleaved, main

import tsharness

ROUNDS = 5
TARGETS = {"quick": None, "standard": 25.0}


def measure() -> list[Row]:
    sys.path.insert(0, str(ROOT / "examples"))
    import resnet

    torch.manual_seed(0)
    model, example = resnet.ResNet().eval(), torch.randn(1, 3, 224, 224)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "resnet.pt"
        dynamic = {"x": {0: "N:1..8", 3: "W:192..256/32"}}
        tsharness.export(model, example, path, method="trace", dynamic=dynamic)

        def verify(level: str) -> Callable[[], float]:
            def run() -> float:
                start = time.perf_counter()
                command = [BIN / "tsharness", "verify", "--quiet", "--level", level, path]
                subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
                return time.perf_counter() - start

            return run

        levels = {level: verify(level) for level in TARGETS}
        seconds = interleaved({**levels, "pass": lambda: _one_pass(path)}, ROUNDS)
    return [_row(level, seconds[level] / seconds["pass"], target) for level, target in TARGETS.items()]


def _row(level: str, ratio: float, target: float | None) -> Row:
    stated = f"at most {target:g}" if target else "(no target)"
    return Row(
        f"`verify --level {level}` / one pass over its cases",
        f"{ratio:.1f}",
        stated,
        ratio <= (target or ratio),
    )


def _one_pass(path: Path) -> float:
    """Seconds of the last call of every case together, by the runner's own clock."""
    options = ["--select", "parity", "--calls", "3", "--json", "-"]
    command = [BIN / "tsharness", "verify", path, *options]
    done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    (report,) = json.loads(done.stdout)["reports"]
    return float(sum(case["seconds"][-1] for case in report["cases"]))


if __name__ == "__main__":
    main("checks", measure)
