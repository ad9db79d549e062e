"""What the benchmarks share: timing commands side by side, building the peers, storing results."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tsharness.bench.machine import read_machine

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure, its target, and whether it is reached."""

    what: str
    measured: str
    target: str
    reached: bool


def ratio_row(what: str, ratios: Sequence[float]) -> Row:
    """Of two measurements of the same, in turns: their median is to be within 2%."""
    middle = statistics.median(ratios)
    told = f"{middle:.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    return Row(what, told, "0.98 to 1.02", 0.98 <= middle <= 1.02)


def interleaved(actions: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Runs all actions ``rounds`` times, in random order within each round, so that whatever else the
    machine does meets all of them alike. The median of what each returns."""
    order = random.Random(0)
    samples: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name in order.sample(list(actions), len(actions)):
            samples[name].append(actions[name]())
    return {name: statistics.median(values) for name, values in samples.items()}


def command_seconds(*command: str | Path) -> Callable[[], float]:
    """Wall time of a whole process, from start to exit."""

    def run() -> float:
        start = time.perf_counter()
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    return run


def peak_memory(*command: str | Path, **options: object) -> int:
    """Highest resident set of a process, in bytes. (RSS is inherited over fork, so a small shell of a
    process starts it.)"""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
    )
    arguments = [sys.executable, "-S", "-c", code, *map(str, command)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    return int(done.stdout.splitlines()[-1])


def build_peer(name: str, folder: Path, *libraries: str) -> Path:
    """Compiles a peer program against the environment's own torch, without CMake."""
    spec = importlib.util.find_spec("torch")
    assert spec is not None and spec.submodule_search_locations
    torch = Path(spec.submodule_search_locations[0])
    target = folder / name
    includes = (torch / "include", torch / "include" / "torch" / "csrc" / "api" / "include")
    command: Sequence[str | Path] = (
        *("c++", "-std=c++17", "-O2", "-w", PEERS / f"{name}.cpp", "-o", target),
        *(f"-I{path}" for path in includes),
        *(f"-L{torch / 'lib'}", "-Wl,--no-as-needed", "-ltorch", "-Wl,--as-needed", "-ltorch_cpu", "-lc10"),
        f"-Wl,-rpath,{torch / 'lib'}",
        *libraries,
    )
    subprocess.run(list(map(str, command)), check=True)
    return target


def _output(*command: str) -> list[str]:
    """Lines that a program prints; none where there is no such program."""
    if shutil.which(command[0]) is None:
        return []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def machine() -> dict[str, object]:
    return {
        "machine": ", ".join(
            [read_machine().cpu, *_output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")]
        ),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "commit": os.environ.get("COMMIT") or "".join(_output("git", "describe", "--always", "--dirty")),
        "time": time.strftime("%Y-%m-%dT%H:%M:%S"),
    }


def print_table(rows: Sequence[Row]) -> None:
    """As Markdown, which is also how the README shows it."""
    print("| what | measured | target | reached |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row.what} | {row.measured} | {row.target} | {'yes' if row.reached else '**no**'} |")


def main(
    name: str, measure: Callable[[], Sequence[Row]], parser: argparse.ArgumentParser | None = None
) -> None:
    """Measures, prints the table, and with ``--save`` stores it under benchmarks/results. ``parser``: with
    options of the program's own."""
    parser = parser or argparse.ArgumentParser(description=f"benchmark: {name}")
    parser.add_argument("--save", action="store_true", help="store the result under benchmarks/results")
    save = parser.parse_args().save
    rows = measure()
    print_table(rows)
    if save:
        target = Path(__file__).parent / "results" / f"{name}.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps({**machine(), "rows": [asdict(row) for row in rows]}, indent=2) + "\n")
    sys.exit(0 if all(row.reached for row in rows) else 1)
