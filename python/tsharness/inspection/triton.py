"""What Triton's PyTorch backend asks of a model, and a configuration for it.

The contract: https://github.com/triton-inference-server/pytorch_backend (README, "Customization")."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator

from tsharness.artifact.code import Function, unparse
from tsharness.artifact.traced_inputs import TracedTensor
from tsharness.findings import finding
from tsharness.inspection.subject import Subject
from tsharness.report.model import Finding

_TAKEN = ("Tensor", "Optional[Tensor]", "List[str]")
_DTYPES = {
    "bool": "TYPE_BOOL",
    "uint8": "TYPE_UINT8",
    "int8": "TYPE_INT8",
    "int16": "TYPE_INT16",
    "int32": "TYPE_INT32",
    "int64": "TYPE_INT64",
    "float16": "TYPE_FP16",
    "bfloat16": "TYPE_BF16",
    "float32": "TYPE_FP32",
    "float64": "TYPE_FP64",
}


def forward_of(subject: Subject) -> Function | None:
    return subject.archive.code.functions.get(f"{subject.archive.root}.forward")


def contract(subject: Subject) -> Iterator[Finding]:
    """Arguments and results that the backend cannot pass."""
    forward = forward_of(subject)
    if forward is None:
        yield finding("TS352", "it has no method forward")
        return
    for argument in forward.body.args.args[1:]:
        type_ = unparse(argument.annotation)
        if type_ not in _TAKEN:
            yield finding("TS352", f"the argument {argument.arg} is a {type_}")
    returned = unparse(forward.body.returns)
    if _outputs(forward) is None:
        yield finding("TS352", f"forward returns {returned}")


def _outputs(forward: Function) -> int | None:
    """How many tensors it returns; ``None`` if it returns something else."""
    node = forward.body.returns
    if isinstance(node, ast.Name) and node.id == "Tensor":
        return 1
    if isinstance(node, ast.Subscript) and unparse(node.value) == "Tuple":
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return len(items) if all(unparse(item) in ("Tensor", "List[str]") for item in items) else None
    return 1 if unparse(node) == "List[Tensor]" else None


def config(subject: Subject, name: str) -> str | None:
    """A config.pbtxt with the example's shapes, the first dim as batch; ``None`` if the contract is broken.
    What the archive does not tell stands as a comment."""
    forward = forward_of(subject)
    outputs = _outputs(forward) if forward else None
    if forward is None or outputs is None:
        return None
    traced = list(subject.traced.get("forward", ()))
    inputs = []
    for position, argument in enumerate(forward.body.args.args[1:]):
        example = traced[position] if position < len(traced) else None
        inputs.append(
            _tensor(f"{argument.arg}__{position}" if "__" not in argument.arg else argument.arg, example)
        )
    lines = [f"name: {json.dumps(name)}", 'backend: "pytorch"', "max_batch_size: 8  # edit"]
    lines += ["input [", ",\n".join(inputs), "]"]
    lines += ["output [", ",\n".join(_tensor(f"OUTPUT__{i}", None) for i in range(outputs)), "]"]
    return "\n".join(lines) + "\n"


def _tensor(name: str, example: object) -> str:
    dtype, dims, note = "TYPE_FP32", "-1", "  # edit: the archive does not say"
    if isinstance(example, TracedTensor):
        dtype = _DTYPES.get(example.dtype, dtype)
        dims, note = ", ".join(map(str, example.dims[1:])) or "1", ""
    return f"  {{ name: {json.dumps(name)}  data_type: {dtype}  dims: [ {dims} ] }}{note}"
