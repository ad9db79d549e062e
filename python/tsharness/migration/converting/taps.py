"""A program that gives what each of its operators computes: to find the one that its compiled form computes
otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils import _pytree as pytree

from tsharness.artifact.archive import cases_beside
from tsharness.cases.case_file import CaseFile, write_case_file
from tsharness.exporting.inputs import Inputs
from tsharness.exporting.record import case_of
from tsharness.migration.converting.cases import Example
from tsharness.migration.converting.operators import source_of
from tsharness.migration.converting.program import Exported
from tsharness.migration.converting.targets.base import program_made

CASE = "taps"


@dataclass(frozen=True)
class Tapped:
    """The program, exported once more, and its case."""

    exported: Exported
    operators: tuple[tuple[str, str], ...]
    """Name and source of each, in the order of the outputs."""
    args: tuple[Any, ...]
    values: tuple[torch.Tensor, ...]


def tapped(exported: Exported, example: Example) -> Tapped:
    """Its first call, at this one size. Raises whatever torch.export raises."""
    made = program_made(exported.program)
    assert made.graph is not None
    module = made.graph()
    assert isinstance(module, torch.fx.GraphModule)
    args = tuple(pytree.tree_leaves(example.calls[0].copy().args))
    nodes = [node for node in module.graph.nodes if _is_value(node)]
    output = next(node for node in reversed(module.graph.nodes) if node.op == "output")
    with module.graph.inserting_before(output):
        # Copies: an output that is another's memory is one that compilers treat as they like.
        copies = tuple(module.graph.call_function(torch.ops.aten.clone.default, (node,)) for node in nodes)
    output.args = (copies,)
    module.graph.set_codegen(torch.fx.graph.CodeGen())
    module.recompile()
    with torch.no_grad():
        values = module(*args)
        made.restore()
        program = torch.export.export(module, args, strict=False)
    names = tuple((str(node.target), source_of(str(node.meta.get("stack_trace") or ""))) for node in nodes)
    again = Exported(program, exported.converter, example, 0, ())
    return Tapped(again, names, args, tuple(values))


def _is_value(node: torch.fx.Node) -> bool:
    value = node.meta.get("val")
    plain = isinstance(value, torch.Tensor) and value.is_floating_point()
    return node.op == "call_function" and plain and "getitem" not in str(node.target)


def write_tap_cases(found: Tapped, artifact: Path) -> None:
    """Beside the artifact."""
    case = case_of(CASE, [Inputs(*found.args)], [list(found.values)], "example", "file")
    write_case_file(CaseFile((case,)), cases_beside(artifact))
