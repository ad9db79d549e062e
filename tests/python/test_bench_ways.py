"""What ``tsharness bench`` can vary, and what it looks at besides latency."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import tsharness
from conftest import tsharness as run
from conftest import with_case, written_report
from corpus import scripted
from tsharness.exporting import torch_jit

pytestmark = pytest.mark.alone


def test_a_sweep_is_one_table_with_the_best_marked(models: Path, tmp_path: Path) -> None:
    plot = tmp_path / "sweep.png"
    ran = run(
        *("bench", models / "linear.pt", "--case", "example", "--processes", "1", "--min-time", "0.1"),
        *("--sweep", "threads=1,2", "--sweep", "grad_mode=no_grad,grad", "--plot", plot),
    )
    assert ran.code == 0, ran.text
    rows = [line for line in ran.out.splitlines() if line.startswith("example")]
    assert len(rows) == 4 and sum("(best)" in row for row in rows) == 1
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "sweep",
    [
        {"batch": [1, 4]},
        {"dtype": ["float32", "bfloat16"]},
        {"memory_format": ["contiguous", "channels_last"]},
        {"interop_threads": [1, 2]},
        {"optimized_executor": [True, False]},
        {"tensor_expression_fuser": [True, False]},
        {"inputs": ["same", "rotate"]},
    ],
)
def test_what_can_be_varied(models: Path, sweep: dict[str, list[Any]]) -> None:
    report = tsharness.benchmark(
        models / "resnet.pt", only=("example",), sweep=sweep, processes=1, min_seconds=0.05
    )
    assert not report.errors, report.errors
    ((name, values),) = sweep.items()
    assert [latency.parameters[name] for latency in report.latencies] == values
    assert report.best is not None


def test_larger_batches_take_longer(models: Path) -> None:
    report = tsharness.benchmark(
        models / "resnet.pt",
        only=("example",),
        threads=1,
        sweep={"batch": [1, 8]},
        processes=1,
        min_seconds=0.2,
    )
    small, large = report.latencies
    assert large.median > 2 * small.median
    assert small.input_bytes * 8 == large.input_bytes
    assert large.checked == 0  # nobody has recorded what it should give


def test_inputs_that_rotate_are_larger_than_the_cache(models: Path) -> None:
    report = tsharness.benchmark(
        models / "resnet.pt", only=("example",), inputs="rotate", processes=1, min_seconds=0.05
    )
    (latency,) = report.latencies
    assert latency.input_copies > 1 and latency.input_copies * latency.input_bytes > 1 << 20


def test_a_fast_wrong_answer_does_not_win(models: Path, tmp_path: Path) -> None:
    """Outputs are compared while they are timed: of the first call, and of later ones."""
    x = torch.ones(4)
    path = with_case(scripted(torch.nn.ReLU(), tmp_path / "m.pt"), x, x * 2)
    ran = run("bench", path, "--min-time", "0.05", "--processes", "1")
    assert ran.code == 1, ran.text
    assert 'FAIL  case "one": output' in ran.out
    right = tsharness.benchmark(models / "linear.pt", only=("example",), processes=1, min_seconds=0.2)
    assert right.latencies[0].checked > 2 and not right.latencies[0].differences


def test_a_model_that_draws_numbers_is_compared_where_it_draws_the_same(tmp_path: Path) -> None:
    class Noise(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.rand(4)

    x = torch.zeros(4)
    torch.manual_seed(0)
    path = with_case(scripted(Noise(), tmp_path / "m.pt"), x, torch.rand(4))
    report = tsharness.benchmark(path, processes=1, min_seconds=0.1)
    assert (
        report.latencies[0].checked == 2 and not report.latencies[0].differences
    )  # first, and behind the timing


def test_a_precision_that_is_not_reached(models: Path) -> None:
    common = ("--case", "example", "--min-time", "0.2")
    ran = run("bench", models / "linear.pt", *common, "--precision", "0.001%", "--max-time", "4")
    assert ran.code == 3, ran.text
    assert "the precision of p50 is" in ran.out and "--max-time 8 gives it more" in ran.out
    reached = run("bench", models / "linear.pt", *common, "--precision", "90%", "--statistic", "p90")
    assert reached.code == 0, reached.text
    tail = ("--precision", "90%", "--statistic", "p99.9", "--max-time", "2")
    few = run("bench", models / "resnet.pt", *common, *tail)
    assert few.code == 3 and "p99.9 needs 6636 samples, has" in few.out, few.text


def test_inputs_are_found_where_there_are_no_cases(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch_jit.save(torch_jit.script(torch.nn.Linear(8, 3).eval()), path)
    report = tsharness.benchmark(path, processes=1, min_seconds=0.05)
    assert report.latencies and "no reference" in report.cases_from


def test_operators_are_profiled(models: Path, tmp_path: Path) -> None:
    trace, kept = tmp_path / "trace.json", tmp_path / "report.json"
    ran = run(
        *("bench", models / "resnet.pt", "--case", "example", "--processes", "1", "--min-time", "0.05"),
        *("--profile", "--trace", trace, "--json", kept),
    )
    assert ran.code == 0, ran.text
    assert "convolution" in ran.out and "bound by" in ran.out and "GFLOP/s" in ran.out
    assert json.loads(trace.read_text())["traceEvents"]
    (profile,) = written_report(kept)["extras"]["operators"]
    names = {one["name"] for one in profile["operators"]}
    assert names & {"aten::mkldnn_convolution", "aten::convolution", "aten::_convolution"}
    assert any("resnet.py" in one["where"] for one in profile["operators"])
    assert profile["roofline"]["flops"] > 1e6 and profile["roofline"]["bytes"] > 1e5


def test_python_is_slower_than_the_runner(models: Path) -> None:
    ran = run(
        *("bench", models / "linear.pt", "--case", "example", "--processes", "1", "--min-time", "0.05"),
        *("--against", "python", "--reference", "linear:make"),
        cwd=Path(__file__).parents[2] / "examples",
    )
    assert ran.code == 0, ran.text
    lines = ran.out.splitlines()
    (jit,) = (line for line in lines if line.startswith("torch.jit in Python, case"))
    (eager,) = (line for line in lines if line.startswith("the eager model, case"))
    assert "cage" not in jit and eager.endswith("cage: your own code, not in the cage")


def test_a_baseline(models: Path, tmp_path: Path) -> None:
    kept = tmp_path / "base.json"
    quick = ("--case", "example", "--min-time", "0.3", "--threads", "1", "--processes", "6")
    assert run("bench", models / "linear.pt", *quick, "--save-baseline", kept).code == 0
    same = run("bench", models / "linear.pt", *quick, "--baseline", kept, "--margin", "300%")
    assert same.code == 0, same.text
    assert 'since the baseline, case "example": same' in same.out and "interleaved" in same.out
    slower = json.loads(kept.read_text())
    for latency in slower["latencies"]:
        latency["processes"] = [one / 10 for one in latency["processes"]]
    kept.write_text(json.dumps(slower))
    assert run("bench", models / "linear.pt", *quick, "--baseline", kept).code == 4
    slower["machine"]["cpu"] = "Another Processor"
    kept.write_text(json.dumps(slower))
    refused = run("bench", models / "linear.pt", *quick, "--baseline", kept)
    assert (
        refused.code == 2
        and "cpu Another Processor, now" in refused.text
        and "--across-machines" in refused.text
    )
    assert run("bench", models / "linear.pt", *quick, "--baseline", kept, "--across-machines").code == 4
    kept.write_text("{}")
    assert run("bench", models / "linear.pt", *quick, "--baseline", kept).code == 2


def test_an_interrupt_during_what_is_looked_at_besides(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measurements before it are kept."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tsharness.bench.extras.count_instructions", interrupted)
    quick = {"only": ["example"], "min_seconds": 0.05, "processes": 2}
    report = tsharness.benchmark(models / "linear.pt", counter="instructions", profile=True, **quick)
    assert report.incomplete and report.latencies and report.extras.instructions is None
