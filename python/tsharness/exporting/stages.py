"""The stages from the Python model to the artifact, each compared with the Python model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tsharness.exporting.guard import seeded
from tsharness.exporting.inputs import map_leaves
from tsharness.exporting.placement import Placement
from tsharness.exporting.record import Recorded, run_call
from tsharness.exporting.report import StageResult
from tsharness.exporting.source import essence
from tsharness.exporting.state import Subject
from tsharness.session import load_core
from tsharness.verdict import Verdict
from tsharness.verification.report import VerifyReport

RUNNER_STAGE = "C++ runner"


def plain_tuples(value: Any) -> Any:
    """What a trace returns for named tuples: plain ones."""
    if isinstance(value, tuple):
        return tuple(plain_tuples(item) for item in value)
    if isinstance(value, list):
        return [plain_tuples(item) for item in value]
    if isinstance(value, dict):
        return {key: plain_tuples(item) for key, item in value.items()}
    return value


@dataclass(frozen=True)
class _Worst:
    """The comparison that exceeds its tolerance most, or comes closest to it."""

    passed: bool
    excess: float
    max_abs: float
    max_rel: float
    where: str
    reason: str


def compare_stage(
    name: str,
    model: torch.nn.Module,
    recorded: Sequence[Recorded],
    tolerance: Mapping[str, Any],
    placement: Placement,
    expected: Callable[[Any], Any],
) -> StageResult:
    """Runs every case on ``model`` in this process. ``expected`` adapts the containers of the outputs that
    the Python model gave to what this stage can return."""
    subject = Subject(model)
    worst: list[_Worst] = []
    try:
        for one in recorded:
            subject.restore()
            with seeded(one.gradients):
                for call, outputs in zip(one.calls, one.outputs, strict=True):
                    actual = run_call(subject.model, placement.moved(call))
                    worst += _compare(actual, expected(outputs), tolerance, placement, one.case.name)
    except Exception as error:
        # Whatever the module raises: this stage does not run where the Python model does.
        return failed_stage(name, f"raises on case {one.case.name}: {essence(error)}")
    finally:
        subject.restore()
    return _result(name, worst)


def _compare(
    actual: Any, expected: Any, tolerance: Mapping[str, Any], placement: Placement, case: str
) -> list[_Worst]:
    device = str(placement.device or "cpu")
    given = _detached(actual), _detached(expected)
    text = load_core().compare_json(*given, json.dumps(tolerance), device)
    return [_worst(comparison, case) for comparison in json.loads(text)]


def _detached(value: Any) -> Any:
    return map_leaves("", value, lambda _, leaf: leaf.detach() if isinstance(leaf, torch.Tensor) else leaf)


def _worst(comparison: Mapping[str, Any], case: str) -> _Worst:
    difference = comparison.get("difference")
    where = f"{comparison['name']} of {case}"
    if difference is None:
        nothing = 0.0 if comparison["passed"] else float("inf")
        return _Worst(comparison["passed"], nothing, nothing, nothing, where, comparison["reason"])
    return _Worst(
        comparison["passed"],
        float(difference["min_atol"]),
        float(difference["max_abs"]),
        float(difference["max_rel"]),
        where,
        comparison["reason"],
    )


def _result(name: str, found: Sequence[_Worst]) -> StageResult:
    worst = min(found, key=lambda one: (one.passed, -one.excess), default=None)
    if worst is None:
        return failed_stage(name, "nothing was compared")
    return StageResult(
        name,
        Verdict.PASS if worst.passed else Verdict.FAIL,
        max(one.max_abs for one in found),
        max(one.max_rel for one in found),
        worst.where,
        "" if worst.passed else worst.reason,
    )


def failed_stage(name: str, message: str) -> StageResult:
    """A stage that could not be done or run."""
    return StageResult(name, Verdict.ERROR, None, None, "", message)


def runner_stage(check: VerifyReport) -> StageResult:
    """The last stage, from the runner's report."""
    from tsharness.report.text import first_problem

    passed = check.verdict is Verdict.PASS
    compared = [
        (f"{output.name} of {case.name}", output)
        for case in check.cases
        for output in case.outputs
        if output.max_abs is not None
    ]
    where, _ = max(compared, key=lambda item: item[1].min_atol or 0.0, default=("", None))
    return StageResult(
        RUNNER_STAGE,
        check.verdict,
        max((float(output.max_abs or 0) for _, output in compared), default=None),
        max((float(output.max_rel or 0) for _, output in compared), default=None),
        where if passed else "",
        "" if passed else first_problem(check),
    )
