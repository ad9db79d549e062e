"""What the slowdowns that gate.py plants are: operators that are called more, as ``bench --profile`` counts
them, and instructions, as ``bench --counter instructions`` does. The second figure has the work of malloc in
it, which differs with where memory lies."""

from __future__ import annotations

import tempfile
from pathlib import Path

from common import Row, main
from gate import ROUNDS, artifact

import tsharness

SHARES = (1, 3, 10)


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        calls, instructions, counter = _counts(artifact(Path(name), ROUNDS))
        rows = []
        for share in SHARES:
            more_calls, more_instructions, _ = _counts(artifact(Path(name), ROUNDS + ROUNDS * share // 100))
            seen = 100 * (more_calls / calls - 1)
            what = f"of the artifact that is to be {share}% slower, more than the base's"
            rows.append(
                Row(f"operators {what}", f"{seen:.2f}%", f"{share}%", abs(seen - share) < 0.05 * share)
            )
            told = f"{100 * (more_instructions / instructions - 1):.2f}% ({counter})"
            rows.append(Row(f"instructions {what}", told, "(stated)", True))
    return rows


def _counts(path: Path) -> tuple[float, float, str]:
    """Of one call: operators, instructions, and what has counted these."""
    report = tsharness.benchmark(path, processes=1, min_seconds=0.05, counter="instructions", profile=True)
    counted, (profile,) = report.extras.instructions, report.extras.operators
    assert counted is not None
    calls = sum(one.calls for one in profile.operators if one.name == "aten::relu")
    return calls, next(iter(counted.by_case.values())), counted.counter


if __name__ == "__main__":
    main("gate_slowdown", measure)
