"""The command line as a whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from conftest import in_terminal, run, tsharness, written_report

HEAVY = ("torch", "numpy", "scipy", "matplotlib")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("verify", "--help")])
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert imported_by(*arguments).isdisjoint(HEAVY)


def test_verify_with_cases_never_imports_torch(models: Path) -> None:
    assert imported_by("verify", str(models / "linear.pt")).isdisjoint(HEAVY)


def test_bench_never_imports_torch(models: Path) -> None:
    assert imported_by("bench", str(models / "linear.pt"), "--min-time", "0.01").isdisjoint(
        ("torch", "matplotlib")
    )


def imported_by(*arguments: str) -> set[str]:
    code = (
        "import sys, json\nsys.argv[0] = 'tsharness'\n"
        "from tsharness.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "finally: print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    ran = run(sys.executable, "-c", code, *arguments)
    assert ran.code == 0, ran.err
    return {name.partition(".")[0] for name in json.loads(ran.err.splitlines()[-1])}


def test_version() -> None:
    import tsharness as package

    assert tsharness("--version").out.strip() == f"tsharness {package.__version__}"


def test_python_dash_m() -> None:
    assert run(sys.executable, "-m", "tsharness", "--version").code == 0


@pytest.mark.parametrize("arguments", [("nonsense",), ("verify",), ("verify", "a.pt", "--nonsense")])
def test_usage_errors_are_2(arguments: tuple[str, ...]) -> None:
    ran = tsharness(*arguments)
    assert ran.code == 2 and "Traceback" not in ran.text


def test_bench_prints_a_row_a_case(models: Path, tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    ran = tsharness("bench", models / "linear.pt", "--min-time", "0.05", "--json", target)
    assert ran.code == 0, ran.err
    assert "median" in ran.out and "batch=7" in ran.out and "p99" in ran.out
    report = written_report(target)
    assert [latency["case"] for latency in report["latencies"]] == ["example", "batch=2", "batch=7"]
    for latency in report["latencies"]:
        p50, p95 = latency["quantiles"]["p50"], latency["quantiles"]["p95"]
        assert latency["minimum"] <= p50["low"] <= p50["seconds"] <= p50["high"]
        assert p50["seconds"] <= p95["seconds"] <= p95["high"]
        assert latency["count"] >= 90 and len(latency["processes"]) == 3
    assert report["machine"]["cores"] >= 1 and report["peak_memory_bytes"] > 1e6


def test_bench_of_a_device_that_is_not_there(models: Path) -> None:
    ran = tsharness("bench", models / "linear.pt", "--device", "cuda:63")
    assert ran.code == 8 and "it sees: cpu" in ran.err


@pytest.mark.cuda
def test_bench_on_cuda(models: Path) -> None:
    ran = tsharness("bench", models / "resnet.pt", "--device", "cuda", "--min-time", "0.2")
    assert ran.code == 0, ran.text
    assert "bottleneck of case" in ran.out and "to device" in ran.out and "compute" in ran.out


@pytest.mark.parametrize(
    ("words", "expected"), [("tsharness ver", "verify"), ("tsharness verify --jun", "--junit")]
)
def test_the_shell_completes(words: str, expected: str) -> None:
    environment = {"_TSHARNESS_COMPLETE": "complete_bash", "COMP_WORDS": words, "PATH": "/usr/bin"}
    ran = tsharness(env={**environment, "COMP_CWORD": str(words.count(" "))})
    assert expected in ran.out.split(), ran.text


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_lines_end_where_the_terminal_does(models: Path, columns: int) -> None:
    """And what is broken goes on below its text, not below its label."""
    lines = in_terminal(["verify", str(models / "conditional_traced.pt")], columns)
    assert all(len(line) <= columns for line in lines)
    start = next(number for number, line in enumerate(lines) if line.startswith("FAIL  case"))
    assert all(line.startswith("      ") for line in lines[start + 1 :] if line)
