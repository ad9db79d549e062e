"""What serialized TorchScript consists of. Anything else is not understood, and refused."""

from __future__ import annotations

import ast

from tsharness.artifact.mentions import dotted

_STATEMENTS = (
    *(ast.Return, ast.Delete, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.While, ast.If),
    *(ast.With, ast.Raise, ast.Assert, ast.Expr, ast.Pass, ast.Break, ast.Continue, ast.FunctionDef),
)
_EXPRESSIONS = (
    *(ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Dict, ast.ListComp, ast.DictComp, ast.Compare),
    *(
        ast.Call,
        ast.Constant,
        ast.Attribute,
        ast.Subscript,
        ast.Starred,
        ast.Name,
        ast.List,
        ast.Tuple,
        ast.Slice,
    ),
)
_PARTS = (
    *(ast.arguments, ast.arg, ast.keyword, ast.withitem, ast.comprehension),
    *(ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop),
)
_ALLOWED = _STATEMENTS + _EXPRESSIONS + _PARTS
_MAKES = {"annotate", "float", "complex", "torch.device"}
"""Calls that stand for values."""
_TYPES = (ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Constant, ast.expr_context)


def misfit_of_function(node: ast.FunctionDef) -> ast.AST | None:
    """What in a function serialized code never has; ``None`` if there is nothing."""
    arguments = node.args
    for item in ast.walk(node):
        if not isinstance(item, _ALLOWED):
            return item
        if isinstance(item, ast.FunctionDef) and item.decorator_list:
            return item.decorator_list[0]
    if arguments.posonlyargs or arguments.vararg or arguments.kwarg:
        return node
    defaults = [one for one in (*arguments.defaults, *arguments.kw_defaults) if one is not None]
    return next((one for one in defaults if not _is_literal(one)), None)


def misfit_of_class(node: ast.ClassDef) -> ast.AST | None:
    """What beside its methods in a class torch never writes there: LibTorch evaluates it while it loads."""
    heads = [*node.bases, *node.decorator_list, *node.keywords]
    if len(node.bases) > 1 or len(heads) > len(node.bases) or not all(map(is_type, node.bases)):
        return heads[-1]
    return next((item for item in node.body if not _is_member(item)), None)


def is_type(node: ast.AST) -> bool:
    """Whether it is the name of a type, and nothing that could be evaluated."""
    return all(isinstance(item, _TYPES) for item in ast.walk(node)) and not _names_operators(node)


def _is_member(item: ast.stmt) -> bool:
    if isinstance(item, (ast.FunctionDef, ast.Pass)):
        return True
    if isinstance(item, ast.AnnAssign):
        value = item.value is None or _is_literal(item.value)
        return isinstance(item.target, ast.Name) and is_type(item.annotation) and value
    if not isinstance(item, ast.Assign) or len(item.targets) != 1:
        return False
    target = item.targets[0]
    if isinstance(target, ast.Name):
        return _is_literal(item.value)
    return (
        isinstance(target, ast.Subscript)
        and isinstance(target.value, ast.Name)
        and target.value.id == "__annotations__"
        and isinstance(target.slice, ast.Constant)
        and is_type(item.value)
    )


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and _is_literal(node.operand)
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(map(_is_literal, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _is_literal(key) for key in node.keys) and all(
            map(_is_literal, node.values)
        )
    if isinstance(node, ast.Call):
        called = dotted(node.func) in _MAKES and not node.keywords
        return called and all(_is_literal(one) or is_type(one) for one in node.args)
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "CONSTANTS"
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.Name) and node.id in ("inf", "nan", "infj", "nanj")
    )


def _names_operators(node: ast.AST) -> bool:
    return any(isinstance(item, ast.Name) and item.id in ("torch", "ops") for item in ast.walk(node))
