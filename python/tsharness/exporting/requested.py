"""Inputs and cases that a ReferenceRequest asks for, whoever runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from tsharness.cases.case_file import Case, CaseDocument
from tsharness.errors import UsageError
from tsharness.exporting.inputs import Inputs, argument_names, examples_of
from tsharness.exporting.load import load_inputs
from tsharness.exporting.record import case_of, record_case
from tsharness.exporting.state import Subject
from tsharness.exporting.synthesize import inputs_of
from tsharness.exporting.tensor_files import inputs_in
from tsharness.exporting.torch_values import inputs_of_call
from tsharness.verification.reference import ReferenceRequest

_REPEATED = 3
"""Calls with the same inputs, where nobody has said what a sequence of calls is."""


def requested_inputs(request: ReferenceRequest) -> dict[str, list[Inputs]] | None:
    """The calls of each case, by its name; ``None``: those that the artifact bundles. Raises UsageError."""
    if request.inputs:
        return examples_of(inputs_of(request.inputs))
    if request.cases is not None:
        cases = CaseDocument(request.cases).cases()
        return {case.name: list(map(inputs_of_call, case.calls)) for case in cases}
    if request.inputs_from is None:
        return None
    if request.made_inputs:
        return examples_of(load_inputs(request.inputs_from))
    return {"example": [inputs_in(Path(request.inputs_from))]}


def recorded(
    request: ReferenceRequest, reference: torch.nn.Module, examples: Mapping[str, list[Inputs]]
) -> tuple[Case, ...]:
    """The cases with what the reference gives. Raises ModelFailed."""
    family = "synthesized" if request.inputs else "example"
    subject = Subject(reference)
    repeated = _REPEATED if request.inputs else 1
    found = [record_case(subject, name, calls * repeated, family) for name, calls in examples.items()]
    return tuple(_shortest(one.case) for one in found)


def by_position(model: torch.nn.Module, examples: Mapping[str, list[Inputs]]) -> dict[str, list[Inputs]]:
    """The calls without names of arguments, for what knows none. Raises UsageError for a name that the model
    does not have, or a gap."""
    return {name: [_positional(model, call) for call in calls] for name, calls in examples.items()}


def _positional(model: torch.nn.Module, call: Inputs) -> Inputs:
    names = argument_names(model, call.method)
    unknown = [name for name in call.kwargs if name not in names]
    if unknown:
        raise UsageError(f"no argument '{unknown[0]}'; the reference has: {', '.join(names)}")
    own = dict(zip(names, call.args, strict=False)) | call.kwargs
    given = names[: max((names.index(name) + 1 for name in own), default=0)]
    missing = [name for name in given if name not in own]
    if missing:
        raise UsageError(f"argument '{missing[0]}' is not stated: the artifact takes all by their places")
    return Inputs(*(own[name] for name in given), method=call.method)


def inputs_alone(examples: Mapping[str, list[Inputs]]) -> tuple[Case, ...]:
    """The cases with nothing for outputs."""
    return tuple(
        case_of(name, calls, [None] * len(calls), "example", "file") for name, calls in examples.items()
    )


def _shortest(case: Case) -> Case:
    """One call, if it gives the same every time. If not, the module keeps state, and the case stays the
    sequence that shows it."""
    first = case.calls[0]
    return replace(case, calls=(first,)) if all(call == first for call in case.calls) else case
