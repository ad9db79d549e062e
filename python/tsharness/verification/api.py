"""``tsharness.verify``: the one function behind the command, the API and whatever comes later."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tsharness.artifact.integrity import Integrity, examine, unexamined
from tsharness.errors import DeviceError, UsageError
from tsharness.report.model import Check, RunnerInfo
from tsharness.runner.find import find_runner
from tsharness.runner.process import NO_HOOKS, Hooks, Launcher
from tsharness.verdict import ExitCode, Verdict, worst
from tsharness.verification.findings import explain
from tsharness.verification.judge import check_output_names, exit_code_of, judge_case
from tsharness.verification.plan import (
    Plan,
    VerifyOptions,
    find_cases,
    no_cases_error,
    plan_cases,
    tolerance_layer,
)
from tsharness.verification.report import ArtifactInfo, CaseResult, VerifyReport
from tsharness.verification.run import RunResult, run_plan


def verify(
    path: str | Path,
    *,
    cases: str | Path | None = None,
    only: Sequence[str] = (),
    device: str = "cpu",
    threads: int | None = None,
    calls: int = 5,
    rtol: float | Mapping[str, float] | None = None,
    atol: float | Mapping[str, float] | None = None,
    exact: bool = False,
    timeout: float = 600.0,
    memory_limit: int | None = None,
) -> VerifyReport:
    """Verifies one artifact in the C++ runner; the fields of VerifyOptions say what the options mean.

    ``rtol`` and ``atol`` are one number for all outputs, or one for each by name.
    Raises UsageError if there is nothing to compare, EnvironmentProblem if it cannot run here,
    ArtifactError if there is no such file. A failed verification is not raised: see ``.verdict``.
    """
    options = VerifyOptions(
        cases=None if cases is None else Path(cases),
        only=tuple(only),
        device=device,
        threads=threads,
        calls=calls,
        tolerance=tolerance_layer(rtol, atol, exact),
        timeout=timeout,
        memory_limit=memory_limit,
    )
    return verify_artifact(Path(path), options)


def verify_artifact(
    artifact: Path,
    options: VerifyOptions,
    hooks: Hooks = NO_HOOKS,
    on_plan: Callable[[Plan], None] | None = None,
    launcher: Launcher | None = None,
) -> VerifyReport:
    """As ``verify``, with hooks for progress; ``on_plan`` is called when the plan is made."""
    started = time.monotonic()
    launcher = launcher or Launcher(find_runner())

    def run(plan: Plan) -> VerifyReport:
        if on_plan is not None:
            on_plan(plan)
        with ThreadPoolExecutor(max_workers=1) as pool:
            integrity = pool.submit(examine if options.integrity else unexamined, plan.artifact)
            result = run_plan(plan, options, launcher, hooks)
            return _report(plan, options, result, integrity.result(), time.monotonic() - started)

    if options.inputs:
        from tsharness.verification.synthesized import with_synthesized_cases

        return with_synthesized_cases(artifact, options, run)
    found = find_cases(artifact, options.cases)
    if found is None:
        raise no_cases_error(artifact)
    return run(plan_cases(artifact, *found, options.only))


def _report(
    plan: Plan, options: VerifyOptions, result: RunResult, integrity: Integrity, seconds: float
) -> VerifyReport:
    _raise_environment_errors(plan.artifact, result)
    cases = tuple(
        judge_case(s, result.results.get(s.name), result.errors.get(s.name) or result.load_error)
        for s in plan.cases
    )
    check_output_names(options.tolerance, cases)
    info = RunnerInfo.from_hello(result.hello, options.device) if result.hello else None
    provenance = plan.document.provenance
    checks = (
        _integrity_check(integrity, provenance.get("content_sha256")),
        _load_check(result),
        _no_python_check(info),
        _outputs_check(cases),
    )
    failed = [check for check in checks if check.verdict is Verdict.FAIL]
    codes = [exit_code_of(case) for case in cases]
    exit_code = worst([*codes, ExitCode.FAILED] if failed else codes)
    return VerifyReport(
        artifact=_artifact_info(plan, integrity, result),
        cases_from=plan.cases_from,
        proves=plan.proves,
        runner=info,
        checks=checks,
        cases=cases,
        findings=explain(cases, provenance),
        verdict=_verdict(exit_code),
        exit_code=exit_code,
        seconds=seconds,
        printed=result.printed,
    )


def _raise_environment_errors(artifact: Path, result: RunResult) -> None:
    """What says nothing about the artifact is no verdict on it."""
    error = result.load_error
    if error is not None and error.kind == "device":
        raise DeviceError(error.message)
    if error is not None and error.kind in ("usage", "case-file"):
        raise UsageError(f"{artifact}: {error.message}")


def _verdict(exit_code: ExitCode) -> Verdict:
    if exit_code is ExitCode.PASS:
        return Verdict.PASS
    return Verdict.FAIL if exit_code is ExitCode.FAILED else Verdict.ERROR


def _artifact_info(plan: Plan, integrity: Integrity, result: RunResult) -> ArtifactInfo:
    provenance = plan.document.provenance
    return ArtifactInfo(
        path=str(plan.artifact),
        sha256=integrity.sha256,
        size=integrity.size,
        method=provenance.get("method"),
        torch=provenance.get("torch"),
        parameters=result.loaded["parameters"] if result.loaded else None,
    )


def _integrity_check(integrity: Integrity, recorded: str | None) -> Check:
    if not integrity.sha256:
        return Check("integrity", Verdict.SKIPPED, "the file was written a moment ago")
    if integrity.damaged:
        more = f" (and {len(integrity.damaged) - 1} more)" if len(integrity.damaged) > 1 else ""
        message = f"damaged record {integrity.damaged[0]}{more}; copy or export the file again"
        return Check("integrity", Verdict.FAIL, message)
    if recorded is not None and integrity.content_sha256 != recorded:
        message = (
            "the content is not what the cases were recorded with "
            f"(sha256 {str(integrity.content_sha256)[:12]}…, recorded {recorded[:12]}…); export again"
        )
        return Check("integrity", Verdict.FAIL, message)
    known = "and equal to the recorded content" if recorded else "(no recorded hash to compare with)"
    return Check("integrity", Verdict.PASS, f"every record's CRC is right {known}")


def _load_check(result: RunResult) -> Check:
    if result.loaded is not None:
        return Check("load", Verdict.PASS, f"loaded in {result.loaded['seconds']:.3f} s")
    error = result.load_error
    return Check("load", Verdict.ERROR, error.message if error else "the artifact was not loaded")


def _no_python_check(info: RunnerInfo | None) -> Check:
    if info is None:
        return Check("no-python", Verdict.SKIPPED, "the runner did not start")
    if info.python_libraries:
        return Check("no-python", Verdict.FAIL, f"mapped: {', '.join(info.python_libraries)}")
    count = len(info.mapped_libraries)
    return Check("no-python", Verdict.PASS, f"none of the {count} mapped libraries is Python's")


def _outputs_check(cases: Sequence[CaseResult]) -> Check:
    bad = [case.name for case in cases if case.verdict is not Verdict.PASS]
    calls = sum(case.calls for case in cases)
    if bad:
        verdict = Verdict.FAIL if any(c.verdict is Verdict.FAIL for c in cases) else Verdict.ERROR
        return Check("outputs", verdict, f"not in order: {', '.join(bad)}")
    return Check("outputs", Verdict.PASS, f"{len(cases)} cases, {calls} calls compared")
