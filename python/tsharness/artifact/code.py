"""TorchScript's own code, as an archive holds it: classes, functions, what these call. Parsed, never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tsharness.errors import ArtifactError

REFERENCE = re.compile(r"__torch__(?:\.\w+)+")
"""A class or a function of the archive, where a type names it."""


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


def unparse(node: ast.AST | None) -> str:
    """An expression as text, in one line."""
    return "" if node is None else " ".join(ast.unparse(node).split())
