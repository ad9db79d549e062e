"""Writes cases for an artifact that somebody else made: a process of its own, because loading it runs its
code.

Standard input: a ReferenceRequest as JSON, with ``output`` (the case file) and ``folder`` (the caller's).
Standard output: ``{"error": {"kind", "message"}}`` if it went wrong, else ``{}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tsharness.cases.case_file import Case, CaseDocument, CaseFile, write_case_file
from tsharness.errors import TsharnessError, UsageError
from tsharness.exporting import torch_jit
from tsharness.exporting.answer import answer_request
from tsharness.exporting.guard import SEED
from tsharness.exporting.inputs import Inputs, examples_of
from tsharness.exporting.load import load_inputs, load_model
from tsharness.exporting.record import ModelFailed, case_of, record_case
from tsharness.exporting.signature import dims_that_vary, signature_of
from tsharness.exporting.source import essence
from tsharness.exporting.state import Subject
from tsharness.exporting.synthesize import inputs_of
from tsharness.exporting.tensor_files import inputs_in, load_tensors
from tsharness.exporting.torch_values import inputs_of_call
from tsharness.verification.reference import ReferenceRequest

_REPEATED = 3
"""Calls with the same inputs, where nobody has said what a sequence of calls is."""


def _answer(message: Mapping[str, Any]) -> dict[str, Any]:
    request = ReferenceRequest.from_dict(message)
    kind, whence = "artifact", "torch.jit in Python: "
    try:
        for library in request.libraries:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        module = torch_jit.load(request.artifact)
        kind = "usage"
        examples = _examples(request, module)
        reference = _reference(request, module)
        kind, whence = "input", "the reference: " if request.reference else whence
        if request.trace_case is not None:
            torch_jit.save(_traced(reference, examples[request.trace_case][0]), Path(message["output"]))
            return {}
        cases = _cases(request, reference, examples)
        calls = [call for example in examples.values() for call in example]
        provenance = {"torch": str(torch.__version__), "seed": SEED, "packed": True}
        signature = signature_of(module, cases, dims_that_vary(module, calls))
        write_case_file(CaseFile(cases, signature, provenance), message["output"])
        if request.bundle_into is not None:
            torch_jit.save(_bundled(module, calls), request.bundle_into)
    except ModelFailed as failure:
        return {"error": {"kind": "input", "message": f"{whence}{essence(failure.error)}"}}
    except TsharnessError as error:
        return {"error": {"kind": "usage" if isinstance(error, UsageError) else kind, "message": str(error)}}
    except Exception as error:
        # Any exception of the model's is the answer that was asked for.
        return {"error": {"kind": kind, "message": f"{whence}{essence(error)}"}}
    return {}


def _examples(request: ReferenceRequest, module: torch.jit.ScriptModule) -> dict[str, list[Inputs]]:
    if request.inputs:
        return examples_of(inputs_of(request.inputs))
    if request.cases is not None:
        return {
            case.name: list(map(inputs_of_call, case.calls)) for case in CaseDocument(request.cases).cases()
        }
    where = request.inputs_from
    if where is not None:
        if where.endswith((".safetensors", ".pt", ".pth")):
            return {"example": [inputs_in(Path(where))]}
        return examples_of(load_inputs(where))
    if not hasattr(module, "get_all_bundled_inputs"):
        message = (
            "no inputs: it bundles none (torch.utils.bundled_inputs), so describe them with --input "
            "'x=float32[N,3,224,224]' --dim N=1,4, or name what makes them with --inputs file.py:NAME"
        )
        raise UsageError(message)
    found = module.get_all_bundled_inputs()
    return {f"bundled-{number}": [Inputs(*args)] for number, args in enumerate(found)}


def _reference(request: ReferenceRequest, module: torch.jit.ScriptModule) -> torch.nn.Module:
    if request.reference is None:
        return module
    if request.reference.endswith((".pt", ".pth")):
        return torch_jit.load(Path(request.reference))
    model, _ = load_model(request.reference)
    return model.eval()


def _traced(model: torch.nn.Module, call: Inputs) -> torch.jit.ScriptModule:
    """The eager model as an artifact that is right for these inputs."""
    traced = torch_jit.trace(model, {call.method: call}, strict=False)
    assert isinstance(traced, torch.jit.ScriptModule)
    return traced


def _cases(
    request: ReferenceRequest, reference: torch.nn.Module, examples: Mapping[str, list[Inputs]]
) -> tuple[Case, ...]:
    if request.outputs_from is not None:
        if len(examples) != 1 or len(next(iter(examples.values()))) != 1:
            raise UsageError("--outputs holds the outputs of one call, so there must be inputs for one")
        ((name, calls),) = examples.items()
        return (case_of(name, calls, [load_tensors(request.outputs_from)], "file", "file"),)
    family = "synthesized" if request.inputs else "example"
    subject = Subject(reference)
    repeated = _REPEATED if request.inputs else 1
    recorded = [record_case(subject, name, calls * repeated, family) for name, calls in examples.items()]
    return tuple(_shortest(one.case) for one in recorded)


def _shortest(case: Case) -> Case:
    """One call, if it gives the same every time. If not, the module keeps state, and the case stays the
    sequence that shows it."""
    first = case.calls[0]
    return replace(case, calls=(first,)) if all(call == first for call in case.calls) else case


def _bundled(module: torch.jit.ScriptModule, calls: list[Inputs]) -> torch.jit.ScriptModule:
    """The module with its forward's inputs inside, where PyTorch's own tools look for them."""
    from torch.utils.bundled_inputs import bundle_inputs

    inputs = [call.args for call in calls if call.method == "forward" and not call.kwargs]
    named = [call for call in calls if call.method == "forward" and call.kwargs]
    names = [argument.name for argument in module._c._get_method("forward").schema.arguments[1:]]
    inputs += [(*call.args, *(call.kwargs[name] for name in names[len(call.args) :])) for call in named]
    with torch_jit.without_deprecation():
        bundled = bundle_inputs(module, inputs)
    assert isinstance(bundled, torch.jit.ScriptModule)
    return bundled


if __name__ == "__main__":
    answer_request(_answer)
