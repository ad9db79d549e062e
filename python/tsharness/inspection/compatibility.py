"""Who can read the file, and who has its operators."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tsharness.artifact.code import Function, OperatorCall, unparse
from tsharness.artifact.mentions import dotted
from tsharness.artifact.script_archive import class_of
from tsharness.findings import finding
from tsharness.inspection.operators import Registry, known_registries, library_of
from tsharness.inspection.subject import Subject
from tsharness.report.model import Finding

NEWEST_FORMAT = 10
"""The newest file format that LibTorch 2.13 reads (caffe2/serialize/versions.h)."""
MOBILE_BYTECODE = range(4, 10)
"""Versions of bytecode that the lite interpreters of LibTorch 1.13.1 and 2.13.0 read
(caffe2/serialize/versions.h of both)."""
_FORMATS = {
    1: "1.0",
    2: "1.4",
    3: "1.6",
    4: "1.6",
    5: "1.7",
    6: "1.10",
    7: "1.11",
    8: "1.11",
    9: "1.12",
    10: "1.13",
}
_CLASS = re.compile(r"__torch__\.torch\.classes\.(\w+)\.(\w+)")
_OWN_CLASSES = ("quantized", "mkldnn", "sparse", "c10d", "dist_c10d", "dist_rpc", "profiling", "rnn", "cudnn")


def readable_since(version: int | None) -> str | None:
    """The first PyTorch that reads a version of the file format, as versions.h has it."""
    return _FORMATS.get(version) if version is not None else None


def file_format(subject: Subject) -> Iterator[Finding]:
    version = subject.archive.version
    if subject.archive.flatbuffer:
        return  # which has no such version
    if version is None:
        yield finding("TS303", "the record version is missing, or is no number")
    elif version > NEWEST_FORMAT:
        yield finding("TS331", f"file format {version}; LibTorch 2.13 reads up to {NEWEST_FORMAT}")


def native_classes(subject: Subject) -> set[tuple[str, str]]:
    """Namespace and name of the classes of native code that types, code or objects name."""
    return {match for text in _types(subject) for match in _CLASS.findall(text)}


def custom_classes(subject: Subject) -> Iterator[Finding]:
    """Classes that a library registered, in the code's types and among the objects."""
    for namespace, name in sorted(native_classes(subject)):
        if namespace in _OWN_CLASSES or subject.libraries:
            continue
        provider = library_of(namespace) or f"the library that registers torch.classes.{namespace}"
        do = f"load {provider} first: --load-library LIB.so; link it into servers with --no-as-needed"
        yield finding("TS333", f"it needs torch.classes.{namespace}.{name}", do=do)


def _types(subject: Subject) -> Iterator[str]:
    for one in subject.archive.code.classes.values():
        yield from one.attributes.values()
    for function in subject.archive.code.functions.values():
        for argument in function.body.args.args:
            if argument.annotation is not None:
                yield unparse(argument.annotation)
        for node in ast.walk(function.body):
            if isinstance(node, ast.Attribute):
                yield dotted(node) or ""
    for value in subject.objects:
        yield class_of(value) or ""


def missing_operators(subject: Subject) -> Iterator[Finding]:
    """All at once, for each runner, with the library that has them."""
    for registry in subject.runners:
        lacking = sorted({call.op for _, call in _every(subject) if not registry.has(call.op)})
        prepacked = [op for op in lacking if op.startswith("prepacked::")]
        if prepacked:
            yield finding("TS335", f"LibTorch {registry.libtorch} lacks {', '.join(prepacked)}")
        others = [op for op in lacking if op not in prepacked]
        if subject.libraries:
            # What the libraries bring is known once they are loaded: the check load says what is left.
            others = [op for op in others if op.startswith("aten::")]
        if others:
            told = ", ".join(f"{op}{since(op)}" for op in others)
            yield finding("TS332", f"LibTorch {registry.libtorch} lacks {told}", do=what_to_do(others))
        yield from _other_arguments(subject, registry)


def _other_arguments(subject: Subject, registry: Registry) -> Iterator[Finding]:
    told = set()
    for function, call in _every(subject):
        keywords = [keyword.arg for keyword in call.node.keywords if keyword.arg]
        if call.op in told or not registry.has(call.op):
            continue
        if not registry.takes(call.op, len(call.node.args), keywords):
            told.add(call.op)
            seen = f"LibTorch {registry.libtorch} has no {call.op} with {', '.join(keywords)}"
            do = "export with the PyTorch of the target, or update the target's LibTorch"
            yield subject.found("TS332", seen, function, call.node, do=do)


def since(op: str) -> str:
    """The oldest LibTorch that is known to have it."""
    known = next((one.libtorch for one in known_registries() if one.has(op)), None)
    return f" (LibTorch {known} has it)" if known else ""


def _every(subject: Subject) -> Iterator[tuple[Function, OperatorCall]]:
    """All code is compiled when the file is loaded, whether it is reached or not."""
    return subject.uses(subject.archive.code.functions)


_WITHOUT = {
    "aten::scaled_dot_product_attention": (
        'softmax(q @ k.mT / sqrt(d)) @ v, in transformers attn_implementation="eager"'
    )
}
"""What computes the same of operators that every LibTorch has."""


def what_to_do(ops: list[str]) -> str:
    """About operators that a LibTorch lacks."""
    namespaces = sorted({op.partition("::")[0] for op in ops})
    if namespaces == ["aten"]:
        without = [f"; without {op.partition('::')[2]}: {_WITHOUT[op]}" for op in ops if op in _WITHOUT]
        return f"export with the PyTorch of the target, or update the target's LibTorch{''.join(without)}"
    providers = [library_of(f"{name}::") or f"the library that registers {name}::" for name in namespaces]
    return (
        f"load {'; '.join(providers)}, built for this LibTorch: --load-library LIB.so; "
        "link it into servers with --no-as-needed"
    )


def engine(subject: Subject) -> Iterator[Finding]:
    ops = sorted({call.op for _, call in _every(subject) if call.op.startswith("quantized::")})
    packed = [op for op in ops if re.search(r"conv|linear|prepack|unpack", op)]
    if packed:
        yield finding("TS334", f"{', '.join(packed[:3])}{' and more' if len(packed) > 3 else ''}")


def lowest_libtorch(subject: Subject) -> str | None:
    """The oldest of the known LibTorches that has every operator as it is used; ``None`` if none has."""
    calls = list(_every(subject))
    for registry in known_registries():
        keywords = ([k.arg for k in call.node.keywords if k.arg] for _, call in calls)
        if all(
            registry.has(call.op) and registry.takes(call.op, len(call.node.args), names)
            for (_, call), names in zip(calls, keywords, strict=True)
        ):
            return registry.libtorch
    return None


def bytecode(subject: Subject) -> Iterator[Finding]:
    held = subject.archive.bytecode
    if held is not None and held.version is not None and held.version not in MOBILE_BYTECODE:
        low, high = MOBILE_BYTECODE[0], MOBILE_BYTECODE[-1]
        names = " and ".join(one.libtorch for one in known_registries())
        seen = f"bytecode of version {held.version}; the mobile runtimes of {names} read {low} to {high}"
        yield finding("TS338", seen)
    if held is not None and subject.archive.code.functions:
        yield finding("TS336", f"it holds bytecode of version {held.version} beside its code")
    elif held is not None:
        yield finding("TS304", f"it holds bytecode of version {held.version} and no code")
    elif subject.archive.path.suffix == ".ptl":
        yield finding("TS337", "its name says that it is for the lite interpreter, but it holds no bytecode")
