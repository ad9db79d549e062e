"""From what a converter raised to the line of the model, and the change that helps."""

from __future__ import annotations

import linecache
import re
import traceback
from collections.abc import Iterator

import torch

from tsharness.exporting.source import essence
from tsharness.findings.migrating import rule_for
from tsharness.migration.converting.frames import frames_in, innermost, place_of
from tsharness.migration.stage import Construct

_MOST_TEXT = 200


def construct_of(error: BaseException) -> Construct:
    """What an exception of a converter's is about."""
    message = str(error) or type(error).__name__
    rule = rule_for(f"{type(error).__name__}: {message}")
    where, text = _place(error, message)
    what = _compilers_words(message) or essence(error)
    for prefix in ("Caught ", "Error: "):
        what = what.removeprefix(prefix)
    missing = getattr(error, "name", None) or ""
    do = rule.do.format(extra={"onnxscript": "onnx", "onnx": "onnx"}.get(missing, missing.partition(".")[0]))
    return Construct(f"{rule.code} {rule.title}: {what[:_MOST_TEXT]}", where, text, rule.why, do)


def _compilers_words(message: str) -> str:
    """The line in which a compiler or linker says what is wrong; empty if the error is none of theirs. Their
    first lines may be about where that is (``In file included from``)."""
    said = message.partition("\nOutput:\n")[2].splitlines()
    lines = [line.strip() for line in said if line.strip()]
    return next(
        (line for line in lines if re.search("error|cannot|undefined", line)), lines[0] if lines else ""
    )


def _place(error: BaseException, message: str) -> tuple[str, str]:
    """File and line, and the line, that are the user's: as the message has them, else the traceback's."""
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    found = innermost(frames_in(message)) or innermost(frames)
    return place_of(found), linecache.getline(*found).strip() if found else ""


def unsupported_nodes(module: torch.jit.ScriptModule, args: tuple[object, ...]) -> Iterator[Construct]:
    """The nodes of a TorchScript graph that torch's converter does not take, by its own dry run, each kind at
    each place once. What the dry run itself fails at is nothing new."""
    from torch._export.converter import (
        ExplainTS2FXGraphConverter,
        TS2EPConverter,
        get_block_to_lifted_attrs,
    )

    try:
        outer = TS2EPConverter(module, args)
        lifted, names = get_block_to_lifted_attrs(outer.ts_graph)
        dry = ExplainTS2FXGraphConverter(
            outer.ts_graph,
            outer.name_to_param,
            outer.name_to_buffer,
            lifted,
            outer.name_to_non_tensor_attributes,
            outer.name_to_constant,
            names,
        )
        dry.explain()  # type: ignore[no-untyped-call]
    except Exception:
        # The conversion has failed already, and its own error stands.
        return
    seen = set()
    for node in dry.unsupported_node_list:
        place, text = _source_of(node)
        if (node.kind(), place) in seen:
            continue
        seen.add((node.kind(), place))
        rule = rule_for(node.kind())
        yield Construct(f"{rule.code} {rule.title}: {node.kind()}", place, text, rule.why, rule.do)


def _source_of(node: torch._C.Node) -> tuple[str, str]:
    """File and line, and the line, of a node: those of the source that the archive remembers."""
    said = str(node.sourceRange())
    named = next(iter(frames_in(said)), None)
    lines = [line for line in said.splitlines() if line.strip()]
    marked = next((i for i, line in enumerate(lines) if "<--- HERE" in line), None)
    text = lines[marked - 1].strip() if marked else ""
    return place_of(named), text
