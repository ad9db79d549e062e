"""Steps on one artifact in one environment, in as many processes as crashes make necessary."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tsharness.errors import EnvironmentProblem, RefusedError, RunnerCrash, error_of_kind
from tsharness.findings import RULES
from tsharness.report.model import CaseError
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Death, Event, Outcome
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.verdict import ExitCode

_OF_ROWS = 6  # calls: a case itself, and its relations

INTERRUPTED = CaseError("interrupted", "was not run: interrupted", ExitCode.CRASH)


@dataclass
class StepOutcome:
    """What came of one step."""

    results: list[Event] = field(default_factory=list)
    """Its "result" events: one, or one a case."""
    errors: dict[str, CaseError] = field(default_factory=dict)
    """By the name of the case, what kept it from a result."""
    error: CaseError | None = None
    """What ended the step itself."""
    seconds: float = 0.0
    """From its beginning to its last event."""

    def by_case(self) -> dict[str, Event]:
        return {event["case"]: event for event in self.results if "case" in event}


@dataclass(frozen=True)
class StepsResult:
    """What the processes said, by the "id" of the steps."""

    hello: Event | None
    loaded: Event | None
    load_error: CaseError | None
    """What no other process would escape: it could not be loaded, or died between steps."""
    steps: Mapping[str, StepOutcome]
    printed: str


def run_steps(
    job: Job,
    launcher: Launcher,
    timeout: float,
    hooks: Hooks = NO_HOOKS,
    environment: Mapping[str, str] | None = None,
) -> StepsResult:
    """Loads the artifact and does the job's steps, each of which has an "id". After a death, the cases that
    the step has left, and the steps behind it, go on in a fresh process."""
    remaining = list(job.steps)
    steps = {step["id"]: StepOutcome() for step in remaining}
    hello: Event | None = None
    loaded: Event | None = None
    load_error: CaseError | None = None
    printed = ""
    while remaining and load_error is None and not launcher.interrupted:
        this = replace(job, steps=({"step": "load"}, *remaining), nonce=os.urandom(16).hex())
        outcome = launcher.run(this, timeout, hooks, environment)
        hooks = Hooks(on_event=hooks.on_event)
        hello = hello or outcome.hello
        loaded = loaded or next(iter(outcome.results("load")), None)
        printed += outcome.printed
        _sort(outcome, steps)
        load_error = _fatal_error(outcome, steps)
        remaining = _left(remaining, steps, outcome.death)
    if launcher.interrupted:
        for outcome_of_step in steps.values():
            if not outcome_of_step.results and outcome_of_step.error is None:
                outcome_of_step.error = INTERRUPTED
    return StepsResult(hello, loaded, load_error, steps, printed)


def calls_of_step(step: Mapping[str, Any]) -> int:
    """About how often a step calls the artifact."""
    cases = step.get("cases", ())
    others = step.get("calls_of", {})
    calls: Mapping[str, int] = {
        "run": sum(others.get(name, step.get("calls", 1)) for name in cases),
        "threads": len(cases) * step.get("threads", 1) * step.get("rounds", 1),
        "soak": sum(len(part["cases"]) for part in step.get("parts", ())) * step.get("min_rounds", 1),
        "batch": _OF_ROWS * len(cases),
        "resize": len(step.get("variations", ())),
    }
    return calls.get(step["step"], 1)


def default_memory_limit() -> int:
    """Bytes that this machine, or the control group that this process is in, has at all."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    cgroup = Path("/sys/fs/cgroup/memory.max")
    if cgroup.is_file() and (text := cgroup.read_text().strip()).isdigit():
        limits.append(int(text))
    return min(limits)


def _sort(outcome: Outcome, steps: Mapping[str, StepOutcome]) -> None:
    began: dict[str, float] = {}
    for event in outcome.events:
        step = steps.get(event.get("id", ""))
        if step is None:
            continue
        began.setdefault(event["id"], event["received"])
        if event["event"] == "result":
            step.results.append(event)
        elif event["event"] == "error" and "case" in event:
            step.errors[event["case"]] = error_from_event(event)
        elif event["event"] == "error":
            step.error = error_from_event(event)
    for identity, first in began.items():
        last = max(event["received"] for event in outcome.events if event.get("id") == identity)
        steps[identity].seconds += last - first
    death = outcome.death
    if death is not None and death.id in steps:
        error = error_from_death(death)
        if death.case is not None:
            steps[death.id].errors[death.case] = error
        else:
            steps[death.id].error = error


def error_from_event(event: Event) -> CaseError:
    """An "error" event as data."""
    code = ExitCode(error_of_kind(event["kind"]).exit_code)
    return CaseError(event["kind"], event["message"], code)


def error_from_death(death: Death) -> CaseError:
    """The end of a process as data."""
    return CaseError(death.kind, f"the runner {death.message}", ExitCode.CRASH)


def refused(artifact: Path, message: str) -> RefusedError:
    """Of an artifact in which LibTorch finds what the inspection did not; the message begins with the code of
    the finding."""
    rule = RULES.get(message.partition(" ")[0])
    return RefusedError(f"{artifact} is not run: {message}" + (f"\n{rule.do}" if rule else ""))


def raise_for_process(outcome: Outcome, artifact: Path) -> None:
    """Raises, of the error tree, what kept a process from its work; what befell one case alone is not
    raised."""
    for event in outcome.errors():
        if event["kind"] == "refused":
            raise refused(artifact, event["message"])
        if "case" not in event:
            raise error_of_kind(event["kind"])(event["message"])
    if outcome.death is not None and outcome.death.case is None:
        raise RunnerCrash(f"{artifact}: the runner {outcome.death.message}")
    if outcome.hello is None:
        raise EnvironmentProblem("the runner ended without a word; reinstall tsharness")


def case_errors(outcome: Outcome) -> dict[str, CaseError]:
    """What kept cases from a result, by their names: an error of their own, or a death while they ran."""
    errors = {e["case"]: error_from_event(e) for e in outcome.errors() if "case" in e}
    death = outcome.death
    if death is not None and death.case is not None:
        errors[death.case] = error_from_death(death)
    return errors


def _fatal_error(outcome: Outcome, steps: Mapping[str, StepOutcome]) -> CaseError | None:
    """What ended the process outside of all steps."""
    for event in outcome.errors():
        if "id" not in event:
            return error_from_event(event)
    death = outcome.death
    return error_from_death(death) if death is not None and death.id not in steps else None


def _left(
    remaining: Sequence[Mapping[str, Any]], steps: Mapping[str, StepOutcome], death: Death | None
) -> list[Mapping[str, Any]]:
    """After a death: the cases that its step has left, and the steps behind it."""
    if death is None:
        return []
    at = next((i for i, step in enumerate(remaining) if step["id"] == death.id), len(remaining))
    left = list(remaining[at + 1 :])
    if at < len(remaining) and death.case is not None and "cases" in remaining[at]:
        step, outcome = remaining[at], steps[death.id]
        done = {*outcome.by_case(), *outcome.errors}
        cases = [name for name in step["cases"] if name not in done]
        if cases:
            left.insert(0, {**step, "cases": cases})
    return left
