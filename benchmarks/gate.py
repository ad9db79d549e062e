"""How often ``compare`` calls copies of one artifact different, and how often it finds a slowdown of known
size, while another process keeps a core busy. With its full counts it runs for most of an hour, and says how
far it is."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch
from common import Row, main

import tsharness
from tsharness.cases import Call, Case, CaseFile, write_case_file
from tsharness.exporting import torch_jit
from tsharness.exporting.torch_values import to_value

ROUNDS = 800
"""Of the loop; a slowdown is so many rounds more, and nothing else. LibTorch unrolls loops by 8: all counts
are multiples of that."""
BUSY = "while True: pass"


class Work(torch.nn.Module):
    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.rounds = rounds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for _ in range(self.rounds):
            y = torch.relu(y)  # of what the last round gave: the same rounds twice are done once
        return y


def artifact(folder: Path, rounds: int) -> Path:
    path, x = folder / f"{rounds}.pt", torch.linspace(-1, 1, 256)
    torch_jit.save(torch_jit.script(Work(rounds).eval()), path)
    case = Case("one", (Call((to_value(x),), to_value(x.relu())),))
    write_case_file(CaseFile((case,)), folder / f"{rounds}.pt.cases.safetensors")
    return path


def verdicts(base: Path, new: Path, times: int, seconds: float) -> Counter[str]:
    """What ``compare`` says, each time of a fresh copy."""
    found: Counter[str] = Counter()
    for number in range(times):
        copy = shutil.copy(new, new.with_name("copy.pt"))
        started = time.monotonic()
        report = tsharness.compare(base, copy, max_time=seconds)
        effect = report.cases[0].effect
        found[report.verdict] += 1
        print(
            f"{new.stem} against {base.stem}: {number + 1} of {times}, {report.verdict}, "
            f"{effect.low:.4f} to {effect.high:.4f}, {time.monotonic() - started:.1f} s",
            file=sys.stderr,
            flush=True,
        )
    return found


def measure() -> list[Row]:
    options = _parser().parse_known_args()[0]
    with tempfile.TemporaryDirectory() as name, subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
        try:
            folder = Path(name)
            base = artifact(folder, ROUNDS)
            same = verdicts(base, base, options.same, options.seconds)
            slower = {
                share: verdicts(
                    base, artifact(folder, ROUNDS + ROUNDS * share // 100), options.slower, options.seconds
                )
                for share in (1, 3, 10)
            }
        finally:
            busy.kill()
    alarms = same["slower"] + same["faster"]
    rows = [
        Row(
            f"copies called different, of {options.same}",
            f"{alarms} ({same['same']} same, {same['inconclusive']} inconclusive)",
            "at most 1",
            alarms <= 1,
        )
    ]
    for share, found in slower.items():
        wanted = options.slower if share > 1 else 0
        target = f"{wanted}" if wanted else "(no target)"
        seen = f"{found['slower']} ({found['same']} same, {found['inconclusive']} inconclusive)"
        rows.append(
            Row(f"{share}% slower, found, of {options.slower}", seen, target, found["slower"] >= wanted)
        )
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--same", type=int, default=100, help="comparisons of copies")
    parser.add_argument("--slower", type=int, default=40, help="comparisons with each slowdown")
    parser.add_argument("--seconds", type=float, default=10.0, help="budget of each")
    return parser


if __name__ == "__main__":
    main("gate", measure, _parser())
