"""Operators that can hurt, and from which method they are reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tsharness.findings import finding
from tsharness.inspection.compatibility import native_classes
from tsharness.inspection.operators import DANGEROUS, kind_of_operator
from tsharness.inspection.subject import Subject
from tsharness.inspection.unpickling import outsiders
from tsharness.report.model import Finding

_TALKING = ("c10d", "dist_")
"""Namespaces of classes that open connections."""


def dangers(subject: Subject) -> Iterator[Finding]:
    """What runs while the file is loaded comes first, then what a call may reach, then all other code: an
    interface or an attribute may lead there unseen."""
    told: set[tuple[str, str]] = set()
    rest = dict.fromkeys(subject.archive.code.functions)
    groups: list[tuple[str, Mapping[str, str | None]]] = [
        ("while the file is loaded", subject.loaded),
        ("when it is called", subject.called),
        ("if something calls it", rest),
    ]
    for when, functions in groups:
        for function, call in subject.uses(functions):
            kind = kind_of_operator(call.op)
            if kind not in DANGEROUS or (function.name, call.op) in told or _allowed(subject, call.op, kind):
                continue
            told.add((function.name, call.op))
            way = " > ".join(one.short_name for one in subject.way_to(function.name, functions))
            seen = f"{call.op} runs {when}: {way}: {subject.text(function, call.node)}"
            yield subject.found(DANGEROUS[kind], seen, function, call.node, op=call.op)
    yield from _in_bytecode(subject, told)
    for namespace, name in sorted(native_classes(subject)):
        if namespace.startswith(_TALKING) and f"torch.classes.{namespace}.{name}" not in subject.allow_ops:
            op = f"torch.classes.{namespace}.{name}"
            yield finding("TS362", f"it uses {op}, which talks to other processes", op=op)
    archive = subject.archive
    pickles = {"data.pkl": archive.data, "constants.pkl": archive.constants, **archive.others}
    for name, pickle in pickles.items():
        yield from outsiders(name, pickle)


def _in_bytecode(subject: Subject, told: set[tuple[str, str]]) -> Iterator[Finding]:
    """What the lite interpreter would run and the code does not say."""
    functions = subject.archive.bytecode.operators if subject.archive.bytecode else {}
    for function, operators in functions.items():
        for op in dict.fromkeys(operators):
            kind = kind_of_operator(op)
            if kind in DANGEROUS and (function, op) not in told and not _allowed(subject, op, kind):
                yield finding(DANGEROUS[kind], f"{op} stands in the bytecode of {function}", op=op)


def _allowed(subject: Subject, op: str, kind: str) -> bool:
    return op in subject.allow_ops or (kind == "unknown" and subject.libraries)
