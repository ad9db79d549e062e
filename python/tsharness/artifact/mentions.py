"""Operators that TorchScript's code mentions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_BUILTINS = {"print": "prim::Print", "fork": "prim::fork", "awaitable": "prim::awaitable"}


def operators_of(body: ast.FunctionDef) -> Iterator[tuple[str, ast.Call]]:
    """Every mention of an operator, called on the spot or not: it may get another name (``f = torch.save``),
    and so may ``torch`` and ``ops`` themselves. The call is made up where there is none."""
    nodes = list(ast.walk(body))
    calls = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
    within = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if id(node) in within or not isinstance(node, (ast.Attribute, ast.Name)):
            continue
        op = _operator(dotted(node) or "")
        if op is not None:
            mention = ast.copy_location(ast.Call(node, [], []), node)
            yield op, calls.get(id(node), mention)


def _operator(path: str) -> str | None:
    """The operator of a name: ``torch.add`` is ``aten::add``, ``ops.ns.name`` is itself. The beginning of a
    name alone gives one that nobody knows."""
    parts = path.split(".")
    if parts[0] == "torch" and path != "torch.device":
        return f"aten::{parts[-1]}" if len(parts) > 1 else "aten::*"  # torch.autograd.grad is aten::grad
    if parts[0] == "ops":
        return f"{parts[1]}::{'.'.join(parts[2:])}" if len(parts) > 2 else f"{'.'.join(parts[1:])}::*"
    return _BUILTINS.get(path)


def dotted(node: ast.AST) -> str | None:
    """ "a.b.c" of a chain of attributes; ``None`` for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])
