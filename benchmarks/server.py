"""The server scenario beside MLCommons' LoadGen, on the same model at the same rate, and how late requests
are sent. LoadGen (package mlcommons-loadgen) issues its queries to a worker thread of Python's that calls the
artifact in the C++ core, in-process."""

from __future__ import annotations

import argparse
import json
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from common import Row, main
from latency_models import Chain, save

import tsharness
from tsharness.bench.samples import KEY
from tsharness.cases.safetensors_file import Location, SafetensorsReader

SIZES = (256, 256)
LOAD = 0.7
SECONDS = 10.0


def loadgen(path: Path, rate: float, folder: Path) -> dict[str, float]:
    """Percentiles in seconds, of LoadGen's own log, in a process of its own."""
    command = [sys.executable, __file__, "--loadgen", str(path), str(rate), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return dict(json.loads((folder / "percentiles.json").read_text()))


def run_loadgen(path: Path, rate: float, folder: Path) -> None:
    import mlperf_loadgen as lg

    torch.set_num_threads(1)
    session, x = tsharness.load(path), torch.ones(SIZES)
    begun = time.perf_counter()
    while time.perf_counter() - begun < 0.5:
        session(x)
    waiting: queue.SimpleQueue[object] = queue.SimpleQueue()

    def work() -> None:
        while True:
            query = waiting.get()
            if query is None:
                return
            session(x)
            lg.QuerySamplesComplete([lg.QuerySampleResponse(query.id, 0, 0)])  # type: ignore[attr-defined]

    def issue(queries: list[object]) -> None:
        for query in queries:
            waiting.put(query)

    worker = threading.Thread(target=work)
    worker.start()
    settings = lg.TestSettings()
    settings.scenario = lg.TestScenario.Server
    settings.mode = lg.TestMode.PerformanceOnly
    settings.server_target_qps = rate
    settings.server_target_latency_ns = 10**9
    settings.min_duration_ms = int(1000 * SECONDS)
    settings.min_query_count = int(rate * SECONDS)
    settings.max_query_count = int(rate * SECONDS)
    output, log = lg.LogOutputSettings(), lg.LogSettings()
    output.outdir = str(folder)
    log.log_output = output
    sut = lg.ConstructSUT(issue, lambda: None)
    qsl = lg.ConstructQSL(1, 1, lambda _: None, lambda _: None)
    lg.StartTestWithLogSettings(sut, qsl, settings, log)
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)
    waiting.put(None)
    worker.join()
    found = {}
    for line in (folder / "mlperf_log_summary.txt").read_text().splitlines():
        name, _, value = line.partition(":")
        for label, level in (("50.00", "p50"), ("90.00", "p90"), ("99.00", "p99")):
            if name.strip().startswith(label):
                found[level] = 1e-9 * float(value)
    (folder / "percentiles.json").write_text(json.dumps(found))


def ours(path: Path, rate: float, folder: Path) -> dict[str, float]:
    kept = folder / "samples.safetensors"
    tsharness.benchmark(
        path,
        threads=1,
        scenario="server",
        sweep={"rate": [rate], "workers": [1]},
        processes=1,
        min_seconds=SECONDS,
        samples=kept,
    )
    reader = SafetensorsReader(Location(kept))
    (entry,) = json.loads(reader.metadata[KEY])
    intended, sent, _, finished = np.frombuffer(reader.read(entry)).reshape(-1, 4).T
    latency = finished - intended
    levels = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    found = {name: float(np.quantile(latency, level)) for name, level in levels.items()}
    return {**found, "late": float(np.median(sent - intended))}


def measure() -> list[Row]:
    options = _parser().parse_known_args()[0]
    seen: dict[str, list[dict[str, float]]] = {"ours": [], "loadgen": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = save(folder, "chain", Chain(SIZES[0], 40), SIZES)
        alone = tsharness.benchmark(path, threads=1, processes=3).latencies[0].median
        rate = LOAD / alone
        for number in range(options.rounds):
            for who, action in (("ours", ours), ("loadgen", loadgen)):
                where = folder / f"{who}-{number}"
                where.mkdir()
                seen[who].append(action(path, rate, where))
                print(f"round {number + 1} of {options.rounds}, {who}: {seen[who][-1]}", file=sys.stderr)
    late = statistics.median(one["late"] for one in seen["ours"])
    told = f"{1e6 * late:.0f} µs ({rate:.0f} requests a second)"
    rows = [Row(f"median lateness of a request at {LOAD:.0%} load", told, "below 100 µs", late < 100e-6)]
    for level in ("p50", "p90", "p99"):
        mine, theirs = ([one[level] for one in seen[who]] for who in ("ours", "loadgen"))
        agree = min(mine) <= max(theirs) and min(theirs) <= max(mine)
        rows.append(
            Row(
                f"{level} of the server scenario, tsharness beside LoadGen",
                f"{_range(mine)} beside {_range(theirs)}",
                "ranges overlap",
                agree,
            )
        )
    return rows


def _range(values: list[float]) -> str:
    low, middle, high = (1e3 * v for v in (min(values), statistics.median(values), max(values)))
    return f"{middle:.2f} ms ({low:.2f} to {high:.2f})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each")
    return parser


if __name__ == "__main__":
    if sys.argv[1:2] == ["--loadgen"]:
        run_loadgen(Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
    else:
        main("server", measure, _parser())
