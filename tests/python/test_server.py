"""``tsharness bench --scenario``: load that does not wait for the answer, callers, bursts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import tsharness
from conftest import tsharness as run
from conftest import with_case
from corpus import scripted
from tsharness.bench.samples import KEY
from tsharness.cases.safetensors_file import Location, SafetensorsReader

pytestmark = pytest.mark.alone

QUICK = ("--case", "example", "--processes", "1", "--min-time", "0.3")


class Stalls(torch.nn.Module):
    """Every so many calls, it works much longer: the collector of garbage, a cache that is filled anew."""

    def __init__(self, every: int, rounds: int) -> None:
        super().__init__()
        self.calls, self.every, self.rounds = 0, every, rounds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        y = x
        if self.calls % self.every == 0:
            for _ in range(self.rounds):
                y = torch.mm(y, x)
        return y


def artifact(folder: Path, module: torch.nn.Module, x: torch.Tensor) -> Path:
    return with_case(scripted(module, folder / "m.pt"), x, x)


def samples_of(path: Path) -> list[tuple[dict[str, object], np.ndarray]]:
    reader = SafetensorsReader(Location(path))
    found = []
    for name, of in json.loads(reader.metadata[KEY]).items():
        rows = np.frombuffer(reader.read(name)).reshape(reader.entries[name].shape)
        found.append((of, rows))
    return found


def rounds_for(seconds: float, x: torch.Tensor) -> int:
    """Matrix products that take so long here."""
    for _ in range(20):
        torch.mm(x, x)
    start = time.perf_counter()
    for _ in range(50):
        torch.mm(x, x)
    return round(50 * seconds / (time.perf_counter() - start))


@pytest.mark.parametrize("rate", [150, 600])
def test_a_stall_is_seen_at_any_rate(tmp_path: Path, rate: int) -> None:
    """A model that stalls for 200 ms once a second. Requests that should have come meanwhile have waited,
    too, whether or not anybody could send them: a caller who waits for the answer sees one slow call in a
    second, and finds nothing in p99 (coordinated omission)."""
    x = torch.eye(128)
    path = artifact(tmp_path, Stalls(rate, rounds_for(0.2, x)), x)
    kept = tmp_path / "samples.safetensors"
    common = {"threads": 1, "processes": 1, "samples": kept}
    closed = tsharness.benchmark(path, min_seconds=1.5, **common)
    ((_, rows),) = samples_of(kept)
    assert float(rows.max()) > 0.05, "the planted stall is too short to be seen"
    assert closed.latencies[0].quantiles["p99"].seconds < float(rows.max()) / 10

    sweep = {"rate": [rate], "workers": [1]}
    opened = tsharness.benchmark(
        path, scenario="server", sweep=sweep, min_seconds=max(3, 700 / rate), **common
    )
    ((_, rows),) = samples_of(kept)
    stall = float((rows[:, 3] - rows[:, 2]).max())
    assert opened.latencies[0].quantiles["p99"].seconds > stall / 2


def test_requests_are_sent_when_they_should_be(models: Path, tmp_path: Path) -> None:
    kept = tmp_path / "samples.safetensors"
    ran = run(
        "bench", models / "linear.pt", *QUICK, "--scenario", "server", "--rate", "200,400", "--samples", kept
    )
    assert ran.code == 0, ran.text
    assert "sent late" in ran.out and "rate" in ran.out
    found = samples_of(kept)
    assert [of["parameters"]["rate"] for of, _ in sorted(found, key=lambda one: str(one[0]))] == [200, 400]
    for of, rows in found:
        intended, sent, started, finished = rows.T
        assert (np.diff(intended) > 0).all()
        assert (sent >= intended).all() and (started >= sent).all() and (finished > started).all()
        gaps = np.diff(intended)
        rate = of["parameters"]["rate"]
        assert gaps.mean() == pytest.approx(1 / rate, rel=0.4)
        assert gaps.std() == pytest.approx(gaps.mean(), rel=0.5)  # exponential


def test_shares_of_what_it_can_serve(models: Path) -> None:
    report = tsharness.benchmark(
        models / "linear.pt",
        only=("example",),
        scenario="server",
        sweep={"rate": ["10%", "20%"], "workers": [1]},
        processes=1,
        min_seconds=0.1,
    )
    low, high = (latency.parameters["rate"] for latency in report.latencies)
    assert high == pytest.approx(2 * low, rel=0.01)


@pytest.mark.parametrize(
    ("limit", "seconds", "code", "said"),
    [
        ("50ms", 5, 0, "requests a second hold p90 at most 50.0 ms"),
        ("1us", 5, 4, "no rate that was tried holds p90 at most 1.00 µs"),
        ("50ms", 0.01, 0, "requests a second hold p90 at most 50.0 ms"),
    ],
)
def test_the_highest_rate_that_holds(models: Path, limit: str, seconds: float, code: int, said: str) -> None:
    ran = run(
        *("bench", models / "linear.pt", "--case", "example", "--scenario", "server"),
        *("--slo", f"p90={limit}", "--max-time", str(seconds)),
    )
    assert ran.code == code, ran.text
    assert said in ran.out


def test_callers_on_one_module_and_on_clones(models: Path) -> None:
    ran = run(
        "bench",
        models / "linear.pt",
        *QUICK,
        "--scenario",
        "throughput",
        "--callers",
        "1,2",
        "--threads",
        "1",
    )
    assert ran.code == 0, ran.text
    rows = [line for line in ran.out.splitlines() if line.startswith("example")]
    assert len(rows) == 4 and sum("(best)" in row for row in rows) == 1


def test_bursts_with_idle_time_between(models: Path, tmp_path: Path) -> None:
    kept = tmp_path / "samples.safetensors"
    ran = run(
        "bench",
        models / "linear.pt",
        *QUICK,
        "--scenario",
        "paced",
        "--gap",
        "0.02",
        "--burst",
        "3",
        "--samples",
        kept,
    )
    assert ran.code == 0, ran.text
    assert "after idling" in ran.out and "without idling" in ran.out
    ((_, rows),) = samples_of(kept)
    assert rows.shape[1] == 3 and rows.shape[0] >= 11


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--scenario", "rush"), "there is latency, throughput, server, paced"),
        (("--rate", "10"), "--rate is no parameter of the scenario latency"),
        (("--scenario", "server", "--rate", "fast"), "a share such as 70%"),
        (("--scenario", "server", "--rate", "-1"), "expected requests a second"),
        (("--slo", "p99=20ms"), "it needs the scenario server"),
        (("--scenario", "server", "--slo", "memory=1GB"), "expected one percentile"),
        (("--sweep", "threads"), "expected NAME=VALUE"),
        (("--sweep", "warp=1,2"), "no setting 'warp'"),
        (("--sweep", "dtype=int64"), "none of floating point"),
        (("--dim", "batch=0"), "at least 1"),
        (("--inputs", "shuffle"), "expected same or rotate"),
        (("--against", "python", "--sweep", "threads=1,2"), "one caller without a sweep"),
        (("--reference", "m:f"), "--against python"),
        (("--precision", "2"), "a share such as"),
        (("--statistic", "p98", "--precision", "1%"), "there is p50"),
    ],
)
def test_what_cannot_be_meant(models: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = run("bench", models / "linear.pt", *QUICK, *arguments)
    assert ran.code == 2, ran.text
    assert said in ran.text and "Traceback" not in ran.text


def test_operators_of_a_server(models: Path) -> None:
    """What is looked at besides is of one caller, whatever the scenario."""
    ran = run(
        *("bench", models / "linear.pt", *QUICK, "--scenario", "server", "--rate", "50", "--workers", "2"),
        "--profile",
    )
    assert ran.code == 0, ran.text
    assert "operators of case" in ran.out and "aten::addmm" in ran.out
