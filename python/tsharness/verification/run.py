"""Runs the cases of a plan, in as many processes as crashes make necessary."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsharness.errors import error_of_kind
from tsharness.report.model import CaseError
from tsharness.runner.job import Job
from tsharness.runner.process import Death, Event, Hooks, Launcher, Outcome, run_job
from tsharness.verdict import ExitCode
from tsharness.verification.plan import Plan, VerifyOptions


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
    printed: str


def run_plan(
    plan: Plan,
    options: VerifyOptions,
    launcher: Launcher,
    hooks: Hooks,
) -> RunResult:
    """Runs every case; after a death, the cases that are left go on in a fresh process."""
    remaining = [summary.name for summary in plan.cases]
    results: dict[str, Event] = {}
    errors: dict[str, CaseError] = {}
    hello: Event | None = None
    loaded: Event | None = None
    load_error: CaseError | None = None
    printed = ""
    while remaining and load_error is None:
        job = _job(plan, options, tuple(remaining))
        outcome = run_job(job, launcher, options.timeout, hooks)
        hooks = Hooks(on_event=hooks.on_event)
        hello = hello or outcome.hello
        loaded = loaded or next(iter(outcome.results("load")), None)
        printed += outcome.printed
        results.update((event["case"], event) for event in outcome.results("run"))
        errors.update(case_errors(outcome))
        load_error = _fatal_error(outcome)
        remaining = _left(remaining, results, errors, outcome.death)
    return RunResult(hello, loaded, load_error, results, errors, printed)


def default_memory_limit() -> int:
    """Bytes that this machine, or the control group that this process is in, has at all."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    cgroup = Path("/sys/fs/cgroup/memory.max")
    if cgroup.is_file() and (text := cgroup.read_text().strip()).isdigit():
        limits.append(int(text))
    return min(limits)


def _job(plan: Plan, options: VerifyOptions, names: tuple[str, ...]) -> Job:
    groups: dict[int, list[str]] = {}
    for name in names:
        groups.setdefault(options.calls_of.get(name, options.calls), []).append(name)
    runs: list[dict[str, Any]] = [
        {"step": "run", "cases": group, "calls": calls, "tolerance": dict(options.tolerance)}
        for calls, group in groups.items()
    ]
    return Job(
        artifact=plan.artifact,
        steps=({"step": "load"}, *runs),
        cases=plan.document.location,
        device=options.device,
        threads=options.threads,
        memory_limit=options.memory_limit or default_memory_limit(),
    )


def error_from_event(event: Event) -> CaseError:
    """An "error" event as data."""
    code = ExitCode(error_of_kind(event["kind"]).exit_code)
    return CaseError(event["kind"], event["message"], code)


def error_from_death(death: Death) -> CaseError:
    """The end of a process as data."""
    return CaseError(death.kind, f"the runner {death.message}", ExitCode.CRASH)


def case_errors(outcome: Outcome) -> dict[str, CaseError]:
    """What kept cases from a result, by their names: an error of their own, or a death while they ran."""
    errors = {e["case"]: error_from_event(e) for e in outcome.errors() if "case" in e}
    death = outcome.death
    if death is not None and death.case is not None:
        errors[death.case] = error_from_death(death)
    return errors


def _fatal_error(outcome: Outcome) -> CaseError | None:
    """An error that no other process would escape: not in a case, but before or between them."""
    for event in outcome.errors():
        if "case" not in event:
            return error_from_event(event)
    death = outcome.death
    return error_from_death(death) if death is not None and death.case is None else None


def _left(
    names: list[str], results: Mapping[str, Event], errors: Mapping[str, CaseError], death: Death | None
) -> list[str]:
    # Without a death, what has no result never will have one.
    return [n for n in names if n not in results and n not in errors] if death is not None else []
