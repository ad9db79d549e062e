"""From what the runner did to a report: the cases judged, the checks, and why."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tsharness.artifact.integrity import Integrity
from tsharness.cases.case_file import CaseDocument
from tsharness.cases.safetensors_file import Location
from tsharness.report.model import RunnerInfo
from tsharness.report.units import many
from tsharness.runner.launch import Launcher
from tsharness.runner.process import Hooks
from tsharness.runtimes.registry import RUNTIMES
from tsharness.verdict import ExitCode, Verdict, verdict_of, worst
from tsharness.verification.checks.context import Context, listed
from tsharness.verification.checks.run import exit_code_of_check, judge_checks, run_requests
from tsharness.verification.diagnose import NO_DIAGNOSIS, diagnose
from tsharness.verification.judge import check_output_names, exit_codes_of, judge_case
from tsharness.verification.plan import Plan, VerifyOptions
from tsharness.verification.report import ArtifactInfo, CaseResult, VerifyReport
from tsharness.verification.run import RunResult, raise_environment_errors
from tsharness.verification.scope import sizes_alone


def report_of(
    plan: Plan,
    options: VerifyOptions,
    result: RunResult,
    integrity: Integrity,
    launcher: Launcher,
    hooks: Hooks,
    started: float,
) -> VerifyReport:
    """Runs what the checks ask for, too. Raises what says nothing about the artifact, and UsageError for a
    tolerance of an output that no case has."""
    raise_environment_errors(plan.artifact, result)
    cases = tuple(
        judge_case(
            s,
            result.results.get(s.name),
            result.errors.get(s.name) or result.load_error,
            options.max_time is not None,
        )
        for s in plan.cases
    )
    check_output_names(options.tolerance, cases)
    info = _runner_info(result, options, launcher)
    first = Context(plan, options, result, integrity, info, cases, _baseline(plan, options))
    deadline = None if options.max_time is None else started + options.max_time
    context = run_requests(first, launcher, hooks, deadline)
    checks = judge_checks(context)
    diagnosis = NO_DIAGNOSIS if launcher.interrupted else diagnose(context, launcher, hooks)
    codes = [*exit_codes_of(cases), *map(exit_code_of_check, checks)]
    exit_code = ExitCode.CRASH if launcher.interrupted else worst(codes)
    return VerifyReport(
        artifact=_artifact_info(plan, integrity, result, options.kind or ""),
        cases_from=plan.cases_from,
        proves=plan.proves,
        judged=options.judged,
        runner=info,
        checks=checks,
        cases=cases,
        findings=diagnosis.findings,
        localized=diagnosis.localized,
        verdict=verdict_of(exit_code),
        exit_code=exit_code,
        seconds=time.monotonic() - started,
        printed=result.printed,
        incomplete=launcher.interrupted,
        left_out=(*_left_out(cases), *context.left_out),
        alone=sizes_alone(context),
    )


def _left_out(cases: Sequence[CaseResult]) -> Iterator[str]:
    """Cases for which there was no time, in words."""
    names = [case.name for case in cases if case.verdict is Verdict.SKIPPED]
    if names:
        yield f"{many(len(names), 'case')} ({listed(names)})"


def _runner_info(result: RunResult, options: VerifyOptions, launcher: Launcher) -> RunnerInfo | None:
    if result.hello is None:
        return None
    return RunnerInfo.from_hello(result.hello, options.device, options.runner, launcher.place)


def _artifact_info(plan: Plan, integrity: Integrity, result: RunResult, kind: str) -> ArtifactInfo:
    provenance = plan.document.provenance
    loaded = result.loaded or {}
    runtime = str(loaded.get("kind", kind))
    return ArtifactInfo(
        path=str(plan.artifact),
        sha256=integrity.sha256,
        size=integrity.size,
        method=provenance.get("method"),
        torch=provenance.get("torch"),
        parameters=loaded.get("parameters") if runtime and RUNTIMES[runtime].counts_parameters else None,
        runtime=runtime,
        facts=loaded.get("facts", {}),
    )


def _baseline(plan: Plan, options: VerifyOptions) -> Plan | None:
    if options.compare_with is None or options.save_outputs is None or not options.save_outputs.is_file():
        return None
    return replace(plan, document=CaseDocument(Location(options.save_outputs)))
