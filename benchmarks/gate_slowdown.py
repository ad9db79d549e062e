"""What the slowdowns that gate.py plants are, in instructions, as ``compare --counter instructions`` counts
them; and what it says of a copy, in another folder, while other work keeps both cores busy."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from common import Row, main
from gate import BUSY, ROUNDS, artifact

import tsharness

SHARES = (1, 3, 10)
_NEAR = 0.05
"""Of the share itself: what is around the loop does not grow with it."""


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = artifact(folder, ROUNDS)
        rows = []
        for share in SHARES:
            seen = _more(base, artifact(folder, ROUNDS + ROUNDS * share // 100))
            what = f"instructions of the artifact that is to be {share}% slower, more than the base's"
            low, high = share * (1 - _NEAR), share * (1 + _NEAR)
            rows.append(Row(what, f"{seen:.3f}%", f"{low:.2f}% to {high:.2f}%", low <= seen <= high))
        elsewhere = folder / ("elsewhere" * 20)
        elsewhere.mkdir()
        with _busy_cores():
            seen = _more(base, Path(shutil.copy(base, elsewhere / "copy.pt")))
        what = "instructions of a copy, more than the base's, both cores busy"
        rows.append(Row(what, f"{seen:.4f}%", "within 0.001%", abs(seen) < 0.001))
        return rows


def _more(base: Path, new: Path) -> float:
    """Percent."""
    report = tsharness.compare(base, new, counter="instructions")
    return 100 * (report.cases[0].decisive.ratio - 1)


def _busy_cores() -> ExitStack:
    stack = ExitStack()
    for _ in range(2):
        busy = stack.enter_context(subprocess.Popen([sys.executable, "-c", BUSY]))
        stack.callback(busy.kill)
    return stack


if __name__ == "__main__":
    main("gate_slowdown", measure)
