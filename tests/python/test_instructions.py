"""Instructions of a call: the same number each time but for some ten, whatever else the machine does."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import tsharness
from conftest import tsharness as run
from conftest import with_case, written_report
from corpus import scripted
from test_cage import saving
from test_latency_compare import Other, Work, X
from tsharness.bench.baseline import compare_with, exit_code
from tsharness.bench.compare_report import CompareReport
from tsharness.bench.extras import Extras
from tsharness.bench.instructions import Instructions, count_exactly
from tsharness.bench.options import BenchOptions
from tsharness.bench.valgrind import counts_by_valgrind, sums_of_calls
from tsharness.errors import EnvironmentProblem, UsageError
from tsharness.report.bench_text import verdict_line
from tsharness.runner.cage import Sandbox
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.process import NO_HOOKS
from tsharness.verification.plan import Plan, find_cases, plan_cases

needs_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed (Debian: apt-get install valgrind)"
)
COUNT = ("--counter", "instructions")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = scripted(Work(96), tmp_path_factory.mktemp("instructions") / "base.pt")
    return with_case(path, X, X + 1.0)


def plan_of(artifact: Path) -> Plan:
    found = find_cases(artifact, None)
    assert found is not None
    return plan_cases(artifact, *found, ())


@needs_valgrind
def test_a_limit_of_instructions(base: Path, tmp_path: Path) -> None:
    """It counts without being told to."""
    kept = tmp_path / "r.json"
    quick = ("--processes", "1", "--min-time", "0.05", "--json", kept)
    ran = run("bench", base, *quick, "--budget", "instructions=1k")
    assert ran.code == 4, ran.text
    counted = written_report(kept)["extras"]["instructions"]
    (number,) = counted["by_case"].values()
    assert 96 * 500 < number < 96 * 20_000 and counted["threads"] == 1
    assert f'FAIL  instructions of case "one": {number:,.0f} (at most 1,000)' in ran.out


@needs_valgrind
def test_a_copy_elsewhere_has_the_same(base: Path, tmp_path: Path) -> None:
    """A longer path moves everything in memory; what the allocator does then is not counted."""
    elsewhere = tmp_path / ("elsewhere" * 20)
    elsewhere.mkdir()
    report = tsharness.compare(
        base, shutil.copy(base, elsewhere), cases=f"{base}.cases.safetensors", counter="instructions"
    )
    (case,) = report.cases
    assert case.change == "same" and report.exit_code == 0
    assert case.decisive.ratio == pytest.approx(1, abs=1e-4)


@needs_valgrind
def test_a_few_more_are_found(base: Path, tmp_path: Path) -> None:
    """8% more rounds, in any noise."""
    more, found = scripted(Work(104), tmp_path / "more.pt"), tmp_path / "found.json"
    ran = run("compare", base, more, *COUNT, "--max-regression", "5%", "--json", found)
    assert ran.code == 4, ran.text
    assert "FAIL  more: new executes 1.0" in ran.out and "of base's instructions (at most 0.05" in ran.out
    report = CompareReport.from_dict(written_report(found))
    (case,) = report.cases
    assert case.base_instructions is not None and case.new_instructions is not None
    assert case.decisive.ratio == case.new_instructions / case.base_instructions
    assert 1 + 0.9 * 8 / 96 < case.decisive.ratio < 1 + 8 / 96
    assert CompareReport.from_dict(report.to_dict()) == report

    back = run("compare", more, base, "--cases", f"{base}.cases.safetensors", *COUNT)
    assert back.code == 0, back.text
    assert "PASS  fewer: new executes 0.9" in back.out and "(margin 0.02)" in back.out


@needs_valgrind
@pytest.mark.parametrize(("sandbox", "written"), [("strict", False), ("off", True)])
def test_what_is_counted_cannot_leave(sandbox: str, written: bool, tmp_path: Path) -> None:
    """valgrind is in the cage, and the runner in valgrind."""
    path, target = saving("called", tmp_path)
    with_case(path, X, X)
    artifact = find_cases(path, None)
    assert artifact is not None
    plan = plan_cases(path, *artifact, ())
    launcher = Launcher(find_runner(), Sandbox(sandbox))
    counted = count_exactly(plan, BenchOptions(threads=1), launcher, shutil.which("valgrind") or "")
    assert counted.by_case["one"] > 0 and target.exists() == written


@needs_valgrind
def test_other_outputs_fail_first(base: Path, tmp_path: Path) -> None:
    ran = run("compare", base, scripted(Other(), tmp_path / "other.pt"), *COUNT)
    assert ran.code == 1 and "FAIL  outputs differ in 1 of 1 cases" in ran.out, ran.text


@needs_valgrind
def test_what_cannot_be_counted(base: Path) -> None:
    ran = run("compare", base, "--b-threads", "1", "--b-device", "cuda", *COUNT)
    assert ran.code == 2 and "those of cuda are not counted" in ran.text, ran.text
    ran = run("compare", base, "--b-threads", "1", "--counter", "cycles")
    assert ran.code == 2 and "counter 'cycles': expected instructions" in ran.text, ran.text


def test_without_valgrind(base: Path, tmp_path: Path) -> None:
    """Nothing is measured first."""
    (tmp_path / "bin").mkdir()
    lacking = {**os.environ, "PATH": str(tmp_path / "bin")}
    ran = run("compare", base, "--b-threads", "1", *COUNT, env=lacking)
    assert ran.code == 8 and "valgrind is not installed: apt-get install valgrind" in ran.text, ran.text


@needs_valgrind
def test_a_runner_without_the_calls_is_named(base: Path, tmp_path: Path) -> None:
    """As one of an earlier version is."""
    runner = find_runner()
    older = tmp_path / "tsharness-runner"
    program = runner.path.read_bytes()
    assert b"tsharness_counted_calls" in program
    older.write_bytes(program.replace(b"tsharness_counted_calls", b"tsharness_another_calls"))
    older.chmod(0o755)
    step = {"step": "instructions", "calls": 1, "cases": ["one"]}
    job = Job(artifact=base, steps=({"step": "load"}, step), cases=plan_of(base).document.location)
    with pytest.raises(EnvironmentProblem, match=r"has seen no calls of the runner .*build it anew"):
        counts_by_valgrind(
            job, replace(runner, path=older), 100, NO_HOOKS, shutil.which("valgrind") or "", Sandbox.AUTO
        )


def test_other_threads_are_not_counted(tmp_path: Path) -> None:
    """Where one is to work: in Debian's LibTorch another waits in a loop beside it."""
    for name, number in (("2-01", 50), ("2-02", 3), ("10-01", 60), ("1-02", 7), ("1-01", 40)):
        (tmp_path / f"counts.{name}").write_text(f"version: 1\nsummary: {number}\n\nfn=(1)\n")
    (tmp_path / "counts-01").write_text("summary: 1000\n")  # of the process, behind its last call
    assert sums_of_calls(tmp_path, every_thread=False) == [40, 50, 60]
    assert sums_of_calls(tmp_path, every_thread=True) == [47, 53, 60]


