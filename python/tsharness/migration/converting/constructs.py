"""From what a converter raised to the line of the model, and the change that helps."""

from __future__ import annotations

import linecache
import re
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

import torch

from tsharness.exporting.source import essence, is_machinery
from tsharness.findings.migrating import rule_for
from tsharness.migration.stage import Construct

_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_RANGE = re.compile(r"^(?P<text>.*?)\s*#\s*(?P<file>[^\s#]+):(?P<line>\d+):\d+\s*$")
_MOST_TEXT = 200


def construct_of(error: BaseException) -> Construct:
    """What an exception of a converter's is about."""
    message = str(error) or type(error).__name__
    rule = rule_for(f"{type(error).__name__}: {message}")
    file, line, text = _place(error, message)
    what = essence(error)
    for prefix in ("Caught ", "Error: "):
        what = what.removeprefix(prefix)
    missing = getattr(error, "name", None) or ""
    do = rule.do.format(extra={"onnxscript": "onnx", "onnx": "onnx"}.get(missing, missing.partition(".")[0]))
    return Construct(
        f"{rule.code} {rule.title}: {what[:_MOST_TEXT]}", f"{file}:{line}" if file else "", text, rule.why, do
    )


def _place(error: BaseException, message: str) -> tuple[str, int, str]:
    """File, line and text of the innermost line that is the user's: as the message has it, else the
    traceback's."""
    named = [(file, int(line)) for file, line in _FRAME.findall(message)]
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    for found in (named, frames):
        own = [(file, line) for file, line in found if not is_machinery(file) and not _is_a_librarys(file)]
        if own:
            file, line = own[-1]
            return Path(file).name, line, linecache.getline(file, line).strip()
    return "", 0, ""


def _is_a_librarys(file: str) -> bool:
    return "site-packages" in file or file.startswith(sysconfig.get_path("stdlib"))


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
    named = _FRAME.search(said)
    lines = [line for line in said.splitlines() if line.strip()]
    marked = next((i for i, line in enumerate(lines) if "<--- HERE" in line), None)
    text = lines[marked - 1].strip() if marked else ""
    return (f"{Path(named[1]).name}:{named[2]}" if named else "", text)
