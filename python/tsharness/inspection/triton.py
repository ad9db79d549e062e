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

_TAKEN = ("Tensor", "List[str]")
_DICT = "Dict[str, Tensor]"
"""Taken if it is the only argument: Triton's inputs are then its entries, by their names."""
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
    arguments = forward.body.args.args[1:]
    for argument in arguments:
        type_ = unparse(argument.annotation)
        if type_ not in _TAKEN and not (type_ == _DICT and len(arguments) == 1):
            beside = ", and not the only one" if type_ == _DICT else ""
            yield finding("TS352", f"the argument {argument.arg} is a {type_}{beside}")
    if not arguments:
        yield finding("TS352", "forward takes no arguments")
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
    inputs = _inputs(forward, list(subject.traced.get("forward", ())))
    lines = [f"name: {json.dumps(name)}", 'backend: "pytorch"', "max_batch_size: 8  # edit"]
    lines += ["input [", *_separated(inputs), "]"]
    lines += ["output [", *_separated([_tensor(f"OUTPUT__{i}", None) for i in range(outputs)]), "]"]
    return "\n".join(lines) + "\n"


def _separated(items: list[tuple[str, str]]) -> list[str]:
    """Commas stand before the comments."""
    return [
        f"  {text}{',' if number < len(items) else ''}{note}" for number, (text, note) in enumerate(items, 1)
    ]


def _inputs(forward: Function, traced: list[object]) -> list[tuple[str, str]]:
    arguments = forward.body.args.args[1:]
    if [unparse(one.annotation) for one in arguments] == [_DICT]:
        example = traced[0] if traced and isinstance(traced[0], dict) else {}
        names = dict.fromkeys([*map(str, example), *_keys(forward, arguments[0].arg)])
        return [_tensor(name, example.get(name)) for name in names or ["KEY"]]
    return [
        _tensor(
            argument.arg if "__" in argument.arg else f"{argument.arg}__{position}",
            traced[position] if position < len(traced) else None,
        )
        for position, argument in enumerate(arguments)
    ]


def _keys(forward: Function, name: str) -> Iterator[str]:
    """Those by which the code asks for an argument's entries: ``inputs["a"]``."""
    for node in ast.walk(forward.body):
        if not isinstance(node, ast.Subscript) or unparse(node.value) != name:
            continue
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            yield node.slice.value


def _tensor(name: str, example: object) -> tuple[str, str]:
    """Its entry, and a comment for whoever completes it."""
    dtype, dims, note = "TYPE_FP32", "-1", "  # edit: the archive does not say"
    if isinstance(example, TracedTensor):
        dtype = _DTYPES.get(example.dtype, dtype)
        dims, note = ", ".join(map(str, example.dims[1:])) or "1", ""
    return f"{{ name: {json.dumps(name)}  data_type: {dtype}  dims: [ {dims} ] }}", note
