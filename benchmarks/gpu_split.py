"""The split of a GPU's call for a small and a large model: the device's time against a loop with CUDA's own
events, taking turns."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from common import Row, build_peer, main, ratio_row
from latency_models import Chain, save

import tsharness

MODELS = {"small": (lambda: Chain(64, 8), (64, 64)), "large": (lambda: Chain(8192, 4), (8192, 8192))}
_SECONDS = 1.0


def measure() -> list[Row]:
    options = _parser().parse_known_args()[0]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop = build_peer("cuda_event_loop", folder)
        for label, (factory, sizes) in MODELS.items():
            path = save(folder, label, factory(), sizes)
            ratios = []
            for _ in range(options.rounds):
                report = tsharness.benchmark(path, device="cuda", processes=1, min_seconds=2 * _SECONDS)
                latency = report.latencies[0]
                command = [str(loop), str(path), str(_SECONDS), *map(str, sizes)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                ratios.append(latency.facts["compute"] / float(done.stdout))
            facts = ", ".join(f"{key} {1e6 * value:.1f} µs" for key, value in latency.facts.items())
            print(f"{label}: {facts}\n  {latency.bottleneck}", file=sys.stderr)
            rows.append(ratio_row(f"device time of a {label} model, bench / loop of CUDA events", ratios))
            rows.append(Row(f"parts of the {label} model", facts, "(stated)", True))
            rows.append(Row(f"bottleneck of the {label} model", latency.bottleneck, "(stated)", True))
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each")
    return parser


if __name__ == "__main__":
    main("gpu_split", measure, _parser())
