"""Variables that get one type in one branch and another in the other. torch.jit.script takes them where they
are declared as a Union; what torch.jit.save writes of them has the declaration no more, sometimes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tsharness.artifact.code import Code, Function, unparse
from tsharness.artifact.mentions import dotted

_FIXED = ("Tensor", "int", "float", "bool", "str", "complex", "List", "Dict", "Tuple")
"""Types that are no other's subtype."""
_BUILTINS = {"int": "int", "float": "float", "bool": "bool", "str": "str", "complex": "complex"}
_CASTS = ("unchecked_cast", "annotate", "uninitialized")


@dataclass(frozen=True)
class Mismatch:
    """A variable with two types."""

    name: str
    first: str
    second: str
    node: ast.AST
    """The branch that gives it the second one."""


def mismatches(code: Code, function: Function) -> Iterator[Mismatch]:
    """Variables that are used after an ``if`` that gives them types that do not go together. Only what is
    certain: types that are written, or that a literal or a function of the archive has."""
    yield from _Types(code, function).mismatches()


class _Types:
    def __init__(self, code: Code, function: Function) -> None:
        self._code = code
        self._function = function
        self._declared = {
            node.target.id
            for node in ast.walk(function.body)
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        self._sites = {id(site.node): site.function for site in function.calls}
        self._types: dict[str, ast.expr | None] = {
            argument.arg: argument.annotation for argument in function.body.args.args
        }
        self._uses: dict[str, int] = {}  # the last line that uses a name
        for node in ast.walk(function.body):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._uses[node.id] = max(self._uses.get(node.id, 0), node.lineno)

    def mismatches(self) -> Iterator[Mismatch]:
        yield from self._block(self._function.body.body)

    def _block(self, statements: list[ast.stmt]) -> Iterator[Mismatch]:
        for node in statements:
            if isinstance(node, ast.Assign):
                self._assign(node.targets[0], node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self._types[node.target.id] = node.annotation
            elif isinstance(node, ast.If):
                yield from self._if(node)
            elif isinstance(node, (ast.For, ast.While, ast.With)):
                yield from self._block(node.body)

    def _if(self, node: ast.If) -> Iterator[Mismatch]:
        before = dict(self._types)
        yield from self._block(node.body)
        first = self._types
        self._types = dict(before)
        yield from self._block(node.orelse)
        second = self._types
        ends = any(isinstance(one, (ast.Raise, ast.Return)) for one in (*node.body[-1:], *node.orelse[-1:]))
        for name in [name for name in first if name in second and not ends and name not in self._declared]:
            one, other = first[name], second[name]
            changed = one is not before.get(name) or other is not before.get(name)
            used = self._uses.get(name, 0) > (node.end_lineno or 0)
            if changed and used and apart(one, other):
                yield Mismatch(name, unparse(one), unparse(other), _assignment(node.orelse, name) or node)
        self._types = {**second, **first}
        for name in set(first) & set(second):
            if first[name] is not second[name]:
                self._types[name] = None  # one of two: nothing is known of it

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._types[target.id] = self._type(value)
        elif isinstance(target, ast.Tuple):
            types = self._items(value, len(target.elts))
            for item, type_ in zip(target.elts, types, strict=True):
                if isinstance(item, ast.Name):
                    self._types[item.id] = type_

    def _items(self, value: ast.expr, count: int) -> list[ast.expr | None]:
        if isinstance(value, ast.Tuple):
            types = [self._type(one) for one in value.elts]
        else:
            types = list(_parameters(self._type(value), "Tuple"))
        return types if len(types) == count else [None] * count

    def _type(self, node: ast.expr) -> ast.expr | None:
        if isinstance(node, ast.Name):
            return self._types.get(node.id)
        if isinstance(node, ast.Constant):
            return _named(type(node.value).__name__) if node.value is not None else _named("NoneType")
        if isinstance(node, ast.Tuple):
            types = [self._type(one) for one in node.elts]
            known = [one for one in types if one is not None]
            return _generic("Tuple", known) if len(known) == len(types) else None
        if isinstance(node, ast.Subscript):
            return self._item(node)
        return self._called(node) if isinstance(node, ast.Call) else None

    def _item(self, node: ast.Subscript) -> ast.expr | None:
        of = self._type(node.value)
        items = _parameters(of, "Tuple")
        if items and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            index = node.slice.value
            return items[index] if -len(items) <= index < len(items) else None
        held = _parameters(of, "List") or _parameters(of, "Dict")
        return held[-1] if held else None

    def _called(self, node: ast.Call) -> ast.expr | None:
        path = dotted(node.func) or ""
        if path in _CASTS and node.args:
            return node.args[0]
        if path in _BUILTINS:
            return _named(_BUILTINS[path])
        callee = self._code.functions.get(self._sites.get(id(node), ""))
        return callee.body.returns if callee else None


def apart(one: ast.expr | None, other: ast.expr | None) -> bool:
    """Whether two types surely do not go together: never sure of what is not one of the fixed ones."""
    first, second = _head(one), _head(other)
    if first not in _FIXED or second not in _FIXED:
        return False
    if first != second:
        return True
    mine, others = _parameters(one, first), _parameters(other, second)
    if len(mine) != len(others):
        return first == "Tuple"
    return any(apart(a, b) for a, b in zip(mine, others, strict=True))


def _head(node: ast.expr | None) -> str:
    return unparse(node.value if isinstance(node, ast.Subscript) else node)


def _parameters(node: ast.expr | None, head: str) -> list[ast.expr]:
    if not isinstance(node, ast.Subscript) or unparse(node.value) != head:
        return []
    return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]


def _named(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _generic(name: str, parameters: list[ast.expr]) -> ast.expr:
    return ast.Subscript(_named(name), ast.Tuple(parameters, ast.Load()), ast.Load())


def _assignment(statements: list[ast.stmt], name: str) -> ast.AST | None:
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
                return statement
    return None
