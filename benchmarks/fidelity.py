"""The median that ``bench`` reports against that of a minimal LibTorch loop, taking turns, and what
recording a sample costs."""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import tempfile
from pathlib import Path

from common import Row, build_peer, main, ratio_row
from latency_models import SIZES, save

import tsharness

_SECONDS = 1.0  # of each turn
_FEWEST = 25  # calls in each turn
_ABOUT = {"3 µs": 3e-6, "50 µs": 50e-6, "1 ms": 1e-3, "20 ms": 20e-3, "100 ms": 0.1}


def measure() -> list[Row]:
    options = _parser().parse_known_args()[0]
    rows, costs = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop = build_peer("latency_loop", folder)
        for label, (factory, sizes) in SIZES.items():
            seconds = max(_SECONDS, _FEWEST * _ABOUT[label])
            path = save(folder, label.replace(" ", "-"), factory(), sizes)
            ratios = []
            for _ in range(options.rounds):
                theirs: tuple[float, ...] = ()
                ours = None
                for who in random.sample(("ours", "theirs"), 2):
                    if who == "ours":
                        ours = tsharness.benchmark(path, threads=1, processes=1, min_seconds=seconds)
                    else:
                        theirs = _by_hand(loop, path, sizes, seconds)
                assert ours is not None
                latency = ours.latencies[0]
                ratios.append(latency.median / theirs[0])
                blocks = latency.blocks[0]
                calls = sum(block["calls"] for block in blocks)
                outside = sum(block["wall_seconds"] - block["seconds"] for block in blocks) / calls
                if label == next(iter(SIZES)):
                    costs.append(outside + theirs[2])  # one reading of the clock lies inside the sample
            rows.append(ratio_row(f"p50 of a {label} model, bench / minimal loop", ratios))
    cost = statistics.median(costs)
    rows.append(Row("recording a sample", f"{1e9 * cost:.0f} ns", "at most 100 ns", cost <= 100e-9))
    return rows


def _by_hand(loop: Path, path: Path, sizes: tuple[int, ...], seconds: float) -> tuple[float, ...]:
    done = subprocess.run(
        [loop, path, str(seconds), *map(str, sizes)],
        check=True,
        capture_output=True,
        text=True,
        env={"OMP_NUM_THREADS": "1"},
    )
    return tuple(map(float, done.stdout.split()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each")
    return parser


if __name__ == "__main__":
    main("fidelity", measure, _parser())
