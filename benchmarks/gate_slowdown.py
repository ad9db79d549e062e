"""What the slowdowns that gate.py plants cost in instructions, as ``bench --counter instructions`` counts
them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from common import Row, main
from gate import ROUNDS, artifact

import tsharness

SHARES = (1, 3, 10)


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        counted, counter = _instructions(artifact(Path(name), ROUNDS))
        rows = []
        for share in SHARES:
            slower, _ = _instructions(artifact(Path(name), ROUNDS + ROUNDS * share // 100))
            more = 100 * (slower / counted - 1)
            rows.append(
                Row(
                    f"instructions of the artifact that is to be {share}% slower, more than the base's",
                    f"{more:.2f}% ({counter})",
                    f"{0.8 * share:.1f}% to {1.2 * share:.1f}%",
                    0.8 * share <= more <= 1.2 * share,
                )
            )
    return rows


def _instructions(path: Path) -> tuple[float, str]:
    report = tsharness.benchmark(path, processes=1, min_seconds=0.05, counter="instructions")
    counted = report.extras.instructions
    assert counted is not None
    return next(iter(counted.by_case.values())), counted.counter


if __name__ == "__main__":
    main("gate_slowdown", measure)
