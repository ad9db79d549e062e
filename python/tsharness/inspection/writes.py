"""Which of their arguments functions write to, under whatever name: in place, in containers, by attributes.
Each function is looked at once; its calls take over what was found of the callee."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tsharness.artifact.code import Code, Function, unparse
from tsharness.artifact.mentions import dotted
from tsharness.inspection import aliases
from tsharness.inspection.aliases import FRESH, ITEM, NOTHING, Label, Value, joined
from tsharness.inspection.summaries import Summary, Write

_MOST_ROUNDS = 4  # through a loop, until what is carried from turn to turn is known
_DEEPEST = 100  # expressions within each other that are followed
_ENTERED = ("__enter__", "__exit__")


class Writes:
    """Of all functions that these may call."""

    def __init__(self, code: Code, names: Iterable[str], *, training: bool) -> None:
        """``training``: whether a module of the archive is in training mode; if none is, what stands under
        ``if self.training`` does not run."""
        self._code = code
        self.training = training
        self._summaries: dict[str, Summary] = {}
        entered = [name for name, f in code.functions.items() if f.method in _ENTERED]
        for name in (*entered, *names):
            for callee in self._callees_first(name):
                self._summaries[callee] = _Reader(code, code.functions[callee], self).read()

    def of(self, name: str) -> Summary:
        """What was found; nothing yet of a function that calls itself, which TorchScript has not."""
        return self._summaries.get(name) or Summary()

    def _callees_first(self, root: str) -> Iterator[str]:
        seen: set[str] = set()
        open_ = [(root, False)]
        while open_:
            name, done = open_.pop()
            if done:
                yield name
            elif name not in seen and name not in self._summaries and name in self._code.functions:
                seen.add(name)
                open_.append((name, True))
                open_ += [(site.function, False) for site in self._code.functions[name].calls]


class _Reader:
    """One function, statement by statement."""

    def __init__(self, code: Code, function: Function, known: Writes) -> None:
        self._code = code
        self._function = function
        self._known = known
        self._sites: dict[int, list[str]] = {}
        for site in function.calls:
            self._sites.setdefault(id(site.node), []).append(site.function)
        self._operators = {id(call.node): call.op for call in function.operators}
        self._names: dict[str, Value] = {}
        self._flags: set[str] = set()
        self._found = Summary()
        for position, argument in enumerate(function.body.args.args):
            type_ = unparse(argument.annotation)
            self._names[argument.arg] = Value(frozenset({(position, "")}), type=type_)
        self._results: list[Value] = []

    def read(self) -> Summary:
        loops = any(isinstance(node, (ast.For, ast.While)) for node in ast.walk(self._function.body))
        for _ in range(_MOST_ROUNDS if loops else 1):
            before = dict(self._names)
            self._block(self._function.body.body)
            if before == self._names:
                break
        self._found.result = joined(self._results) if self._results else FRESH
        return self._found

    def _block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            value = self._value(node.value)
            for target in node.targets:
                self._assign(target, value, node)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node.target, self._value(node.value), node)
        elif isinstance(node, ast.AugAssign):
            self._write(self._value(node.target), node)
        elif isinstance(node, ast.Return) and node.value is not None:
            self._results.append(self._value(node.value))
        elif isinstance(node, ast.Expr):
            self._value(node.value)
        elif isinstance(node, ast.For):
            self._assign(node.target, self._value(node.iter).element(), node)
            self._block([*node.body, *node.orelse])
        elif isinstance(node, ast.If):
            self._value(node.test)
            runs = self._known.training or not self._is_training(node.test)
            self._block([*(node.body if runs else ()), *node.orelse])
        elif isinstance(node, ast.While):
            self._value(node.test)
            self._block(node.body)
        elif isinstance(node, ast.With):
            self._with(node)
        elif isinstance(node, ast.FunctionDef):  # what is forked
            outer, self._results = self._results, []
            self._block(node.body)
            self._names[node.name] = joined(self._results) if self._results else FRESH
            self._results = outer

    def _is_training(self, test: ast.expr) -> bool:
        return (isinstance(test, ast.Attribute) and test.attr == "training") or (
            isinstance(test, ast.Name) and test.id in self._flags
        )

    def _with(self, node: ast.With) -> None:
        for item in node.items:
            value = self._value(item.context_expr)
            for method in _ENTERED:
                name = f"{value.type}.{method}"
                if name in self._code.functions:
                    self._called(name, [value])
        self._block(node.body)

    def _assign(self, target: ast.expr, value: Value, node: ast.stmt) -> None:
        if isinstance(target, ast.Name):
            before = self._names.get(target.id)
            self._names[target.id] = value if before is None else joined((before, value))
            source = node.value if isinstance(node, ast.Assign) else None
            if isinstance(source, ast.Attribute) and source.attr == "training":
                self._flags.add(target.id)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for index, item in enumerate(target.elts):
                self._assign(item, value.element(index), node)
        elif isinstance(target, (ast.Attribute, ast.Subscript)):
            attribute = getattr(target, "attr", "")
            self._write(self._value(target.value), node, attribute=attribute)
            self._store(target.value, value.all, attribute or ITEM)

    def _write(self, to: Value, node: ast.AST, op: str = "", attribute: str = "") -> None:
        if to.own:
            self._found.note(Write(to.own, self._function, node, op, attribute))

    def _store(self, owner: ast.expr, labels: frozenset[Label], name: str = ITEM) -> None:
        """What a name holds from here on; and an argument, for whoever calls."""
        if not isinstance(owner, ast.Name) or not labels:
            return
        value = self._names.get(owner.id, FRESH)
        self._names[owner.id] = value.holding(labels, name)
        for position, within in value.own:
            self._found.store((position, within or name), labels)

    def _value(self, node: ast.expr, depth: int = 0) -> Value:
        if depth > _DEEPEST:
            return FRESH
        if isinstance(node, ast.Name):
            return self._names.get(node.id, FRESH)
        if isinstance(node, ast.Attribute):
            return self._attribute(self._value(node.value, depth + 1), node.attr)
        if isinstance(node, ast.Subscript):
            index = node.slice.value if isinstance(node.slice, ast.Constant) else None
            return self._value(node.value, depth + 1).element(index)
        if isinstance(node, ast.Tuple):
            return aliases.tuple_of([self._value(one, depth + 1) for one in node.elts])
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        return self._literal(node, depth)

    def _literal(self, node: ast.expr, depth: int) -> Value:
        parts = [
            self._value(one, depth + 1) for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)
        ]
        if isinstance(node, (ast.List, ast.Dict, ast.ListComp, ast.DictComp)):
            kind = "Dict[]" if isinstance(node, (ast.Dict, ast.DictComp)) else "List[]"
            return Value(inside=NOTHING.union(*(one.all for one in parts)), type=kind)
        return joined(parts[1:]) if isinstance(node, ast.IfExp) else FRESH

    def _attribute(self, owner: Value, name: str) -> Value:
        class_ = self._code.classes.get(owner.type)
        return Value(owner.held(name), type=class_.attributes.get(name, "") if class_ else "")

    def _call(self, node: ast.Call, depth: int) -> Value:
        given = [self._value(one, depth + 1) for one in node.args]
        named = {k.arg: self._value(k.value, depth + 1) for k in node.keywords if k.arg is not None}
        path = dotted(node.func) or ""
        op = self._operators.get(id(node))
        if op in ("prim::fork", "prim::awaitable"):
            called = [self._called(name, given[1:]) for name in self._sites.get(id(node), ())]
            return joined([*called, *given[:1]])
        if op is not None:
            return self._operator(node, op, given, named)
        if path.endswith(".__new__"):
            return Value(type=path.removesuffix(".__new__"))
        if path in ("annotate", "uninitialized", "unchecked_cast"):
            return given[-1] if len(given) > 1 else FRESH
        if path == "getattr" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            return self._attribute(given[0], str(node.args[1].value))
        return self._function_called(node, given, named, depth)

    def _function_called(
        self, node: ast.Call, given: list[Value], named: Mapping[str, Value], depth: int
    ) -> Value:
        results = []
        for name in self._sites.get(id(node), ()):
            parameters = self._code.functions[name].parameters
            nodes, values = list(node.args), given
            if isinstance(node.func, ast.Attribute) and parameters[:1] == ("self",):
                receiver = node.func.value
                nodes, values = [receiver, *nodes], [self._value(receiver, depth + 1), *given]
            values = values + [named.get(one, FRESH) for one in parameters[len(values) :]]
            results.append(self._called(name, values, nodes))
        return joined(results) if results else FRESH

    def _called(self, name: str, values: list[Value], nodes: Iterable[ast.expr] = ()) -> Value:
        """Takes over what is known of another function."""
        known = self._known.of(name).called_with(values)
        for write in known.writes.values():
            self._found.note(write)
        argument_nodes = list(nodes)
        for (position, within), labels in known.stores.items():
            if position < len(argument_nodes):
                self._store(argument_nodes[position], labels, within)
        returned = unparse(self._code.functions[name].body.returns)
        return replace(known.result, type=aliases.without_optional(returned))

    def _operator(self, node: ast.Call, op: str, given: list[Value], named: Mapping[str, Value]) -> Value:
        arguments: dict[int | str, Value] = dict(enumerate(given))
        arguments.update(named)
        held = NOTHING.union(*(one.all for one in given[1:]))
        for place in aliases.written_places(op, arguments):
            self._write(arguments[place], node, op)
            if place == 0 and held:
                self._store_into_container(node.args[0], held)
        return aliases.operator_result(op, arguments)

    def _store_into_container(self, target: ast.expr, held: frozenset[Label]) -> None:
        if isinstance(target, ast.Name) and self._names.get(target.id, FRESH).type.startswith(
            ("List", "Dict")
        ):
            self._store(target, held)
