"""What leaving Python brings: the same artifact in Python's torch.jit, and the eager model, in turns with the
runner."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tsharness.bench.measure import Measured, Measurer
from tsharness.bench.points import points_of
from tsharness.bench.statistics import ERROR_RATE, Effect, paired_effect
from tsharness.runner.python_process import Ended
from tsharness.runner.reach import Reach
from tsharness.verification.plan import Plan
from tsharness.verification.reference import ask_python

_ROUNDS = 5
_SECONDS = 0.5  # of timing in each process


@dataclass(frozen=True)
class InPython:
    """One case in Python."""

    case: str
    how: str
    """"jit" or "eager"."""
    seconds: float
    """Median of the processes' medians."""
    effect: Effect
    """How Python's time compares with the runner's: above 1 if Python takes longer."""
    uncaged: str = ""
    """What of the cage its process did not have; empty if it had all of it."""


_Round = tuple[Mapping[str, float], Mapping[str, Ended]]
"""The runner's medians by case, and what Python answered, by how."""


def against_python(measurer: Measurer, eager: str | None) -> tuple[InPython, ...]:
    """Fresh processes of Python and of the runner in random order, a pair a round. ``eager``: MODULE:FACTORY
    of the model, if that is to run, too. Raises the errors of what runs."""
    points = list(points_of(measurer.options))
    ours = replace(measurer, points=points, measured=Measured())
    seen: list[_Round] = []
    for number in range(_ROUNDS):
        theirs: Mapping[str, Ended] = {}
        for who in random.sample(("runner", "python"), 2):
            if who == "runner":
                ours.rounds(1, _SECONDS)
            else:
                theirs = _ask(measurer, eager)
        if measurer.launcher.interrupted:
            break
        seen.append((_medians(ours, number), theirs))
    if not seen:
        raise KeyboardInterrupt
    return tuple(
        _judge(case.name, how, seen)
        for case in measurer.plan.cases
        for how in seen[0][1]
        if case.name in seen[0][0]
    )


def _medians(ours: Measurer, number: int) -> dict[str, float]:
    import numpy as np

    return {
        case: float(np.median(samples[number].sampled.seconds))
        for (_, case), samples in ours.measured.samples.items()
        if len(samples) > number
    }


def _judge(case: str, how: str, seen: Sequence[_Round]) -> InPython:
    answers = [python[how] for _, python in seen]
    medians: list[float] = [ended.answer["medians"][case] for ended in answers]
    pairs = [[(runner[case], median)] for (runner, _), median in zip(seen, medians, strict=True)]
    effect = paired_effect(pairs, ERROR_RATE)
    uncaged = "your own code, not in the cage" if how == "eager" else "; ".join(answers[0].missing)
    return InPython(case, how, sorted(medians)[len(medians) // 2], effect, uncaged)


def _ask(measurer: Measurer, eager: str | None) -> Mapping[str, Ended]:
    """By "jit" and "eager": the artifact in the cage, the user's own model outside of it, in a process that
    does not get the artifact."""
    plan: Plan = measurer.plan
    location, options = plan.document.location, measurer.options
    message: dict[str, Any] = {
        "cases": [str(Path(location.path).absolute()), location.offset, location.size],
        "only": [case.name for case in plan.cases],
        "device": options.device,
        "threads": options.threads,
        "libraries": [str(path.absolute()) for path in options.libraries],
        "seconds": _SECONDS,
    }
    folders = tuple(library.parent for library in options.libraries)
    reach = Reach(measurer.launcher.sandbox, (plan.artifact, location.path, *folders), device=options.device)
    module = "tsharness.exporting.latency_process"
    artifact = {**message, "artifact": str(plan.artifact.absolute())}
    found = {"jit": ask_python(module, artifact, plan.artifact, options.timeout, reach)}
    if eager is not None:
        own = {**message, "eager": eager}
        found["eager"] = ask_python(module, own, plan.artifact, options.timeout, None)
    return found
