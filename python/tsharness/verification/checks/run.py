"""Has runners do what the checks ask for, and judges."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tsharness.report.model import Check
from tsharness.runner.launch import Launcher
from tsharness.runner.process import Hooks
from tsharness.runner.steps import StepOutcome, run_steps
from tsharness.verdict import ExitCode, Verdict
from tsharness.verification.checks.context import Context, nothing_to_compare
from tsharness.verification.checks.rule import CheckRule, Request, no_requests
from tsharness.verification.run import job_of

_EXIT_CODES = {
    Verdict.FAIL: ExitCode.FAILED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.ERROR: ExitCode.CRASH,
}


def run_requests(context: Context, launcher: Launcher, hooks: Hooks, deadline: float | None) -> Context:
    """The context with the answers to what its checks ask for: a process for each environment. Checks that
    would end behind the deadline, on the monotonic clock, are left out."""
    groups: dict[tuple[Any, ...], list[Request]] = {}
    asking = [rule for rule in context.options.checks if _asks(rule, context)]
    chosen = asking if deadline is None else _affordable(asking, context, deadline)
    for rule in chosen:
        for request in map(context.probing if rule.other_sizes else _as_it_is, rule.requests(context)):
            key = (tuple(sorted(request.environment.items())), request.device)
            groups.setdefault(key, []).append(request)
    answers: dict[str, StepOutcome] = {}
    # One after the other: the waiting threads of two processes would spin on the same cores. Until they have
    # their jobs they only load their libraries.
    for requests in groups.values():
        launcher.start_ahead(requests[0].environment)
    hooks.on_more([request.step for requests in groups.values() for request in requests])
    for requests in groups.values():
        answers.update(_answers(context, requests, launcher, hooks))
    left_out = tuple(rule.id for rule in asking if rule not in chosen)
    return replace(context, answers=answers, left_out=left_out)


def _asks(rule: CheckRule, context: Context) -> bool:
    if (rule.needs_passing and not context.passing) or rule.id in context.runtime.skips:
        return False
    return rule.requests is not no_requests


def _affordable(rules: Sequence[CheckRule], context: Context, deadline: float) -> list[CheckRule]:
    """The cheapest first, as long as there is time; in their own order."""
    one_pass = context.seconds_of([case.name for case in context.passing])
    left = deadline - time.monotonic()
    chosen = []
    for rule in sorted(rules, key=lambda rule: rule.passes * one_pass + rule.seconds):
        left -= rule.passes * one_pass + rule.seconds
        if left < 0:
            break
        chosen.append(rule)
    return [rule for rule in rules if rule in chosen]


def _as_it_is(request: Request) -> Request:
    return request


def _answers(
    context: Context, requests: Sequence[Request], launcher: Launcher, hooks: Hooks
) -> dict[str, StepOutcome]:
    first = requests[0]
    plan = context.baseline or context.plan
    job = job_of(plan, context.options, [dict(r.step) for r in requests], device=first.device)
    hooks = Hooks(on_event=hooks.on_event)
    done = run_steps(job, launcher, context.options.timeout, hooks, first.environment)
    answers = dict(done.steps)
    if done.load_error is not None:
        for request in requests:
            if not answers[request.id].results:
                answers[request.id].error = answers[request.id].error or done.load_error
    return answers


def judge_checks(context: Context) -> tuple[Check, ...]:
    """The verdict of every check that was chosen, with what it cost."""
    return tuple(_judge(rule, context) for rule in context.options.checks)


def _judge(rule: CheckRule, context: Context) -> Check:
    if rule.id in context.runtime.skips:
        return Check(rule.id, Verdict.SKIPPED, context.runtime.skips[rule.id])
    if rule.id in context.left_out:
        return Check(rule.id, Verdict.SKIPPED, "left out for time (--max-time)")
    if rule.requests is not no_requests and rule.needs_passing and not context.passing:
        return nothing_to_compare(rule.id)
    check = rule.judge(context)
    mine = [o for key, o in context.answers.items() if key == rule.id or key.startswith(f"{rule.id}:")]
    if rule.id == "calls":
        return replace(check, seconds=context.result.seconds)
    return replace(check, seconds=sum(o.seconds for o in mine)) if mine else check


def exit_code_of_check(check: Check) -> ExitCode:
    """What a check's verdict means for the process; what kept it from loading has a code of its own."""
    if check.id in ("load", "parity") and check.verdict is Verdict.ERROR:
        return ExitCode.PASS  # the cases' own errors say it
    return _EXIT_CODES.get(check.verdict, ExitCode.PASS)