def test_since_a_baseline(base: Path) -> None:
    """Judged by the same counter, without noise."""
    report = tsharness.benchmark(base, processes=2, min_seconds=0.05)

    def counted(number: float, counter: str = "valgrind") -> tsharness.BenchReport:
        return replace(report, extras=Extras(Instructions({"one": number}, counter, 1)))

    def change(now: tsharness.BenchReport) -> str:
        latency, *rest = compare_with(counted(1000), now, 10.0, across=False)
        assert latency.counter is None and latency.change != "slower"
        if not rest:
            return "not judged"
        (one,) = rest
        assert one.counter == "instructions" and one.effect.low == one.effect.high
        return one.change

    assert change(counted(1000)) == "same"
    assert change(counted(11_001)) == "more"
    assert change(counted(90)) == "fewer"
    since = compare_with(counted(1000), counted(11_001), 10.0, across=False)
    assert exit_code(since) == 4
    failed = replace(report, since=since, exit_code=exit_code(since))
    assert verdict_line(failed).startswith('FAIL  since the baseline, instructions of case "one": more, 11')
    assert change(counted(11_001, "perf_event")) == "not judged"
    assert change(report) == "not judged"


def test_a_gpu_has_none(base: Path) -> None:
    """Before anything is measured."""
    with pytest.raises(UsageError, match="those of cuda are not counted"):
        tsharness.benchmark(base, device="cuda", budget={"instructions": 1e6})


def test_the_latency_stays_where_nothing_counts(base: Path, tmp_path: Path) -> None:
    """Nothing that was measured is lost; the exit code says that something is missing."""
    (tmp_path / "bin").mkdir()
    kept, lacking = tmp_path / "r.json", {**os.environ, "PATH": str(tmp_path / "bin")}
    quick = ("--processes", "1", "--min-time", "0.05")
    ran = run("bench", base, *quick, *COUNT, "--json", kept, env=lacking)
    report = written_report(kept)
    if report["extras"]["instructions"] is None:  # this kernel lets nobody count
        assert ran.code == 8, ran.text
        assert "ERROR --counter instructions: " in ran.out and "valgrind is not installed" in ran.out
    assert [one["case"] for one in report["latencies"]] == ["one"]
