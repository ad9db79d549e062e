"""What a check may look at."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tsharness.artifact.integrity import Integrity
from tsharness.report.model import Check, RunnerInfo
from tsharness.runner.outcome import Event
from tsharness.runner.steps import StepOutcome
from tsharness.runtimes.registry import RUNTIMES, Runtime
from tsharness.verdict import Verdict
from tsharness.verification.checks.rule import Request
from tsharness.verification.plan import Plan, VerifyOptions
from tsharness.verification.report import CaseResult
from tsharness.verification.run import RunResult, run_request


@dataclass(frozen=True)
class Context:
    """A verification whose cases have run."""

    plan: Plan
    options: VerifyOptions
    result: RunResult
    integrity: Integrity
    info: RunnerInfo | None
    cases: tuple[CaseResult, ...]
    baseline: Plan | None = None
    """With whose outputs other environments are compared; ``None``: the plan's."""
    answers: Mapping[str, StepOutcome] = field(default_factory=dict)
    """By their ids, the steps that checks asked for."""
    left_out: tuple[str, ...] = ()
    """Checks for which there was no time."""

    @property
    def runtime(self) -> Runtime:
        """What ran the artifact, or was to run it."""
        loaded = self.result.loaded
        return RUNTIMES[loaded["kind"] if loaded else self.options.kind or "torchscript"]

    @property
    def calls_autograd(self) -> bool:
        """Whether its code computes gradients, so that the runner lets it."""
        loaded = self.result.loaded or {}
        return bool((loaded.get("facts") or {}).get("autograd"))

    @property
    def branches(self) -> bool:
        """Whether values decide which operators run, as far as anybody can tell."""
        return bool((self.result.loaded or {}).get("branches", True))

    def rows(self, case: CaseResult) -> int | None:
        """The first dim of the first tensor among a case's inputs; ``None`` without one."""
        shape = next(summary.shape for summary in self.plan.cases if summary.name == case.name)
        return shape[0] if shape else None

    def probing(self, request: Request) -> Request:
        """In a process in which sizes that the artifact does not take are refused."""
        if not self.runtime.probing:
            return request
        return replace(request, environment={**request.environment, **self.runtime.probing})

    @property
    def passing(self) -> tuple[CaseResult, ...]:
        """Cases in which every call was right: what they show in another environment is its doing."""
        return tuple(case for case in self.cases if case.verdict is Verdict.PASS)

    def cost(self, case: CaseResult) -> float:
        """Seconds of one pass over a case, when it is warm."""
        calls = self.calls_of(case)
        return statistics.median(case.seconds[-calls:] if calls > 1 else case.seconds[-2:]) * calls

    def calls_of(self, case: CaseResult) -> int:
        """Calls of its sequence; 1 for a single one."""
        return next(summary.calls for summary in self.plan.cases if summary.name == case.name)

    def single(self, case: CaseResult) -> bool:
        return self.calls_of(case) == 1

    def sample(self, share: float, *, single: bool = False) -> list[str]:
        """Names of passing cases, the cheapest first, that together cost at most ``share`` of a pass over all
        of them; one at least. ``single``: no sequences."""
        return self._cheapest([c for c in self.passing if not single or self.single(c)], share, 1)

    @property
    def comparable(self) -> tuple[CaseResult, ...]:
        """Passing cases whose outputs are finite, if any are. What nobody defines is not compared with
        another environment: of rows that are masked throughout, PyTorch's attention makes NaN, and in grad
        mode, by other kernels, zeros."""
        finite = tuple(one for one in self.passing if not (self.events(one) or {}).get("nonfinite"))
        return finite or self.passing

    def elsewhere(self, share: float) -> list[str]:
        """As ``sample``, of the cases that can be compared with another environment."""
        return self._cheapest(self.comparable, share, 1)

    def differing(self, share: float, *, single: bool, least: int) -> list[str]:
        """As ``sample``, ``least`` at least if there are as many, whose outputs differ."""
        cases = sorted((c for c in self.passing if not single or self.single(c)), key=self.cost)
        by_outputs: dict[Any, CaseResult] = {}
        for case in cases:
            event = self.events(case)
            calls = event["calls"] if event is not None else ()
            by_outputs.setdefault(tuple(call["fingerprint"] for call in calls), case)
        return self._cheapest(list(by_outputs.values()), share, least)

    def telling(self, share: float) -> list[str]:
        """As ``elsewhere``, of the cases that show more than another one: where no value decides which
        operators run, those of one form run the same kernels, in whatever environment. Of each form the
        first: the maker's examples come before what was made of them, such as zeros."""
        if self.branches:
            return self.elsewhere(share)
        by_form = {self.plan.document.form(case.name): case for case in reversed(self.comparable)}
        return self._cheapest(list(by_form.values()), share, 1)

    def cheapest_forms(self) -> list[str]:
        """The cheapest case, and the cheapest one whose inputs are of another form, if there is one."""
        cases = sorted(self.passing, key=self.cost)
        by_form: dict[str, str] = {}
        for case in cases:
            by_form.setdefault(self.plan.document.form(case.name), case.name)
        return list(by_form.values())[:2]

    def _cheapest(self, cases: Sequence[CaseResult], share: float, least: int) -> list[str]:
        left = share * sum(map(self.cost, self.passing))
        names: list[str] = []
        for case in sorted(cases, key=self.cost):
            left -= self.cost(case)
            if len(names) >= least and left < -1e-9:
                break
            names.append(case.name)
        return names

    def seconds_of(self, names: Sequence[str]) -> float:
        """Of one pass over these cases, when they are warm."""
        return sum(self.cost(case) for case in self.cases if case.name in names)

    def events(self, case: CaseResult) -> Event | None:
        """The "result" event of a case's own run."""
        return self.result.results.get(case.name)

    def run_step(self, identity: str, cases: list[str], **more: Any) -> dict[str, Any]:
        """A step that calls cases and compares, as in another environment. The first is called twice: by
        the graph as it was saved, and by what the executor has made of it. That stays, whatever is set later
        (docs/protocol.md, "settings"), so the others are called once: a second call would run the same."""
        step = run_request(identity, cases, 1, self.options)
        return {**step, "calls_of": dict.fromkeys(cases[:1], 2), "tolerance": self.tolerance, **more}

    @property
    def tolerance(self) -> dict[str, Any]:
        """For calls in another environment than the reference's: rounding differs there, so nobody can ask
        for every bit."""
        asked = dict(self.options.tolerance)
        # Said all the same: what a case file says would count where the user says nothing.
        return {"normwise": True, **asked, **({"exact": False} if "exact" in asked else {})}


def nothing_to_compare(identity: str) -> Check:
    """Of a check that needs a case that passes."""
    return Check(identity, Verdict.SKIPPED, "no case passed, so there is nothing to compare with")


def listed(names: Sequence[str], most: int = 3) -> str:
    """ "a, b, c and 4 more"."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def problem_of(outcome: StepOutcome) -> tuple[str, str] | None:
    """The first case that went wrong in a step that compared, and how; ("", why) for the step itself."""
    if outcome.error is not None:
        return "", outcome.error.message
    for name, error in outcome.errors.items():
        return name, error.message.strip().splitlines()[-1]
    for event in outcome.results:
        for call in event["calls"]:
            for output in call["outputs"]:
                if not output["passed"]:
                    return event["case"], f"{output['name']} {output['reason']}"
    return None
