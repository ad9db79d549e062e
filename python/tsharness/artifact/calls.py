"""Which functions of an archive a function calls, by the types of its objects."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tsharness.artifact.code import CallSite, Code, Function, unparse
from tsharness.artifact.mentions import dotted


class Calls:
    """What one function calls."""

    def __init__(self, code: Code, function: Function) -> None:
        self._code = code
        self._function = function
        self._types: dict[str, str] = {}
        for argument in function.body.args.args:
            if argument.annotation is not None:
                self._types[argument.arg] = unparse(argument.annotation)
        self._functions: dict[str, str] = {}

    def read(self) -> None:
        for node in ast.walk(self._function.body):
            if isinstance(node, ast.Assign):
                self._assign(node)
        for node in ast.walk(self._function.body):
            if isinstance(node, ast.Call):
                self._function.calls += [CallSite(name, node) for name in self._called(node)]

    def _assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        if not isinstance(target, ast.Name):
            return
        path = dotted(node.value)
        if path is not None and path in self._code.functions:
            self._functions[target.id] = path
        type_ = self._type(node.value)
        if type_ is not None:
            self._types[target.id] = type_

    def _type(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return self._types.get(node.id)
        if isinstance(node, ast.Attribute):
            return self._attribute(node.value, node.attr)
        if isinstance(node, ast.Call) and dotted(node.func) == "getattr" and len(node.args) == 2:
            name = node.args[1]
            return self._attribute(node.args[0], str(name.value)) if isinstance(name, ast.Constant) else None
        return None

    def _attribute(self, owner: ast.expr, name: str) -> str | None:
        found = self._code.classes.get(self._type(owner) or "")
        return found.attributes.get(name) if found else None

    def _called(self, node: ast.Call) -> Iterator[str]:
        path = dotted(node.func)
        if path in self._functions:
            yield self._functions[str(path)]
        elif path in self._code.functions:
            yield str(path)
        elif isinstance(node.func, ast.Attribute):
            yield from self._method(node.func)
        if path in ("fork", "awaitable") and node.args:
            # What runs beside is called all the same.
            name = dotted(node.args[0])
            yield from [name] if name in self._code.functions else []

    def _method(self, node: ast.Attribute) -> Iterator[str]:
        type_ = self._type(node.value)
        exact = f"{type_}.{node.attr}"
        if exact in self._code.functions:
            yield exact
        elif type_ is None or (type_ in self._code.classes and "Interface" in self._code.classes[type_].base):
            # Of an interface, or of what is not followed: every method of that name may be meant.
            pattern = re.compile(rf".*\.{re.escape(node.attr)}")
            yield from (name for name in self._code.functions if pattern.fullmatch(name))
