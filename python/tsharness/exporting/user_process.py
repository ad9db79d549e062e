"""Asks the user's own code, an eager model or what makes inputs: a process of its own, outside of the cage,
that never opens the artifact.

Standard input: a ReferenceRequest as JSON, with ``output`` (the case file, or the traced model) and
``folder`` (the caller's). Standard output: ``{"error": {"kind", "message"}}`` if it went wrong, else ``{}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tsharness.cases.case_file import CaseFile, write_case_file
from tsharness.errors import TsharnessError, UsageError
from tsharness.exporting import torch_jit
from tsharness.exporting.answer import answer_request
from tsharness.exporting.inputs import Inputs, check_arguments
from tsharness.exporting.load import load_model
from tsharness.exporting.record import ModelFailed
from tsharness.exporting.requested import by_position, inputs_alone, recorded, requested_inputs
from tsharness.exporting.source import essence
from tsharness.verification.reference import ReferenceRequest


def _answer(message: Mapping[str, Any]) -> dict[str, Any]:
    request = ReferenceRequest.from_dict(message)
    kind = "usage"
    try:
        for library in request.libraries:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        examples = requested_inputs(request) or {}
        own = request.reference if request.own_reference else None
        model = load_model(own)[0].eval() if own is not None else None
        if model is not None:
            check_arguments(model, [call for example in examples.values() for call in example])
        kind = "input"
        if request.trace_case is not None and model is not None:
            torch_jit.save(_traced(model, examples[request.trace_case][0]), Path(message["output"]))
            return {}
        if request.foreign and model is not None:
            examples = by_position(model, examples)
        cases = inputs_alone(examples) if model is None else recorded(request, model, examples)
        write_case_file(CaseFile(cases, {}, {}), message["output"])
    except ModelFailed as failure:
        return {"error": {"kind": "input", "message": f"the reference: {essence(failure.error)}"}}
    except TsharnessError as error:
        return {"error": {"kind": "usage" if isinstance(error, UsageError) else kind, "message": str(error)}}
    except Exception as error:
        # Any exception of the model's is the answer that was asked for.
        return {"error": {"kind": kind, "message": f"the reference: {essence(error)}"}}
    return {}


def _traced(model: torch.nn.Module, call: Inputs) -> torch.jit.ScriptModule:
    """The eager model as an artifact that is right for these inputs."""
    traced = torch_jit.trace(model, {call.method: call}, strict=False)
    assert isinstance(traced, torch.jit.ScriptModule)
    return traced


if __name__ == "__main__":
    answer_request(_answer)
