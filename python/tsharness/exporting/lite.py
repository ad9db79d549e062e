"""What bytecode for phones has no instructions for, and TorchScript has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from tsharness.artifact.archive import users_extra_files
from tsharness.exporting import graph, torch_jit
from tsharness.exporting.source import Place

_CHANGE_NO_VALUE = {
    "__torch__.torch.autograd.grad_mode.no_grad": "torch.no_grad()",
    "__torch__.torch.autograd.profiler.record_function": "record_function()",
}
"""Contexts that the lite interpreter can do without: phones compute without gradients anyway."""

_REFUSED = re.compile(r"^(\w+) is not supported in mobile module", re.MULTILINE)


def save_lite(script: Path, path: Path) -> list[tuple[str, Place | None]]:
    """Writes a TorchScript file with bytecode for the lite interpreter besides. Contexts that change no value
    are left out: the name and the line of each. Raises RuntimeError, with the line if it can be told, for
    what bytecode has no form of. Extra files of the user's go along."""
    module, extra = torch_jit.load(script), users_extra_files(script)
    left_out = _leave_out_contexts(module)
    try:
        torch_jit.save(module, path, lite=True, extra_files=extra)
    except RuntimeError as error:
        where = _where(module, str(error))
        raise RuntimeError(f"{error}\n{where}") if where else error from None
    return left_out


def _leave_out_contexts(module: torch.jit.ScriptModule) -> list[tuple[str, Place | None]]:
    """Takes contexts that change no value out of the module's code: the name and the line of each. What is
    inside stays. Not for a module that was scripted here: others of its class share its code."""
    codes = [
        inner._c._get_method(method)  # type: ignore[operator, union-attr]
        for inner in module.modules()
        for method in inner._c._method_names()  # type: ignore[operator, union-attr]
    ]
    found = [one for method in codes for one in _taken_out(method.graph)]
    for method in codes:
        if any(map(_context, graph.below(method.inlined_graph))):
            # What is left is in functions, which the module calls and does not own.
            torch._C._jit_pass_inline(method.graph)
            found += _taken_out(method.graph)
    return list(dict.fromkeys(found))


def _taken_out(code: Any) -> list[tuple[str, Place | None]]:
    made = [(name, node) for node in graph.below(code) if (name := _context(node))]
    found = [(name, graph.place_of(node.sourceRange())) for name, node in made]
    for _, node in made:
        _remove(node)
    return found


def _context(node: Any) -> str:
    """The name of the context that the node makes; empty for other nodes, and where it serves for more than
    being entered and left."""
    if node.kind() != "prim::CreateObject":
        return ""
    alone = all(_is_its_own(use.user, node.output()) for use in node.output().uses())
    return _CHANGE_NO_VALUE.get(str(node.output().type()), "") if alone else ""


def _is_its_own(node: Any, context: Any) -> bool:
    """Whether the node makes, enters or leaves the context, and gives nothing that is used."""
    if node.kind() not in ("prim::CallMethod", "prim::SetAttr", "prim::Enter", "prim::Exit"):
        return False
    itself = next(node.inputs()).debugName() == context.debugName()
    return itself and not any(output.uses() for output in node.outputs())


def _remove(made: Any) -> None:
    """With its constructor, and entering and leaving it."""
    for user in [use.user for use in made.output().uses()]:
        user.destroy()
    made.destroy()


def _where(module: torch.jit.ScriptModule, message: str) -> str:
    """The frame of the first node that an instruction of the interpreter, which torch names, is made of: FORK
    of ``prim::fork``."""
    refused = _REFUSED.search(message)
    if refused is None:
        return ""
    name = _plain(refused[1])
    nodes = (node for node in graph.nodes_of(module) if _plain(node.kind().partition("::")[2]) == name)
    # Entering a context has no line of its own, making it has.
    ranges = (one.sourceRange() for node in nodes for one in (node, *(v.node() for v in node.inputs())))
    frame = next((frame for one in ranges if (frame := graph.frame_of(one))), None)
    return "" if frame is None else f'File "{frame[0]}", line {frame[1]}'


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
