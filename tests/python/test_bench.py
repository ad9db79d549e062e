"""``tsharness bench``: percentiles that the samples bear, limits, and what machine it was."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tsharness
from conftest import tsharness as run
from tsharness.bench.api import benchmark_artifact
from tsharness.bench.budget import judge, parse_budget
from tsharness.bench.machine import Machine, read_machine
from tsharness.bench.measure import Sample
from tsharness.bench.options import BenchOptions
from tsharness.bench.quantiles import LEVELS, quantile, samples_needed
from tsharness.bench.report import BenchReport, Latency
from tsharness.bench.scenarios import LATENCY
from tsharness.bench.split import bottleneck
from tsharness.bench.stability import instability
from tsharness.bench.summarize import summarize
from tsharness.errors import UsageError
from tsharness.report.model import RunnerInfo
from tsharness.verdict import ExitCode

pytestmark = pytest.mark.alone


def event_of(first: float = 1.0, **fields: Any) -> dict[str, Any]:
    """As the runner says it."""
    warmup = {"first_seconds": first, "calls": 9, "seconds": 0.1, "transient_calls": 1, "steady": True}
    return {"warmup": warmup, "calls_per_sample": 1, "steady": True, **fields}


def latency_of(case: str, *processes: Sequence[float], first: float = 1.0) -> Latency:
    samples = []
    for seconds in processes:
        rows = np.array(seconds).reshape(-1, 1)
        event = event_of(first)
        samples.append(Sample(event, rows, LATENCY.sampled(rows, event), None))
    return summarize(case, samples, {})


RUNNER = RunnerInfo("2.13.0", "0", "cpu", ("cpu",), 8, "AVX2", "c++", ())


@pytest.mark.parametrize(
    ("name", "count"), [("p50", 11), ("p90", 64), ("p95", 130), ("p99", 662), ("p99.9", 6636)]
)
def test_how_many_samples_a_percentile_needs(name: str, count: int) -> None:
    level = LEVELS[name]
    assert samples_needed(level) == count
    assert quantile([1.0] * (count - 1), level) is None
    found = quantile(list(map(float, range(count))), level)
    assert found is not None and found.high == count - 2  # the second largest


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_an_interval_holds_the_percentile_as_often_as_it_says(level: float) -> None:
    rng = random.Random(0)
    below = above = 0
    for _ in range(1500):
        # Exponential times, as queues have them: nothing may be assumed.
        found = quantile(sorted(rng.random() for _ in range(800)), level)
        assert found is not None
        below += found.high < level
        above += found.low > level
    assert below <= 25 and above <= 25  # 15 are expected at most
    assert below + above >= 5  # and it is not wider than it says


def test_outliers_are_counted_and_kept() -> None:
    samples = [1.0 + number / 1000 for number in range(100)]
    latency = latency_of("x", [*samples, 1.2, 5.0])
    assert (latency.outliers.mild, latency.outliers.severe) == (1, 1)
    assert latency.count == 102


def test_a_summary_by_hand() -> None:
    summary = latency_of("x", [5.0, 1.0], [4.0], [2.0, 3.0], first=8.0)
    assert (summary.first, summary.median, summary.minimum, summary.count) == (8.0, 3.0, 1.0, 5)
    assert summary.processes == (3.0, 4.0, 2.5)
    assert not summary.quantiles and summary.needed["p50"] == 11


def test_budgets_are_read() -> None:
    text = "p99=20ms, first=1.5s,load=2s,memory=500MB,size=50MiB,p50=3us"
    assert parse_budget(text) == pytest.approx(
        {"p99": 0.02, "first": 1.5, "load": 2, "memory": 5e8, "size": 50 * 2**20, "p50": 3e-6}
    )
    for number, means in (("5000", 5000), ("5k", 5000), ("1.5M", 1.5e6), ("2G", 2e9)):
        assert parse_budget(f"instructions={number}") == {"instructions": means}
    for wrong in ("p98=1ms", "p99", "p99=20", "p99=20MB", "size=2s", "p99=-1ms", "instructions=5MB"):
        with pytest.raises(UsageError, match="--budget"):
            parse_budget(wrong)


@pytest.mark.parametrize(
    ("name", "most", "code"),
    [
        ("p99", 3.0, ExitCode.PASS),
        ("p99", 0.5, ExitCode.REGRESSION),
        ("p99", 0.99, ExitCode.INCONCLUSIVE),
        ("p99.9", 9.0, ExitCode.INCONCLUSIVE),
        ("first", 1.0, ExitCode.REGRESSION),
        ("load", 1.0, ExitCode.PASS),
        ("memory", 99.0, ExitCode.REGRESSION),
        ("size", 99.0, ExitCode.PASS),
        ("instructions", 1000.0, ExitCode.PASS),
        ("instructions", 999.0, ExitCode.REGRESSION),
    ],
)
def test_limits(name: str, most: float, code: ExitCode) -> None:
    rng = random.Random(0)
    latency = latency_of("x", [rng.random() for _ in range(1000)], first=2.0)
    (limit,) = judge({name: most}, [latency], 0.5, 100, 50, {"x": 1000.0})
    assert limit.exit_code is code, limit


def test_the_command_keeps_limits(models: Path, tmp_path: Path) -> None:
    quick = ("--min-time", "0.2", "--case", "example")
    kept = run("bench", models / "linear.pt", *quick, "--budget", "p50=10s,size=1GB,load=100s,memory=100GB")
    assert kept.code == 0, kept.text
    assert kept.out.count("PASS") == 4 + 1  # each limit, and the whole
    exceeded = run("bench", models / "linear.pt", *quick, "--budget", "p50=1us,size=1kB,first=1us")
    assert exceeded.code == 4, exceeded.text
    assert exceeded.out.count("FAIL") == 3 and "(at most 1.0 kB)" in exceeded.out
    untold = run("bench", models / "resnet.pt", *quick, "--budget", "p99.9=10s")
    assert untold.code == 3, untold.text
    assert "INCONCLUSIVE  p99.9" in untold.out and "needs 6636 samples" in untold.out
    assert run("bench", models / "linear.pt", "--budget", "speed=high").code == 2


def test_the_report_goes_round(models: Path) -> None:
    report = tsharness.benchmark(models / "linear.pt", only=("example",), min_seconds=0.1, processes=2)
    assert len(report.latencies[0].processes) == 2
    assert BenchReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    with pytest.raises(UsageError, match="processes"):
        tsharness.benchmark(models / "linear.pt", processes=0)


def machine(root: Path, **files: str) -> Machine:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_machine(root)


def test_a_quota_smaller_than_the_pool_is_named(tmp_path: Path) -> None:
    found = machine(tmp_path, sys__fs__cgroup__cpu_DOT_max="150000 100000\n", proc__loadavg="0.0 0 0")
    assert found.quota == 1.5
    assert any("grants 1.5 cores' time, the pool has 8 threads" in one for one in found.warnings(RUNNER))
    free = machine(tmp_path, sys__fs__cgroup__cpu_DOT_max="max 100000\n")
    assert free.quota is None
    assert not any("control group" in one for one in free.warnings(RUNNER))


def test_a_quota_of_the_older_kind(tmp_path: Path) -> None:
    folder = tmp_path / "sys/fs/cgroup/cpu"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("50000")
    (folder / "cpu.cfs_period_us").write_text("100000")
    assert read_machine(tmp_path).quota == 0.5
    (folder / "cpu.cfs_quota_us").write_text("-1")
    assert read_machine(tmp_path).quota is None


def test_a_governor_and_other_load_are_named(tmp_path: Path) -> None:
    cpu = tmp_path / "sys/devices/system/cpu/cpu0/cpufreq"
    cpu.mkdir(parents=True)
    (cpu / "scaling_governor").write_text("powersave\n")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/loadavg").write_text("64.00 1 1 1/1 1")
    found = read_machine(tmp_path)
    said = " ".join(found.warnings(RUNNER))
    assert "governor is powersave" in said and "load 64.0" in said


def test_processes_that_disagree_are_named(models: Path) -> None:
    assert not latency_of("a", [1.0] * 20, [1.01] * 20).unstable
    (said,) = latency_of("b", [1.0] * 20, [1.3] * 20).unstable
    assert said == "the medians of its processes differ by 30%"


def test_cases_behind_one_that_crashes(tmp_path: Path) -> None:
    import torch

    from corpus import scripted
    from tsharness.cases import Call, Case, CaseFile, write_case_file
    from tsharness.exporting.torch_values import to_value

    class Crashes(torch.nn.Module):
        def forward(self, x: torch.Tensor, far: int) -> torch.Tensor:
            indices = torch.tensor([[far]])
            return x + torch.ops.aten._sparse_coo_tensor_unsafe(indices, torch.ones(1), [4]).to_dense()

    path, x = scripted(Crashes(), tmp_path / "m.pt"), torch.ones(4)
    cases = [Case(str(far), (Call((to_value(x), far), to_value(x)),)) for far in (0, 1 << 45, 1)]
    write_case_file(CaseFile(tuple(cases)), tmp_path / "m.pt.cases.safetensors")
    ran = run("bench", path, "--min-time", "0.05", "--processes", "2")
    assert ran.code == 6, ran.text
    assert "Traceback" not in ran.text and f'ERROR case "{1 << 45}": the runner crashed' in ran.out
    assert [line.split()[0] for line in ran.out.splitlines() if " to " in line and "µs" in line] == ["0"]


def block(median: float = 1.0, **counters: float) -> dict[str, Any]:
    return {"calls": 50, "seconds": 0.05, "median_seconds": median, **counters}


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        (
            [block(throttled_seconds=0.02)] * 20,
            "throttled: its control group was stopped for 400 ms of 1.00 s",
        ),
        ([block(), block(2.0)] * 10, "its blocks' medians range from 1.00 s to 2.00 s"),
        ([block(), block(2.0, stolen_seconds=0.01)] * 10, "the hypervisor gave the processors to others"),
        ([block(), block(2.0, involuntary_switches=20)] * 10, "it had to make room 200 times a second"),
        (
            [block(1.0, mhz=3000)] * 10 + [block(2.0, mhz=1500)] * 10,
            "it falls, as heat makes it (throttling)",
        ),
        ([block(2.0, mhz=1500)] * 10 + [block(1.0, mhz=3000)] * 10, "turbo, or a governor that saves power"),
        ([block(), block(2.0, major_faults=3)] * 10, "30 pages had to be read from disk"),
        ([block(), block(2.0, minor_faults=5000)] * 10, "page faults: 50 a call"),
    ],
)
def test_what_makes_figures_unstable_is_named(blocks: list[dict[str, Any]], said: str) -> None:
    assert any(said in text for text in instability([event_of(blocks=blocks)], [1.0])), said


def test_what_disturbs_nothing_is_not_named() -> None:
    quiet = [block(1.0 + number / 1000, involuntary_switches=20, minor_faults=5000) for number in range(20)]
    assert instability([event_of(blocks=quiet)], [1.0, 1.01]) == ()


def test_times_that_still_change_are_named() -> None:
    falling = [block(2.0 - number / 20) for number in range(20)]
    assert any(
        "still change" in text for text in instability([event_of(blocks=falling, steady=False)], [1.0])
    )
    cold = event_of(blocks=[block()] * 20)
    cold["warmup"] = {**cold["warmup"], "steady": False}
    assert any("--max-warmup" in text for text in instability([cold], [1.0]))


@contextmanager
def throttled(root: Path) -> Iterator[None]:
    """A system whose control group is stopped for a third of the time, its quota being one core."""
    stat = root / "sys/fs/cgroup/cpu.stat"
    stat.parent.mkdir(parents=True)
    (root / "sys/fs/cgroup/cpu.max").write_text("100000 100000\n")
    begun, end = time.monotonic(), threading.Event()

    def count() -> None:
        while not end.wait(0.005):
            stopped = (time.monotonic() - begun) / 3
            beside = stat.with_name("cpu.stat.new")
            beside.write_text(f"usage_usec 1\nthrottled_usec {int(1e6 * stopped)}\n")
            beside.replace(stat)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def test_a_simulated_throttle_is_recognised(models: Path, tmp_path: Path) -> None:
    options = BenchOptions(only=("example",), threads=2, processes=2, min_seconds=1.0, system_root=tmp_path)
    with throttled(tmp_path):
        report = benchmark_artifact(models / "resnet.pt", options)
    (latency,) = report.latencies
    assert any(text.startswith("throttled: its control group was stopped") for text in latency.unstable)
    assert any("grants 1 cores' time, the pool has 2 threads" in text for text in report.warnings)
    free = benchmark_artifact(models / "resnet.pt", replace(options, system_root=Path("/")))
    assert not any(text.startswith("throttled") for text in free.latencies[0].unstable)


def split_of(*parts: float, back_to_back: float) -> tuple[dict[str, float], np.ndarray]:
    return {"back_to_back_seconds": back_to_back}, np.array([parts] * 5)


@pytest.mark.parametrize(
    ("parts", "back_to_back", "said"),
    [
        ((10e-3, 4e-3, 1e-3, 2e-3, 3e-3), 2e-3, "copying: 7.00 ms of 10.0 ms"),
        ((3e-3, 1e-4, 2e-3, 2.1e-3, 1e-4), 2e-3, "the host: it takes 2.00 ms to enqueue"),
        ((9e-3, 1e-4, 1e-3, 8e-3, 1e-4), 8e-3, "the device: it computes for 8.00 ms of 9.00 ms"),
    ],
)
def test_the_bottleneck_of_a_gpu_in_words(parts: tuple[float, ...], back_to_back: float, said: str) -> None:
    assert bottleneck([split_of(*parts, back_to_back=back_to_back)]).startswith(said)
    assert bottleneck([]) == ""
