"""Keeps the runner's outputs as cases, to be compared later or on another host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tsharness.cases.case_file import Case, CaseDocument, CaseFile, write_case_file
from tsharness.cases.safetensors_file import Location
from tsharness.runner.outcome import Event
from tsharness.verification.plan import Plan


def save_outputs(plan: Plan, recorded: Sequence[Path], hello: Event | None, target: Path) -> None:
    """Writes the plan's inputs with the outputs of the first call of each case; what did not run is left out.

    Raises UsageError if it cannot be written."""
    outputs = {
        case.name: case
        for path in recorded
        if path.is_file()
        for case in CaseDocument(Location(path)).cases()
    }
    libtorch = hello["libtorch"] if hello else "unknown"
    provenance = {"torch": libtorch, "recorded_by": "tsharness-runner", "artifact": plan.artifact.name}
    cases = tuple(_with_outputs(case, outputs[case.name]) for case in _chosen(plan) if case.name in outputs)
    write_case_file(CaseFile(cases, plan.document.signature, provenance), target)


def _chosen(plan: Plan) -> Iterator[Case]:
    names = {summary.name for summary in plan.cases}
    return (case for case in plan.document.cases() if case.name in names)


def _with_outputs(case: Case, recorded: Case) -> Case:
    # All rounds may have been recorded; the first one counts.
    pairs = zip(case.calls, recorded.calls[: len(case.calls)], strict=True)
    calls = tuple(replace(call, outputs=other.outputs) for call, other in pairs)
    return replace(case, calls=calls, origin="file")
