"""TorchScript's own code, as an archive holds it: classes, functions, what these call. Parsed, never run."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tsharness.artifact.grammar import misfit_of_class, misfit_of_function
from tsharness.artifact.lexical import lines_of
from tsharness.artifact.mentions import dotted, operators_of
from tsharness.errors import ArtifactError

_MOST_CODE = 64_000_000  # bytes; the largest real archives have some five million


class CodeError(ArtifactError):
    """Code that is not TorchScript's."""


@dataclass(frozen=True)
class OperatorCall:
    """A call of an operator in the code."""

    op: str
    """ "aten::add"."""
    node: ast.Call
    offset: int
    """Byte of the record at which it stands: what the debug information goes by."""
    line: int
    """Of the record, from 1."""

    def argument(self, position: int, name: str) -> ast.expr | None:
        """An argument by its place or its name."""
        for keyword in self.node.keywords:
            if keyword.arg == name:
                return keyword.value
        return self.node.args[position] if position < len(self.node.args) else None


@dataclass(frozen=True)
class CallSite:
    """A call of a function of the archive."""

    function: str
    node: ast.Call


@dataclass
class Function:
    """A method or a function."""

    name: str
    """ "__torch__.M.forward"."""
    record: str
    """ "code/__torch__.py"."""
    parameters: tuple[str, ...]
    body: ast.FunctionDef
    operators: list[OperatorCall] = field(default_factory=list)
    calls: list[CallSite] = field(default_factory=list)
    sets: list[tuple[str, ast.AST]] = field(default_factory=list)
    """Attributes of objects that it sets, by name."""
    starts: tuple[int, ...] = (0,)
    """Byte of the record at which each line of what was parsed with it begins."""
    first_line: int = 0
    """Lines of the record before that."""

    def position(self, node: ast.AST) -> tuple[int, int]:
        """Line of the record (from 1), and byte, at which a node of the body begins."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        return line + self.first_line, self.starts[line - 1] + column

    @property
    def short_name(self) -> str:
        """ "M.forward" of "__torch__.package.M.forward"."""
        return ".".join(self.name.removeprefix("__torch__.").split(".")[-2:])

    @property
    def owner(self) -> str:
        """The class, or module, that it belongs to."""
        return self.name.rpartition(".")[0]

    @property
    def method(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass
class Class:
    """A class of modules, or another."""

    name: str
    record: str
    base: str
    """ "Module", "NamedTuple", "Enum", ...; empty for a plain class."""
    attributes: dict[str, str] = field(default_factory=dict)
    """Types, in TorchScript's notation, by name."""


@dataclass
class Code:
    """All code of an archive."""

    classes: dict[str, Class] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)

    def reachable(self, roots: Iterable[str]) -> dict[str, str | None]:
        """Every function that may run from these, with the one that calls it first (``None`` for a root)."""
        found: dict[str, str | None] = {name: None for name in roots if name in self.functions}
        open_ = list(found)
        while open_:
            caller = open_.pop(0)
            for site in self.functions[caller].calls:
                if site.function in self.functions and site.function not in found:
                    found[site.function] = caller
                    open_.append(site.function)
        return found


def parse_code(records: Mapping[str, bytes]) -> Code:
    """``records``: the ``code/**/*.py`` of an archive, by name. Raises CodeError."""
    total = sum(map(len, records.values()))
    if total > _MOST_CODE:
        raise CodeError(f"{total} bytes of code; more than {_MOST_CODE} are not read")
    code = Code()
    for name, data in records.items():
        _Reader(code, name, data).read()
    for function in code.functions.values():
        _Body(code, function).read()
    return code


def unparse(node: ast.AST | None) -> str:
    """An expression as text, in one line."""
    return "" if node is None else " ".join(ast.unparse(node).split())


