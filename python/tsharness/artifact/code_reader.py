"""From the records of an archive to its classes and functions. What is not understood is an error."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping

from tsharness.artifact.calls import Calls
from tsharness.artifact.code import Class, Code, CodeError, Function, OperatorCall, unparse
from tsharness.artifact.grammar import misfit_of_class, misfit_of_function
from tsharness.artifact.lexical import for_python, lines_of, restore_names
from tsharness.artifact.mentions import operators_of

_MOST_CODE = 64_000_000  # bytes; the largest real archives have some five million


def parse_code(records: Mapping[str, bytes]) -> Code:
    """``records``: the ``code/**/*.py`` of an archive, by name. Raises CodeError."""
    total = sum(map(len, records.values()))
    if total > _MOST_CODE:
        raise CodeError(f"{total} bytes of code; more than {_MOST_CODE} are not read")
    code = Code()
    for name, data in records.items():
        _Reader(code, name, data).read()
    for function in code.functions.values():
        Calls(code, function).read()
    return code


class _Reader:
    """One record: its classes and functions, each parsed by itself, so that memory stays small."""

    def __init__(self, code: Code, record: str, data: bytes) -> None:
        self._code = code
        self._record = record
        self._module = record.removeprefix("code/").removesuffix(".py").replace("/", ".")
        try:
            self._lines, self._meant = for_python(lines_of(data))
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
        parsed = _parsed(text.whole, self._record)
        restore_names(parsed, self._meant)
        for node in parsed.body:
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
        before = self._code.functions.get(name)
        # A hook stands in its class, and in a record called like the class: whichever is read, it is this.
        if before is not None and ast.dump(before.body) != ast.dump(node):
            raise CodeError(f"{self._record} defines {name} a second time, in another way")
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
