"""What the graph of a TorchScript module shows without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import torch

from tsharness.exporting.source import Place, is_installed, is_machinery, place

# Values of c10::ScalarType that "dtype" constants hold (csrc/core/dtype.cpp).
_FLOATING = {5: "float16", 6: "float32", 7: "float64", 15: "bfloat16"}
_TRACED_FRAME = re.compile(r"^(?P<file>.+)\((?P<line>\d+)\): \S+$", re.MULTILINE)
SCRIPTED_FRAME = re.compile(r'File "(?!code/)(?P<file>[^"]+)", line (?P<line>\d+)')
"""A frame as Python and TorchScript quote it; none of the archive's own code, whose files are named like the
user's."""


def nodes_of(module: torch.jit.ScriptModule) -> Iterator[Any]:
    """Every node of every method, what it calls inlined, branches and loop bodies included."""
    for name in module._c._method_names():
        yield from below(module._c._get_method(name).inlined_graph)


def below(block: Any) -> Iterator[Any]:
    """Every node of a block, branches and loop bodies included."""
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from below(inner)


def frame_of(source_range: str) -> tuple[str, int] | None:
    """File and line of the first frame that is the user's, of a node's source range or of torch's error
    message; of an installed library if the model is one's."""
    matches = [
        match for pattern in (SCRIPTED_FRAME, _TRACED_FRAME) for match in pattern.finditer(source_range)
    ]
    own = [match for match in matches if not is_machinery(match["file"])]
    found = next((match for match in own if not is_installed(match["file"])), own[0] if own else None)
    return (found["file"], int(found["line"])) if found else None


def place_of(source_range: str) -> Place | None:
    """That frame's line."""
    frame = frame_of(source_range)
    return None if frame is None else place(*frame)


def python_calls(module: torch.jit.ScriptModule) -> list[tuple[str, Place | None]]:
    """Calls into the Python interpreter, which ``torch.jit.save`` refuses."""
    return [
        (str(node.pyname()), place_of(node.sourceRange()))
        for node in nodes_of(module)
        if node.kind() == "prim::PythonOp"
    ]


def baked_devices(module: torch.jit.ScriptModule) -> list[tuple[str, Place | None]]:
    """Devices that stand in the graph as literals."""
    return [
        (str(node.output().toIValue()), place_of(node.sourceRange()))
        for node in nodes_of(module)
        if node.kind() == "prim::Constant" and str(node.output().type()) == "Device"
    ]


def baked_dtypes(module: torch.jit.ScriptModule) -> list[tuple[str, Place | None]]:
    """Floating-point dtypes that stand in the graph as literals."""
    return [
        (_FLOATING[dtype], place_of(node.sourceRange()))
        for node in nodes_of(module)
        if (dtype := _dtype_argument(node)) in _FLOATING
    ]


def _dtype_argument(node: Any) -> int | None:
    """The literal that an operator is given as its argument ``dtype``."""
    if not node.kind().startswith("aten::") or node.schema() == "(no schema)":
        return None
    arguments = torch._C.parse_schema(node.schema()).arguments
    for argument, value in zip(arguments, node.inputs(), strict=False):
        if argument.name == "dtype" and value.node().kind() == "prim::Constant":
            literal = value.toIValue()
            return literal if isinstance(literal, int) else None
    return None


def tensor_constants(module: torch.jit.ScriptModule) -> list[torch.Tensor]:
    """Tensors that stand in the graph as literals; for each method that has them."""
    values = (
        node.output().toIValue()
        for node in nodes_of(module)
        if node.kind() == "prim::Constant" and str(node.output().type()) == "Tensor"
    )
    return [value for value in values if isinstance(value, torch.Tensor)]


def numbers_by_place(module: torch.jit.ScriptModule) -> dict[Place, list[int | float]]:
    """Numbers that stand in the graph as literals, by the line of source."""
    found: dict[Place, list[int | float]] = {}
    for node in nodes_of(module):
        if node.kind() != "prim::Constant":
            continue
        value, where = node.output().toIValue(), place_of(node.sourceRange())
        if isinstance(value, torch.Tensor) and value.numel() == 1:
            value = value.item()
        if where is not None and isinstance(value, (int, float)):
            found.setdefault(where, []).append(value)
    return found
