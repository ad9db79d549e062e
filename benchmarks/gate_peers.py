"""The question of gate.py, put to other tools as their users put it: copies of one artifact, and one that is
slower by a known share, while another process keeps a core busy. About ten seconds for each comparison.

pytest-benchmark: the new one against the saved base, ``--benchmark-compare-fail=mean:2%``. hyperfine: two
programs, its own Welch test at 1%. google-benchmark: two sets of repetitions, its U test as its compare.py
does it, at 1%."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from common import BIN, Row, build_peer, main
from gate import BUSY, ROUNDS, artifact

Differs = Callable[[Path, Path, Path], bool]
_TEST = """
import os, torch

def test_call(benchmark):
    module, x = torch.jit.load(os.environ["MODEL"]), torch.ones(256)
    with torch.no_grad():
        for _ in range(50):
            module(x)
        benchmark(module, x)
"""
_ALPHA = 0.01


def with_pytest_benchmark(base: Path, new: Path, folder: Path) -> bool:
    test = folder / "test_call.py"
    test.write_text(_TEST)
    storage = f"--benchmark-storage={folder}/storage"
    common = [BIN / "python", "-m", "pytest", "-q", test, storage, "--benchmark-max-time=4", "-W", "ignore"]
    run(*common, "--benchmark-save=base", model=base)
    done = run(
        *common, "--benchmark-compare=0001", "--benchmark-compare-fail=mean:2%", model=new, check=False
    )
    return done.returncode != 0


def with_hyperfine(base: Path, new: Path, folder: Path) -> bool:
    from scipy.stats import ttest_ind

    program, result = build_once("repeat_calls", folder.parent), folder / "hyperfine.json"
    commands = [f"{program} '{path}' 1000" for path in (base, new)]
    run("hyperfine", "-N", "--warmup", "1", "--runs", "10", "--export-json", result, *commands)
    times = [one["times"] for one in json.loads(result.read_text())["results"]]
    return bool(ttest_ind(*times, equal_var=False).pvalue < _ALPHA)


def with_google_benchmark(base: Path, new: Path, folder: Path) -> bool:
    from scipy.stats import mannwhitneyu

    program = build_once("gbench_loop", folder.parent, "-lbenchmark")
    times = []
    for path in (base, new):
        options = ("--benchmark_repetitions=20", "--benchmark_min_time=0.2", "--benchmark_format=json")
        done = run(program, *options, model=path)
        rows = json.loads(done.stdout)["benchmarks"]
        times.append([row["cpu_time"] for row in rows if row["run_type"] == "iteration"])
    return bool(mannwhitneyu(*times, alternative="two-sided").pvalue < _ALPHA)


PEERS_BY_NAME: dict[str, Differs] = {
    "pytest-benchmark": with_pytest_benchmark,
    "hyperfine": with_hyperfine,
    "google-benchmark": with_google_benchmark,
}


def run(
    *command: str | Path, model: Path | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({"MODEL": str(model)} if model else {})}
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=check, env=environment
    )


def build_once(name: str, folder: Path, *libraries: str) -> Path:
    target = folder / name
    return target if target.exists() else build_peer(name, folder, *libraries)


def measure() -> list[Row]:
    options = _parser().parse_known_args()[0]
    rows = []
    with tempfile.TemporaryDirectory() as name, subprocess.Popen([sys.executable, "-c", BUSY]) as busy:
        try:
            folder = Path(name)
            base = artifact(folder, ROUNDS)
            slower = artifact(folder, ROUNDS + ROUNDS * 3 // 100)
            for peer, differs in PEERS_BY_NAME.items():
                alarms, found = (
                    sum(_once(differs, base, new, folder, f"{peer} {number}") for number in range(times))
                    for new, times in ((base, options.same), (slower, options.slower))
                )
                rows.append(
                    Row(f"{peer}: copies called different", f"{alarms} of {options.same}", "(a peer)", True)
                )
                rows.append(
                    Row(f"{peer}: 3% slower, found", f"{found} of {options.slower}", "(a peer)", True)
                )
        finally:
            busy.kill()
    return rows


def _once(differs: Differs, base: Path, new: Path, folder: Path, label: str) -> bool:
    with tempfile.TemporaryDirectory(dir=folder) as own:
        said = differs(base, new, Path(own))
    print(f"{label}: {new.stem} against {base.stem}: {'different' if said else 'not'}", file=sys.stderr)
    return said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--same", type=int, default=10, help="comparisons of copies, each peer")
    parser.add_argument("--slower", type=int, default=5, help="comparisons with the slowdown, each peer")
    return parser


if __name__ == "__main__":
    main("gate_peers", measure, _parser())
