"""What in the code is known to hurt in production (docs/findings/)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tsharness.artifact.code import REFERENCE, Function, OperatorCall, unparse
from tsharness.artifact.mentions import dotted
from tsharness.artifact.script_archive import attributes_of, class_of
from tsharness.artifact.traced_inputs import TracedTensor
from tsharness.findings import finding
from tsharness.inspection.operators import kind_of_operator
from tsharness.inspection.subject import Subject, constant
from tsharness.inspection.summaries import Write
from tsharness.report.model import Finding

_MOST = 5  # findings of one kind: the rest is counted
_MAKERS = (
    "zeros",
    "ones",
    "full",
    "empty",
    "arange",
    "eye",
    "linspace",
    "tensor",
    "scalar_tensor",
    "rand",
    "randn",
    "to",
)
_SHAPERS = ("view", "reshape", "expand", "zeros", "ones", "full", "repeat", "empty", "arange")
_DTYPES = {5: "float16", 6: "float32", 7: "float64", 15: "bfloat16"}
_DROPOUTS = ("dropout", "dropout_", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
_BATCH_NORM_TRAINING = 5  # position of ``training`` in aten::batch_norm
_STATEFUL_LAYERS = re.compile(r"\.(\w*Dropout\w*|\w*BatchNorm\w*|InstanceNorm\w*)$")


def baked_devices(subject: Subject) -> Iterator[Finding]:
    """Literals of devices."""
    for function, node in subject.nodes():
        if isinstance(node, ast.Call) and dotted(node.func) == "torch.device" and node.args:
            seen = f"{constant(node.args[0])} in `{subject.text(function, node)}`"
            yield subject.found("TS341", seen, function, node)


def baked_dtypes(subject: Subject) -> Iterator[Finding]:
    places = [(f, c, d) for f, c in subject.uses() if (d := _dtype(c)) is not None]
    if places:
        function, call, dtype = places[0]
        more = f"; {len(places)} such places" if len(places) > 1 else ""
        seen = f"{dtype} in `{subject.text(function, call.node)}`{more}"
        yield subject.found("TS342", seen, function, call.node)


def _dtype(call: OperatorCall) -> str | None:
    if call.op not in (f"aten::{name}" for name in _MAKERS):
        return None
    node = call.argument(1, "dtype") if call.op == "aten::to" else call.argument(99, "dtype")
    return _DTYPES.get(constant(node)) if isinstance(constant(node), int) else None


def baked_sizes(subject: Subject) -> Iterator[Finding]:
    """Numbers that equal the first dim of the example, where a shape is made of them; 1 tells nothing."""
    first = {
        value.dims[0]
        for arguments in subject.traced.values()
        for value in arguments
        if isinstance(value, TracedTensor) and value.dims and value.dims[0] > 1
    }
    for function, call in subject.uses():
        if call.op not in (f"aten::{name}" for name in _SHAPERS):
            continue
        for node in call.node.args:
            sizes = node.elts if isinstance(node, ast.List) else []
            if sizes and constant(sizes[0]) in first:
                seen = (
                    f"{constant(sizes[0])}, the example's first dim, in `{subject.text(function, call.node)}`"
                )
                yield subject.found("TS343", seen, function, call.node)


def training_mode(subject: Subject) -> Iterator[Finding]:
    for function, call in subject.uses():
        name = call.op.removeprefix("aten::")
        dropout = name in _DROPOUTS and constant(call.argument(2, "train")) is True
        norm = name == "batch_norm" and constant(call.argument(_BATCH_NORM_TRAINING, "training")) is True
        if dropout or norm:
            seen = f"{name} with train=True: `{subject.text(function, call.node)}`"
            yield subject.found("TS344", seen, function, call.node)
    # A script reads the flag when it runs.
    for path, module in subject.archive.modules():
        layer = _STATEFUL_LAYERS.search(class_of(module) or "")
        if layer and attributes_of(module).get("training") is True and _reads_training(subject, module):
            yield finding("TS344", f"{path or 'the module'} ({layer[1]}) has training = True")


def _reads_training(subject: Subject, module: object) -> bool:
    function = subject.archive.code.functions.get(f"{class_of(module)}.forward")
    return function is not None and any(
        isinstance(node, ast.Attribute) and node.attr == "training" for node in ast.walk(function.body)
    )


def randomness(subject: Subject) -> Iterator[Finding]:
    """Dropout is told by its mode."""
    for function, call in subject.uses():
        if kind_of_operator(call.op) == "random" and call.op.removeprefix("aten::") not in _DROPOUTS:
            yield subject.found(
                "TS345", f"{call.op} in `{subject.text(function, call.node)}`", function, call.node
            )


def written_inputs(subject: Subject) -> Iterator[Finding]:
    """What is written to that a method was given, under whatever name."""
    for root, write in _root_writes(subject):
        inputs = [
            root.parameters[i] for i in sorted({i for i, _ in write.to}) if 0 < i < len(root.parameters)
        ]
        if inputs:
            how = write.op or f"{write.function.short_name}, which sets {write.attribute or 'an item'},"
            text = subject.text(write.function, write.node)
            seen = f"{how} writes to {', '.join(inputs)}: `{text}`"
            yield subject.found("TS346", seen, write.function, write.node)


def set_state(subject: Subject) -> Iterator[Finding]:
    """What is written to that the module holds."""
    for _, write in _root_writes(subject):
        if any(position == 0 for position, _ in write.to):
            name = write.function.short_name
            if write.op:
                seen = f"{write.op} in {name}: `{subject.text(write.function, write.node)}`"
            else:
                seen = f"{name} sets {write.attribute or 'an item'}"
            yield subject.found("TS347", seen, write.function, write.node)


def _root_writes(subject: Subject) -> Iterator[tuple[Function, Write]]:
    for name in subject.roots:
        if name in subject.called:
            root = subject.archive.code.functions[name]
            for write in subject.writes.of(name).writes.values():
                yield root, write


def ignored_functions(subject: Subject) -> Iterator[Finding]:
    for function, node in subject.nodes():
        if isinstance(node, ast.Constant) and "annotated to be ignored" in str(node.value):
            yield subject.found("TS351", f"it raises in {function.short_name}", function, node)


def autocast(subject: Subject) -> Iterator[Finding]:
    for function, call in subject.uses():
        if "autocast" in call.op and "is_autocast" not in call.op:
            yield subject.found(
                "TS354", f"{call.op} in `{subject.text(function, call.node)}`", function, call.node
            )


def gradients(subject: Subject) -> Iterator[Finding]:
    for function, call in subject.uses():
        if call.op in ("aten::grad", "aten::backward", "aten::_backward"):
            yield subject.found(
                "TS355", f"{call.op} in `{subject.text(function, call.node)}`", function, call.node
            )


def optimised(subject: Subject) -> Iterator[Finding]:
    for function, call in subject.uses():
        mkldnn = (
            call.op.startswith(("mkldnn::", "mkldnn_prepacked::"))
            or "MKLDNN" in call.op
            or call.op == "aten::to_mkldnn"
        )
        if mkldnn:
            yield subject.found("TS356", f"{call.op} in {function.short_name}", function, call.node)
            return


def objects_passed(subject: Subject) -> Iterator[Finding]:
    """In the types of what methods take and give back: a named tuple is none, it is a tuple."""
    code = subject.archive.code
    for name in subject.roots:
        function = code.functions[name]
        if name not in subject.called or function.method.startswith("__"):
            continue
        arguments = [(f"takes, as {one.arg},", one.annotation) for one in function.body.args.args[1:]]
        for how, type_ in [*arguments, ("gives back", function.body.returns)]:
            for path in dict.fromkeys(REFERENCE.findall(unparse(type_))):
                class_ = code.classes.get(path)
                if class_ is None or class_.base != "NamedTuple":
                    seen = f"{function.short_name} {how} objects of {path.rpartition('.')[2]}"
                    yield subject.found("TS384", seen, function, function.body)


LINTS = (
    *(baked_devices, baked_dtypes, baked_sizes, training_mode, randomness, written_inputs, set_state),
    *(ignored_functions, autocast, gradients, optimised, objects_passed),
)


def limited(findings: Iterator[Finding]) -> Iterator[Finding]:
    """The first few of each place once; the last one says how many more there are."""
    seen: dict[tuple[str, str | None], Finding] = {}
    for one in findings:
        seen.setdefault((one.seen, one.where), one)
    shown = list(seen.values())
    yield from shown[:_MOST]
    if len(shown) > _MOST:
        last = shown[_MOST]
        yield finding(last.code, f"and {len(shown) - _MOST} more places")
