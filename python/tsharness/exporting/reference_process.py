"""Writes cases for an artifact that somebody else made: a process of its own, in the cage, because loading it
runs its code. The user's own code is asked in another one (user_process.py).

Standard input: a ReferenceRequest as JSON, with ``output`` (the case file) and ``only``: "" for all of the
work, "inputs" for those that the artifact bundles, "signature" for cases whose outputs are there.
Standard output: ``{"error": {"kind", "message"}}`` if it went wrong, else ``{}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tsharness.cases.case_file import Case, CaseDocument, CaseFile, write_case_file
from tsharness.errors import TsharnessError, UsageError
from tsharness.exporting import torch_jit
from tsharness.exporting.answer import answer_request
from tsharness.exporting.guard import SEED
from tsharness.exporting.inputs import Inputs, check_arguments
from tsharness.exporting.passable import check_passable
from tsharness.exporting.record import ModelFailed, case_of
from tsharness.exporting.requested import by_position, inputs_alone, recorded, requested_inputs
from tsharness.exporting.signature import dims_that_vary, signature_of
from tsharness.exporting.source import essence
from tsharness.exporting.tensor_files import load_tensors
from tsharness.verification.reference import ReferenceRequest


def _answer(message: Mapping[str, Any]) -> dict[str, Any]:
    request = ReferenceRequest.from_dict(message)
    kind, whence = "artifact", "torch.jit in Python: "
    try:
        for library in request.libraries:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        # What Python cannot load is judged by what it was made from, whose arguments it has.
        known = Path(request.reference) if request.foreign and request.reference else request.artifact
        module = torch_jit.load(known)
        kind = "usage"
        examples = requested_inputs(request) or _bundled_inputs(module)
        calls = [call for example in examples.values() for call in example]
        check_arguments(module, calls)
        if message["only"] == "inputs":
            write_case_file(CaseFile(inputs_alone(examples), {}, {}), message["output"])
            return {}
        if request.foreign:
            examples = by_position(module, examples)
        reference = torch_jit.load(Path(request.reference)) if request.reference else module
        kind, whence = "input", "the reference: " if request.reference else whence
        check_passable(reference, [call.method for call in calls])
        cases = _cases(request, reference, examples, message["only"])
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


def _bundled_inputs(module: torch.jit.ScriptModule) -> dict[str, list[Inputs]]:
    if not hasattr(module, "get_all_bundled_inputs"):
        message = (
            "no inputs: it bundles none (torch.utils.bundled_inputs), so describe them with --input "
            "'x=float32[N,3,224,224]' --dim N=1,4, or name what makes them with --inputs file.py:NAME"
        )
        raise UsageError(message)
    found = module.get_all_bundled_inputs()
    return {f"bundled-{number}": [Inputs(*args)] for number, args in enumerate(found)}


def _cases(
    request: ReferenceRequest,
    reference: torch.jit.ScriptModule,
    examples: Mapping[str, list[Inputs]],
    only: str,
) -> tuple[Case, ...]:
    if only == "signature":
        assert request.cases is not None
        return tuple(CaseDocument(request.cases).cases())
    if request.outputs_from is not None:
        if len(examples) != 1 or len(next(iter(examples.values()))) != 1:
            raise UsageError("--outputs holds the outputs of one call, so there must be inputs for one")
        ((name, calls),) = examples.items()
        return (case_of(name, calls, [load_tensors(request.outputs_from)], "file", "file"),)
    return recorded(request, reference, examples)


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
