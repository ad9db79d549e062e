"""What keeps an archive from being loaded: LibTorch resolves every name and every type of the code of a class
when it restores the first object of it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from tsharness.artifact.code import REFERENCE, Class, Function
from tsharness.artifact.mentions import dotted
from tsharness.artifact.script_archive import class_of
from tsharness.findings import finding
from tsharness.inspection.branch_types import mismatches
from tsharness.inspection.subject import Subject
from tsharness.report.model import Finding

_NATIVE = "__torch__.torch.classes."
_KNOWN = frozenset(
    (
        *dir(builtins),
        *("torch", "ops", "CONSTANTS", "__torch__", "inf", "nan", "infj", "nanj", "self"),
        *("annotate", "unchecked_cast", "uninitialized", "fork", "awaitable", "rangelist", "Exception"),
        *(
            "Tensor",
            "List",
            "Dict",
            "Tuple",
            "Optional",
            "Union",
            "Future",
            "Await",
            "RRef",
            "NoneType",
            "Any",
        ),
        *("number", "Number", "Scalar", "Device", "Generator", "Stream", "Storage", "Layout", "ScalarType"),
        *("MemoryFormat", "QScheme", "Capsule", "AnyList", "AnyTuple", "AnyClass", "PyObject", "SymInt"),
        *("InferenceMode", "Set", "Final", "Enum", "Module", "Interface", "ModuleInterface", "NamedTuple"),
    )
)
"""Names that LibTorch's compiler knows without a definition."""


def cannot_load(subject: Subject) -> Iterator[Finding]:
    """Code that LibTorch will not compile: a class without code, names that nothing defines, variables of
    two types. Of a file for the lite interpreter, which compiles nothing, there is nothing to say."""
    archive = subject.archive
    if archive.data is None or archive.bytecode is not None or archive.problems:
        return
    needed = _Needed(subject)
    for name, function in needed.missing.items():
        where = subject.where(function, function.body) if function else None
        user = f"{function.short_name} names {name}" if function else f"its objects are of {name}"
        yield finding("TS381", f"{user}, whose code is not in the archive", where=where, name=name)
    for function in needed.functions:
        for node in _unknown_names(function):
            seen = f"nothing defines {node.id} in {function.short_name}: `{subject.text(function, node)}`"
            yield subject.found("TS383", seen, function, node)
        for found in mismatches(subject.archive.code, function):
            seen = f"{found.name} in {function.short_name} is a {found.first}, or else a {found.second}"
            yield subject.found("TS382", seen, function, found.node)


class _Needed:
    """The code that the objects of an archive need: what their classes name, and so on."""

    def __init__(self, subject: Subject) -> None:
        code = subject.archive.code
        self.functions: list[Function] = []
        self.missing: dict[str, Function | None] = {}
        """What is named and not there, with the function that names it; none if it is an object's class."""
        methods: dict[str, list[Function]] = {}
        for one in code.functions.values():
            methods.setdefault(one.owner, []).append(one)
        classes = {class_of(value) for value in subject.objects}
        open_: list[tuple[str, Function | None]] = [(name, None) for name in sorted(filter(None, classes))]
        seen = {name for name, _ in open_}
        while open_:
            name, user = open_.pop(0)
            if name.startswith(_NATIVE):
                continue
            named: list[tuple[str, Function | None]] = []
            if name in code.classes:
                named += [(one, user) for one in _of_attributes(code.classes[name])]
                named += [(one, f) for f in methods.get(name, ()) for one in self._of(f)]
            elif name in code.functions:
                named += [(one, code.functions[name]) for one in self._of(code.functions[name])]
            elif name.rpartition(".")[0] not in code.classes:  # a method of a class, a value of an enum
                self.missing[name] = user
            for reference, function in named:
                if reference not in seen:
                    seen.add(reference)
                    open_.append((reference, function))

    def _of(self, function: Function) -> list[str]:
        self.functions.append(function)
        found = []
        within: set[int] = set()
        for node in ast.walk(function.body):
            if isinstance(node, ast.Attribute) and id(node) not in within:
                within.update(id(one) for one in ast.walk(node))
                path = dotted(node) or ""
                if path.startswith("__torch__."):
                    found.append(path.removesuffix(".__new__"))
        return found


def _of_attributes(class_: Class) -> list[str]:
    return [name for type_ in class_.attributes.values() for name in REFERENCE.findall(type_)]


def _unknown_names(function: Function) -> Iterator[ast.Name]:
    """Each once."""
    known = set(_KNOWN)
    names: dict[str, ast.Name] = {}
    for node in ast.walk(function.body):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                names.setdefault(node.id, node)
            else:
                known.add(node.id)
        elif isinstance(node, ast.FunctionDef):
            known.add(node.name)
            known.update(argument.arg for argument in (*node.args.args, *node.args.kwonlyargs))
    yield from (node for name, node in names.items() if name not in known)
