"""What of a report is worth following over time."""

from __future__ import annotations

from collections.abc import Iterator

from tsharness.bench.budget import INSTRUCTIONS
from tsharness.bench.compare_report import CompareReport
from tsharness.bench.report import BenchReport
from tsharness.history.store import Figure
from tsharness.report.bench_text import point_name
from tsharness.report.document import Report
from tsharness.report.model import RunnerInfo
from tsharness.verification.report import VerifyReport

EXIT_CODE = "exit code"
BYTES = ("peak memory", "size")
"""Figures in bytes; the others are seconds, but for exit codes, ratios and instructions."""


def figures_of(report: Report) -> Iterator[Figure]:
    """Medians, tails, load, memory and size of ``bench``, ratios of ``compare``, verdicts of all."""
    if isinstance(report, BenchReport):
        varied = any("threads" in latency.parameters for latency in report.latencies)
        machine = f"{report.machine.cpu} · {_environment(report.runner, threads=not varied)}"
        for name, value in _measured(report):
            yield Figure(report.path, machine, name, value)
    elif isinstance(report, VerifyReport):
        machine = _environment(report.runner) if report.runner else "no runner"
        yield Figure(report.artifact.path, machine, f"verify {EXIT_CODE}", float(report.exit_code))
        yield Figure(report.artifact.path, machine, "size", float(report.artifact.size))
        errors = [one.max_abs for case in report.cases for one in case.outputs if one.max_abs is not None]
        if errors:
            yield Figure(report.artifact.path, machine, "largest error", max(errors))
    elif isinstance(report, CompareReport):
        machine = _environment(report.runner)
        of = "of instructions to those of base," if report.counter else "to base of"
        for case in report.cases:
            yield Figure(report.new.path, machine, f"ratio {of} case {case.case}", case.decisive.ratio)
    else:
        yield Figure(report.path, "", f"inspect {EXIT_CODE}", float(report.exit_code))


def _environment(runner: RunnerInfo, *, threads: bool = True) -> str:
    """``threads``: whether they are the same for all figures; else each figure names its own."""
    told = f", {runner.threads} threads" if threads else ""
    return f"{runner.device}{told}, LibTorch {runner.libtorch}"


def _measured(report: BenchReport) -> Iterator[tuple[str, float]]:
    for latency in report.latencies:
        of = point_name(latency).replace('"', "")
        yield f"{report.scenario} median of {of}", latency.median
        for name, one in latency.quantiles.items():
            if name != "p50":
                yield f"{report.scenario} {name} of {of}", one.seconds
        yield f"first call of {of}", latency.first
    counted = report.extras.instructions
    if counted is not None:
        for case, number in counted.by_case.items():
            yield f"{INSTRUCTIONS} of case {case}, by {counted.counter}", number
    yield "load", report.load_seconds
    yield "peak memory", float(report.peak_memory_bytes)
    yield "size", float(report.size)