class _Reader:
    """One record: its classes and functions, each parsed by itself, so that memory stays small."""

    def __init__(self, code: Code, record: str, data: bytes) -> None:
        self._code = code
        self._record = record
        self._module = record.removeprefix("code/").removesuffix(".py").replace("/", ".")
        try:
            self._lines = lines_of(data)
        except UnicodeDecodeError as error:
            raise CodeError(f"{record} is no text: {error}") from None
        except ValueError as error:
            raise CodeError(f"{record}: {error}") from None

    def read(self) -> None:
        lines = self._lines
        starts = [i for i, line in enumerate(lines) if line[0] not in " \n#)"]
        before = lines[: starts[0]] if starts else lines
        for number, line in enumerate(before, 1):
            if line.strip() and not line.lstrip().startswith("#"):
                raise CodeError(f"{self._record}: line {number} is indented, and stands in nothing")
        offset = len("".join(before).encode())
        for begin, end in itertools.pairwise([*starts, len(lines)]):
            text = _Text(lines[begin:end], begin, offset)
            self._top_level(text)
            offset = text.starts[-1]

    def _top_level(self, text: _Text) -> None:
        for node in _parsed(text.whole, self._record).body:
            if isinstance(node, ast.ClassDef):
                self._class(node, text)
            elif isinstance(node, ast.FunctionDef):
                self._function(node, self._module, text)
            elif not _is_head(node):
                raise self._not_understood(node, text)

    def _class(self, node: ast.ClassDef, text: _Text) -> None:
        misfit = misfit_of_class(node)
        if misfit is not None:
            raise self._not_understood(misfit, text, f" in the body of the class {node.name}")
        name = f"{self._module}.{node.name}"
        found = Class(name, self._record, unparse(node.bases[0]) if node.bases else "")
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                found.attributes[item.target.id] = unparse(item.annotation)
            elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Subscript):
                key = item.targets[0].slice  # __annotations__["0"] = ...
                if isinstance(key, ast.Constant):
                    found.attributes[str(key.value)] = unparse(item.value)
            elif isinstance(item, ast.FunctionDef):
                self._function(item, name, text)
        if name in self._code.classes:
            raise CodeError(f"{self._record} defines {name} a second time")
        self._code.classes[name] = found

    def _function(self, node: ast.FunctionDef, owner: str, text: _Text) -> None:
        misfit = misfit_of_function(node)
        if misfit is not None:
            raise self._not_understood(misfit, text, f" in {node.name}")
        parameters = tuple(argument.arg for argument in node.args.args)
        name = f"{owner}.{node.name}"
        found = Function(name, self._record, parameters, node, starts=text.starts, first_line=text.first_line)
        for op, call in operators_of(node):
            at, byte = found.position(call)
            found.operators.append(OperatorCall(op, call, byte, at))
        found.operators.sort(key=lambda call: call.offset)
        if name in self._code.functions:
            raise CodeError(f"{self._record} defines {name} a second time")
        self._code.functions[name] = found

    def _not_understood(self, node: ast.AST, text: _Text, where: str = "") -> CodeError:
        line = getattr(node, "lineno", 1) + text.first_line
        what = unparse(node)[:60] or type(node).__name__
        return CodeError(f"{self._record}: line {line}{where} is not what torch writes: {what!r}")


class _Text:
    """A top-level statement's lines, and where they lie in the record."""

    def __init__(self, lines: list[str], first_line: int, offset: int) -> None:
        self.whole = "".join(lines)
        self.first_line = first_line
        self.starts = tuple(itertools.accumulate((len(line.encode()) for line in lines), initial=offset))


def _is_head(node: ast.stmt) -> bool:
    """Whether it is what torch writes before classes and functions: a version, imports of other records."""
    if isinstance(node, ast.Import):
        return all(alias.asname is None for alias in node.names)
    return (
        isinstance(node, ast.Assign)
        and [unparse(target) for target in node.targets] == ["op_version_set"]
        and isinstance(node.value, ast.Constant)
    )


def _parsed(chunk: str, record: str) -> ast.Module:
    try:
        return ast.parse(chunk)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CodeError(f"{record} cannot be parsed: {error}") from None


class _Body:
    """What one function calls and sets, with the types of its objects followed through the classes."""

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
        if isinstance(target, ast.Attribute):
            self._function.sets.append((target.attr, node))
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
