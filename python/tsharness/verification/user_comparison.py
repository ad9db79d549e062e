"""A function of the user's that judges the outputs: in a process of its own, which may import torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tsharness.runner.outcome import Event
from tsharness.verification.plan import Plan
from tsharness.verification.reference import ask_python

_LOST = "could not be judged: the process died before its outputs were kept"


def judged_by(
    function: str, plan: Plan, kept: Mapping[str, Path], events: Mapping[str, Sequence[Event]], timeout: float
) -> dict[str, list[Event]]:
    """The "result" events of each step with what the function says of every call in the place of the
    tolerance's verdict; ``kept`` holds the outputs of every call. Raises UsageError if it cannot be asked."""
    location = plan.document.location
    files = {step: path for step, path in kept.items() if path.is_file()}
    ended = ask_python(
        "tsharness.exporting.comparison_process",
        {
            "function": function,
            "cases": [str(location.path.absolute()), location.offset, location.size],
            "recorded": {step: str(path) for step, path in files.items()},
        },
        plan.artifact,
        timeout,
        reach=None,  # the user's own function, on outputs: it gets no artifact
    )
    reasons: Mapping[str, Mapping[str, Sequence[str]]] = ended.answer["reasons"]
    return {
        step: [_judged(event, reasons.get(step, {}).get(event["case"])) for event in found]
        for step, found in events.items()
    }


def _judged(event: Event, reasons: Sequence[str] | None) -> Event:
    if reasons is None:
        reasons = [_LOST] * len(event["calls"])
    calls = [_call(call, reason) for call, reason in zip(event["calls"], reasons, strict=True)]
    return {**event, "calls": calls, "passed": not any(reasons)}


def _call(call: Mapping[str, Any], reason: str) -> dict[str, Any]:
    outputs = [{**output, "passed": not reason, "reason": reason} for output in call["outputs"]]
    return {**call, "outputs": outputs}
