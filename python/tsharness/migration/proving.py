"""The new artifact where it is to run: verified, and measured beside the old one."""

from __future__ import annotations

from pathlib import Path

from tsharness.artifact.archive import cases_beside
from tsharness.bench.compare import compare_artifacts
from tsharness.bench.compare_options import CompareOptions, SideOptions
from tsharness.bench.compare_report import CompareReport
from tsharness.errors import TsharnessError, UsageError
from tsharness.findings import finding
from tsharness.migration.options import MigrateOptions
from tsharness.migration.stage import Stage
from tsharness.report.model import Finding
from tsharness.runner.cage import parse_sandbox
from tsharness.verdict import Verdict
from tsharness.verification.api import verify_artifact
from tsharness.verification.checks.rule import parse_level
from tsharness.verification.plan import VerifyOptions
from tsharness.verification.report import VerifyReport


def verified(new: Path, options: MigrateOptions) -> VerifyReport:
    """By the checks of ``verify``, on the cases beside it."""
    verify = VerifyOptions(
        kind=options.to,
        device=options.device,
        libraries=options.libraries,
        tolerance=options.tolerance,
        level=parse_level(options.level),
        sandbox=parse_sandbox(options.sandbox),
        timeout=options.timeout,
        allow_ops=options.allow_ops,
    )
    return verify_artifact(new, verify)


def runner_stage(report: VerifyReport, options: MigrateOptions) -> Stage:
    """The last stage: the new artifact where it is to run."""
    from tsharness.report.text import first_problem

    outputs = [(case.name, output) for case in report.cases for output in case.outputs]
    worst = max(outputs, key=lambda item: item[1].max_abs or 0.0, default=None)
    return Stage(
        name="ONNX Runtime" if options.to == "onnx" else "C++",
        verdict=report.verdict,
        max_abs=None if worst is None else worst[1].max_abs,
        where="" if worst is None or not worst[1].max_abs else f"{worst[1].name} of case {worst[0]}",
        reason="" if report.verdict is Verdict.PASS else first_problem(report),
        failed=tuple(case.name for case in report.cases if case.verdict is not Verdict.PASS),
        seconds=report.seconds,
    )


def compared(old: Path, new: Path, options: MigrateOptions) -> tuple[CompareReport | None, list[Finding]]:
    """Their latencies; without them, why."""
    compare = CompareOptions(
        cases=cases_beside(new),
        only=options.only[:1],
        device=options.device,
        new=SideOptions(kind=options.to),
        max_time=options.compare_seconds,
        tolerance=options.tolerance,
        allow_ops=options.allow_ops,
        libraries=options.libraries,
        sandbox=options.sandbox,
        timeout=options.timeout,
    )
    try:
        return compare_artifacts(old, new, compare), []
    except UsageError:
        raise
    except TsharnessError as error:
        # The verdict is about outputs; that there is no ratio is told.
        return None, [finding("TS514", str(error))]
