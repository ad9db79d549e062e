"""The first stage: the model as an ExportedProgram, with dynamic dims where the cases or the signature have
several sizes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import Dim, ExportedProgram
from torch.utils import _pytree as pytree

from tsharness.cases.dims import parse_dynamic
from tsharness.migration.converting.cases import Example, sample_of, sizes_of

Wanted = Mapping[tuple[int, int], Mapping[int, tuple[int, int | None]]]
"""By argument and leaf, the dims that are to stay dynamic, each with its least and its greatest size."""


@dataclass(frozen=True)
class Exported:
    """The program, and what was asked of its dims."""

    program: ExportedProgram
    converter: str
    sample: Example
    wanted: int
    """Dims that were to stay dynamic."""
    kept: tuple[str, ...]
    """Dims that did, in words."""


def export_program(
    model: torch.nn.Module, examples: Sequence[Example], signature: Mapping[str, Any], bounded: bool
) -> Exported:
    """By torch's converter for TorchScript, or by torch.export for a model in Python. ``bounded``: for a
    target that must know the largest size of each dim. Raises whatever these raise."""
    sample = sample_of(examples)
    args = sample.calls[0].args
    wanted = _wanted(examples, signature, bounded)
    shapes = _shapes(args, wanted)
    if isinstance(model, torch.jit.ScriptModule):
        from torch._export.converter import TS2EPConverter

        converter = "torch._export.converter.TS2EPConverter"
        first = TS2EPConverter(model, args).convert().module()
        program = _exporting(lambda: torch.export.export(first, args, dynamic_shapes=shapes, strict=False))
    else:
        converter = "torch.export.export"
        program = _exporting(lambda: torch.export.export(model, args, dynamic_shapes=shapes, strict=False))
    count = sum(len(dims) for dims in wanted.values())
    return Exported(program, converter, sample, count, tuple(dynamic_dims(program)))


@contextlib.contextmanager
def oblivious() -> Iterator[None]:
    """Tracing that takes sizes 0 and 1 for sizes like others. What passes trace again needs it again."""
    from torch.fx.experimental import _config

    with _config.patch(backed_size_oblivious=True):  # type: ignore[attr-defined]
        yield


def _exporting(export: Callable[[], ExportedProgram]) -> ExportedProgram:
    """With sizes 0 and 1 as sizes like others, where that can be had: programs that take any batch but one
    are of no use to a server."""
    try:
        with oblivious():
            return export()
    except Exception:
        # The plain way is what torch.export itself does; its error is the one to show.
        return export()


def _wanted(examples: Sequence[Example], signature: Mapping[str, Any], bounded: bool) -> Wanted:
    """Dims with a range in the signature, or with several sizes in the cases."""
    declared = _declared(signature)
    found: dict[tuple[int, int], dict[int, tuple[int, int | None]]] = {}
    for (number, leaf), sizes in sizes_of(examples).items():
        for dim, seen in enumerate(sizes):
            symbol = declared.get((number, dim)) if leaf == 0 else None
            if len(seen) < 2 and symbol is None:
                continue
            low, high = (symbol or {}).get("min", 1), (symbol or {}).get("max")
            if bounded and high is None:
                high = max(seen)
            found.setdefault((number, leaf), {})[dim] = (min(low, *seen), high)
    return found


def with_declared(signature: Mapping[str, Any], dynamic: Sequence[str]) -> Mapping[str, Any]:
    """The signature with the dims that ``--dynamic`` calls dynamic. Raises UsageError."""
    method = signature.get("forward", {})
    declared = parse_dynamic(dynamic) if dynamic else {}
    symbols = dict(method.get("symbols", {}))
    arguments = []
    for argument in method.get("arguments", ()):
        own = declared.get(argument["name"], {})
        dims = [own[i].name if i in own else dim for i, dim in enumerate(argument.get("dims") or ())]
        symbols.update({symbol.name: symbol.to_dict() for symbol in own.values()})
        arguments.append({**argument, "dims": dims} if own else argument)
    return (
        {**signature, "forward": {**method, "arguments": arguments, "symbols": symbols}}
        if method
        else signature
    )


def _declared(signature: Mapping[str, Any]) -> dict[tuple[int, int], Mapping[str, Any]]:
    """What the signature says of dims that it calls dynamic ("min", "max"), by argument and dim."""
    method = signature.get("forward", {})
    symbols = method.get("symbols", {})
    return {
        (number, dim): symbols[name]
        for number, argument in enumerate(method.get("arguments", ()))
        for dim, name in enumerate(argument.get("dims") or ())
        if name in symbols
    }


def _shapes(args: tuple[Any, ...], wanted: Wanted) -> tuple[Any, ...]:
    """A tree like that of the arguments."""
    shapes = []
    for number, value in enumerate(args):
        leaves, spec = pytree.tree_flatten(value)
        told: list[Any] = []
        for leaf, item in enumerate(leaves):
            dims = wanted.get((number, leaf), {}) if isinstance(item, torch.Tensor) else {}
            told.append({dim: Dim.AUTO(min=low, max=high) for dim, (low, high) in dims.items()} or None)
        shapes.append(pytree.tree_unflatten(told, spec))
    return tuple(shapes)


def dynamic_dims(program: ExportedProgram) -> list[str]:
    """ "x dim 0 (1..64)" for every dim of an input that is not one number."""
    found: list[str] = []
    inputs = set(program.graph_signature.user_inputs)
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if node.op != "placeholder" or node.name not in inputs or not isinstance(value, torch.Tensor):
            continue
        for dim, size in enumerate(value.shape):
            if isinstance(size, torch.SymInt):
                bounds = program.range_constraints.get(size.node.expr)
                upper = str(bounds.upper) if bounds is not None else ""
                known = f" ({bounds.lower}..{upper if upper.isdigit() else ''})" if bounds is not None else ""
                found.append(f"{node.name} dim {dim}{known}")
    return found
