"""What the checks of a level cost: whole processes on the 224x224 network, against one pass over its cases by
the artifact alone, warm; and on a small artifact, against a process that imports torch and does nothing else.
All in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from common import BIN, ROOT, Row, command_seconds, interleaved, main

import tsharness

ROUNDS = 7
TARGETS = {"quick": None, "standard": 15.0}
SMALL_TARGET = 1.0


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        network, small = _network(Path(name) / "resnet.pt"), _small(Path(name) / "linear.pt")
        seconds = interleaved(
            {
                **{level: command_seconds(*_verify(network, level)) for level in TARGETS},
                "pass": lambda: _one_pass(network),
                "small": command_seconds(*_verify(small, "standard")),
                "import": command_seconds(sys.executable, "-c", "import torch"),
            },
            ROUNDS,
        )
    rows = [_row(level, seconds[level] / seconds["pass"], target) for level, target in TARGETS.items()]
    ratio = seconds["small"] / seconds["import"]
    what = "`verify` of `examples/linear.py`, with its 12 cases / `import torch`"
    return [*rows, Row(what, f"{ratio:.2f}", f"at most {SMALL_TARGET:g}", ratio <= SMALL_TARGET)]


def _network(path: Path) -> Path:
    sys.path.insert(0, str(ROOT / "examples"))
    import resnet

    torch.manual_seed(0)
    model, example = resnet.ResNet().eval(), torch.randn(1, 3, 224, 224)
    dynamic = {"x": {0: "N:1..8", 3: "W:192..256/32"}}
    tsharness.export(model, example, path, method="trace", dynamic=dynamic)
    return path


def _small(path: Path) -> Path:
    import linear

    tsharness.export(*linear.make(), path)
    return path


def _verify(path: Path, level: str) -> tuple[str | Path, ...]:
    return (BIN / "tsharness", "verify", "--quiet", "--level", level, path)


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
