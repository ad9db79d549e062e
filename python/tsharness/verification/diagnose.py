"""Why, and where: what is looked for once something has failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tsharness.errors import TsharnessError
from tsharness.findings import finding
from tsharness.report.model import Finding
from tsharness.runner.launch import Launcher
from tsharness.runner.process import Hooks
from tsharness.verification.cause import Cause, find_cause, smallest_failing
from tsharness.verification.checks.context import Context, problem_of
from tsharness.verification.checks.rule import Request
from tsharness.verification.findings import SUFFICIENT, explain, how_it_was_called
from tsharness.verification.place import Localization
from tsharness.verification.report import CaseResult

_ENVIRONMENTS = ("grad-mode", "thread-count", "precision", "cpu-capability")
"""Checks that run the cases with one thing changed: where that parts from the default can be told."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found out about a failure; nothing if there was none."""

    findings: tuple[Finding, ...]
    localized: Localization | None


NO_DIAGNOSIS = Diagnosis((), None)


def diagnose(context: Context, launcher: Launcher, hooks: Hooks) -> Diagnosis:
    """Findings of a verification, the switch that is the cause of a case's failure, and with ``localize`` the
    first operator that differs."""
    loaded = context.result.loaded or {}
    found = [
        *explain(context.cases, context.plan.document.provenance),
        *how_it_was_called(loaded.get("facts") or {}),
    ]
    failing = smallest_failing(context.cases)
    cause = _cause(context, failing, found, launcher, hooks)
    if cause is not None:
        found += cause.findings
    if not context.options.localize and context.options.reduce is None:
        return Diagnosis(tuple(found), None)
    if not context.runtime.has_graphs:
        found.append(finding("TS208", f"{context.runtime.what} shows no operators at work"))
        return Diagnosis(tuple(found), None)
    try:
        localized = _localize(context, failing, cause, launcher, hooks)
    except TsharnessError as error:
        # The verdict stands without the place.
        found.append(finding("TS208", str(error), case=failing.name if failing else None))
        localized = None
    return Diagnosis(tuple(found), localized)


def _cause(
    context: Context,
    failing: CaseResult | None,
    found: list[Finding],
    launcher: Launcher,
    hooks: Hooks,
) -> Cause | None:
    options = context.options
    if failing is None or context.info is None or not options.cause or options.compare_with is not None:
        return None
    if not context.runtime.has_graphs:
        return None  # the switches are those of LibTorch's executor
    if any(one.code in SUFFICIENT and one.case == failing.name for one in found):
        return None
    return find_cause(context.plan, options, failing, context.info, launcher, hooks)


def _localize(
    context: Context, failing: CaseResult | None, cause: Cause | None, launcher: Launcher, hooks: Hooks
) -> Localization | None:
    """A failing case against the artifact with the switch that is the cause, or against the reference as an
    artifact; else the first environment that gives other outputs, against the default one."""
    from tsharness.verification.localize import Localizer
    from tsharness.verification.place import Target
    from tsharness.verification.reference import reference_artifact

    localizer = Localizer(context.plan, context.options, launcher, hooks)
    mine = Target(context.plan.artifact)
    if failing is None:
        for request, case in _differing(context):
            other = Target(mine.artifact, request.step.get("settings", {}), request.environment)
            return localizer.compare(case, other, mine, f"the default environment ({request.id} differs)")
        return None
    if cause is not None and cause.switches:
        switch = cause.switches[0]
        other = Target(mine.artifact, switch.settings, switch.environment)
        return localizer.compare(failing.name, mine, other, f"the same artifact with {switch.name} changed")
    with reference_artifact(context.plan, context.options, failing.name) as path:
        return localizer.compare(
            failing.name, mine, Target(path), f"the reference {context.options.reference}"
        )


def _differing(context: Context) -> Iterator[tuple[Request, str]]:
    """What checks asked for in another environment and did not pass, with the case that showed it."""
    for rule in context.options.checks:
        if rule.id not in _ENVIRONMENTS or not context.passing or rule.id in context.runtime.skips:
            continue
        for request in rule.requests(context):
            problem = problem_of(context.answers[request.id])
            if problem is not None and problem[0]:
                yield request, problem[0]
