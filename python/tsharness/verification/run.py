"""Runs the cases of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tsharness.cases.case_file import CaseSummary
from tsharness.errors import DeviceError, UsageError
from tsharness.report.model import CaseError
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Event
from tsharness.runner.process import Hooks
from tsharness.runner.steps import StepsResult, default_memory_limit, refused, run_steps
from tsharness.scratch import ScratchFolder
from tsharness.verification.plan import Plan, VerifyOptions
from tsharness.verification.save import save_outputs

_CASES, _REVISIT = 0.5, 0.1
"""Of the time that there is for everything."""


@dataclass(frozen=True)
class RunResult:
    """What the runner processes said about a plan, case by case."""

    hello: Event | None
    loaded: Event | None
    load_error: CaseError | None
    results: Mapping[str, Event]
    """The "result" event of each case that ran to its end."""
    errors: Mapping[str, CaseError]
    """What happened to each case that did not."""
    revisited: Mapping[str, Event]
    """The "result" event of each case that was called again after all others, if that was asked for."""
    printed: str
    seconds: float
    """Of the calls and their comparison."""


def run_plan(plan: Plan, options: VerifyOptions, launcher: Launcher, hooks: Hooks) -> RunResult:
    """Runs every case; with several of them, calls each once more after the others if ``calls`` is checked:
    the executor has then seen other shapes in between."""
    names = [summary.name for summary in by_value(plan.cases)] if options.max_time else plan.names
    groups: dict[int, list[str]] = {}
    for name in names:
        groups.setdefault(options.calls_of.get(name, options.calls), []).append(name)
    with ScratchFolder() as scratch:
        steps = _steps(plan, options, groups, Path(scratch))
        done = run_steps(job_of(plan, options, steps), launcher, options.timeout, hooks)
        kept = {step["id"]: Path(step["save_outputs"]) for step in steps if "save_outputs" in step}
        if options.save_outputs is not None:
            recorded = [path for identity, path in kept.items() if identity != "revisit"]
            save_outputs(plan, recorded, done.hello, options.save_outputs)
        if options.compare_with is not None:
            done = _judged_by_function(done, options.compare_with, plan, kept, options.timeout)
    runs = [outcome for identity, outcome in done.steps.items() if identity != "revisit"]
    again = done.steps.get("revisit")
    return RunResult(
        hello=done.hello,
        loaded=done.loaded,
        load_error=_step_error(done),
        results={name: event for run in runs for name, event in run.by_case().items()},
        errors={
            name: error for run in (*runs, *([again] if again else [])) for name, error in run.errors.items()
        },
        revisited=again.by_case() if again else {},
        printed=done.printed,
        seconds=sum(outcome.seconds for outcome in done.steps.values()),
    )


def by_value(cases: Sequence[CaseSummary]) -> list[CaseSummary]:
    """Those first that show most where time ends: the first of every family, then the second, ..."""
    seen: Counter[str] = Counter()
    ranked = []
    for case in cases:
        ranked.append((seen[case.family], case))
        seen[case.family] += 1
    return [case for _, case in sorted(ranked, key=lambda pair: pair[0])]


def _steps(
    plan: Plan, options: VerifyOptions, groups: Mapping[int, list[str]], scratch: Path
) -> list[dict[str, Any]]:
    """Cases with the same number of calls are one step; then all of them once more."""
    wanted = {f"run-{calls}": (group, calls) for calls, group in groups.items()}
    if options.revisit and len(plan.cases) > 1:
        wanted["revisit"] = ([name for group in groups.values() for name in group], 1)
    steps = []
    for identity, (names, calls) in wanted.items():
        more: dict[str, Any] = {}
        if options.max_time is not None:
            share = _REVISIT if identity == "revisit" else _CASES / len(groups)
            more["stop_after"] = share * options.max_time
        if options.save_outputs is not None or options.compare_with is not None:
            more["save_outputs"] = str(scratch / f"{identity}.safetensors")
            more["save_all"] = options.compare_with is not None
        steps.append(run_request(identity, names, calls, options, **more))
    return steps


def _judged_by_function(
    done: StepsResult, function: str, plan: Plan, kept: Mapping[str, Path], timeout: float
) -> StepsResult:
    from tsharness.verification.user_comparison import judged_by

    events = {identity: outcome.results for identity, outcome in done.steps.items()}
    judged = judged_by(function, plan, kept, events, timeout)
    steps = {
        identity: replace(outcome, results=judged.get(identity, outcome.results))
        for identity, outcome in done.steps.items()
    }
    return replace(done, steps=steps)


def run_request(
    identity: str, cases: list[str], calls: int, options: VerifyOptions, **more: Any
) -> dict[str, Any]:
    """A step that runs cases and compares every call."""
    step = {"step": "run", "id": identity, "cases": cases, "calls": calls}
    if options.float64_outputs is not None:
        step["float64_outputs"] = str(options.float64_outputs)
    return {**step, "tolerance": dict(options.tolerance), **more}


def record_float64(plan: Plan, options: VerifyOptions, launcher: Launcher, output: Path) -> None:
    """Runs the cases once, the artifact cast to float64, and keeps the outputs. Raises UsageError if it
    cannot be cast or does not run so."""
    names = [summary.name for summary in plan.cases]
    step = run_request("float64", names, 1, options, save_outputs=str(output))
    job = replace(job_of(plan, options, [step]), cast={"dtype": "float64"})
    done = run_steps(job, launcher, options.timeout)
    outcome = done.steps["float64"]
    error = done.load_error or outcome.error or next(iter(outcome.errors.values()), None)
    if error is not None or not output.is_file():
        said = error.message.strip().splitlines()[-1] if error else "it ended without a word"
        raise UsageError(
            f"{plan.artifact}: it does not run in float64, so --tolerance fp64 cannot judge it: {said}\n"
            "state a tolerance instead: --rtol, --atol"
        )


def job_of(
    plan: Plan,
    options: VerifyOptions,
    steps: list[dict[str, Any]],
    settings: Mapping[str, Any] | None = None,
    device: str | None = None,
) -> Job:
    """A job on the plan's artifact and cases, in the environment that the options ask for."""
    return Job(
        artifact=plan.artifact,
        steps=tuple(steps),
        cases=plan.document.location,
        kind=options.kind or "",
        device=device or options.device,
        threads=options.threads,
        memory_limit=options.memory_limit or default_memory_limit(),
        libraries=options.libraries,
        settings=settings or {},
    )


def _step_error(done: StepsResult) -> CaseError | None:
    """What kept the artifact from being run at all."""
    return done.load_error or next((step.error for step in done.steps.values() if step.error), None)


def raise_environment_errors(artifact: Path, result: RunResult) -> None:
    """What says nothing about the artifact is no verdict on it, and what was refused has none."""
    error = result.load_error
    if error is not None and error.kind == "device":
        raise DeviceError(error.message)
    if error is not None and error.kind == "refused":
        raise refused(artifact, error.message)
    if error is not None and error.kind in ("usage", "case-file"):
        raise UsageError(f"{artifact}: {error.message}")
