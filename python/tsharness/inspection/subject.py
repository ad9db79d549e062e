"""The archive that the rules look at, with what several of them ask for."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tsharness.artifact.code import Function, OperatorCall, unparse
from tsharness.artifact.kind import Kind
from tsharness.artifact.script_archive import ScriptArchive, attributes_of, class_of
from tsharness.artifact.storages import Storage, storages
from tsharness.findings import finding
from tsharness.inspection.operators import Registry
from tsharness.report.model import Finding

if TYPE_CHECKING:
    from tsharness.inspection.writes import Writes


@dataclass
class Subject:
    """One archive."""

    kind: Kind
    archive: ScriptArchive
    traced: Mapping[str, list[Any]] = field(default_factory=dict)
    """Example inputs that a trace has kept, by method."""
    runners: tuple[Registry, ...] = ()
    """Where it is to run."""
    allow_ops: frozenset[str] = frozenset()
    """Dangerous operators that were allowed."""
    libraries: bool = False
    """Whether libraries of custom operators will be loaded."""
    weights: Mapping[str, bytes] = field(default_factory=dict)
    """Samples of the records of weights, by name."""

    @cached_property
    def roots(self) -> list[str]:
        """The saved module's methods: any of them may be called."""
        return [f.name for f in self.archive.code.functions.values() if f.owner == self.archive.root]

    @cached_property
    def called(self) -> dict[str, str | None]:
        """Functions that may run when a method is called, with their callers."""
        public = [name for name in self.roots if not name.endswith((".__getstate__", ".__setstate__"))]
        return self.archive.code.reachable(public)

    @cached_property
    def loaded(self) -> dict[str, str | None]:
        """Functions that run while the file is loaded: objects restore themselves."""
        flatbuffer = self.archive.flatbuffer
        classes = {*map(class_of, self.objects), *(flatbuffer.object_types if flatbuffer else ())}
        return self.archive.code.reachable(f"{name}.__setstate__" for name in sorted(filter(None, classes)))

    @cached_property
    def writes(self) -> Writes:
        """What the functions write to that run when a method is called."""
        # Only inspect asks: the gate, before every run, need not load what follows aliases.
        from tsharness.inspection.writes import Writes

        training = any(attributes_of(one).get("training") is True for _, one in self.archive.modules())
        return Writes(self.archive.code, self.called, training=training)

    def uses(self, functions: Iterable[str] | None = None) -> Iterator[tuple[Function, OperatorCall]]:
        """Calls of operators in these functions; by default in all that may run when it is called."""
        for name in self.called if functions is None else functions:
            function = self.archive.code.functions[name]
            for call in function.operators:
                yield function, call

    def where(self, function: Function, node: ast.AST) -> str:
        """The user's own line if the archive keeps it, else the line of its code."""
        line, offset = function.position(node)
        source = self.archive.source(function.record, offset)
        return str(source) if source else f"{function.record}:{line}"

    def text(self, function: Function, node: ast.AST) -> str:
        """The source text of that line, for showing; else the code as the archive has it."""
        source = self.archive.source(function.record, function.position(node)[1])
        return source.text if source and source.text else unparse(node)[:120]

    def found(self, code: str, seen: str, function: Function, node: ast.AST, **facts: Any) -> Finding:
        """A finding at a place in the code."""
        return finding(code, seen, where=self.where(function, node), **facts)

    def nodes(self) -> Iterator[tuple[Function, ast.AST]]:
        """All code that may run when it is called."""
        for name in self.called:
            function = self.archive.code.functions[name]
            for node in ast.walk(function.body):
                yield function, node

    def way_to(self, name: str, callers: Mapping[str, str | None]) -> list[Function]:
        """The functions through which it is reached, the first one called first."""
        way = [name]
        while (caller := callers.get(way[-1])) is not None:
            way.append(caller)
        return [self.archive.code.functions[one] for one in reversed(way)]

    @cached_property
    def objects(self) -> list[Any]:
        """Everything that the archive's pickles hold."""
        pickles = (self.archive.data, self.archive.constants)
        return [value for pickle in pickles if pickle for value in _objects_in(pickle.value)]

    @cached_property
    def storages(self) -> list[tuple[str, Storage]]:
        """Every storage that the objects name, once, with the folder of its record."""
        found: dict[tuple[str, str], Storage] = {}
        for folder, pickle in (("data", self.archive.data), ("constants", self.archive.constants)):
            for storage in storages(pickle) if pickle else ():
                known = found.setdefault((folder, storage.key), storage)
                if storage.size > known.size:
                    found[folder, storage.key] = storage
        return [(folder, storage) for (folder, _), storage in found.items()]


def _objects_in(value: Any) -> Iterator[Any]:
    """Everything in a tree of a pickle, each object once."""
    seen: set[int] = set()
    open_ = [value]
    while open_:
        item = open_.pop()
        if isinstance(item, (str, int, float, bool, bytes, type(None))) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        if isinstance(item, dict):
            open_ += item.values()
        elif isinstance(item, (list, tuple)):
            open_ += item
        else:
            open_ += [getattr(item, name) for name in ("arguments", "state") if hasattr(item, name)]


def constant(node: ast.expr | None) -> Any:
    """The value of a literal, ``None`` for anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = constant(node.operand)
        return -value if isinstance(value, (int, float)) else None
    return node.value if isinstance(node, ast.Constant) else None
