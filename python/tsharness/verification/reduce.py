"""The smallest part of an artifact that fails as the whole does: an artifact of its own, to be debugged or
reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsharness.artifact.archive import BESIDE_SUFFIX, cases_beside
from tsharness.atomic import atomic_write
from tsharness.cases.case_file import Case, CaseDocument, CaseFile, write_case_file
from tsharness.cases.safetensors_file import Location
from tsharness.runner.outcome import Event
from tsharness.scratch import ScratchFolder
from tsharness.verification.place import Reduced, Target
from tsharness.verification.plan import Plan, VerifyOptions, plan_cases

Run = Callable[..., Event]
"""(target, step, plan): the result of one step of a runner on that target."""


class Reducer:
    """Takes the operator that differs first, then twice as many that end with it, until that fails alone."""

    def __init__(self, run: Run, options: VerifyOptions) -> None:
        assert options.reduce is not None
        self._run = run
        self._options = options
        self._path = options.reduce

    def reduce(self, case: str, mine: Target, other: Target, points: tuple[int, int], most: int) -> Reduced:
        """``points``: the operator in both targets; its output in the other one is what is right. Writes the
        artifact, with its case beside it. Raises RunnerCrash if a part cannot be taken out."""
        with ScratchFolder() as folder:
            scratch = Path(folder)
            right = self._extract(other, case, points[1], 1, scratch / "right.safetensors")[1]
            size = 1
            while True:
                part, inside = scratch / "part.pt", scratch / f"part.pt{BESIDE_SUFFIX}"
                operators, taken = self._extract(mine, case, points[0], size, inside, save=str(part))
                _write(taken, right, inside)
                fails = not self._passes(part, mine)
                if fails or operators < size or size >= most:
                    return self._keep(part, inside, operators, fails)
                size *= 2

    def _extract(
        self, target: Target, case: str, point: int, operators: int, kept: Path, **more: Any
    ) -> tuple[int, Case]:
        step = {"step": "extract", "case": case, "point": point, "operators": operators}
        result = self._run(target, {**step, "save_outputs": str(kept), **more})
        return result["operators"], next(iter(CaseDocument(Location(kept)).cases()))

    def _passes(self, part: Path, mine: Target) -> bool:
        plan = _plan_of(part)
        step: Mapping[str, Any] = {
            "step": "run",
            "cases": [summary.name for summary in plan.cases],
            "calls": self._options.calls,
            "tolerance": {"normwise": True, **self._options.tolerance, "outputs": {}},
        }
        return bool(self._run(replace(mine, artifact=part), step, plan)["passed"])

    def _keep(self, part: Path, inside: Path, operators: int, fails: bool) -> Reduced:
        beside = cases_beside(self._path)
        for made, wanted in ((inside, beside), (part, self._path)):
            atomic_write(wanted, made.read_bytes())
        return Reduced(str(self._path), operators, fails)


def _write(taken: Case, right: Case, target: Path) -> None:
    calls = tuple(replace(call, outputs=right.calls[0].outputs) for call in taken.calls)
    case = replace(taken, calls=calls, origin="file")
    write_case_file(CaseFile((case,), {}, {"recorded_by": "tsharness-runner"}), target)


def _plan_of(part: Path) -> Plan:
    return plan_cases(part, Location(cases_beside(part)), "beside", ())
