"""The signature of an artifact: its methods with their arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tsharness.cases.case_file import Call, Case
from tsharness.cases.dims import Dynamic, Symbol
from tsharness.cases.values import QuantizedTensor, SparseTensor, Tensor, Value
from tsharness.exporting.inputs import Inputs, argument_names


def dims_that_vary(model: torch.nn.Module, calls: Sequence[Inputs]) -> Dynamic:
    """Symbols for the dims that have several sizes in the calls, named after the first tensor that has them.
    Dims whose sizes go together, call by call, are one symbol."""
    sizes: dict[tuple[str, int], tuple[int | None, ...]] = {}
    shapes = [_shapes(model, call) for call in calls]
    for name in dict.fromkeys(name for shape in shapes for name in shape):
        ranks = {len(shape[name]) for shape in shapes if name in shape}
        for dim in range(ranks.pop()) if len(ranks) == 1 else ():
            sizes[name, dim] = tuple(shape[name][dim] if name in shape else None for shape in shapes)
    symbols: dict[tuple[int | None, ...], Symbol] = {}
    dynamic: dict[str, dict[int, Symbol]] = {}
    for (name, dim), own in sizes.items():
        if len(set(own) - {None}) > 1:
            symbol = symbols.setdefault(own, Symbol(f"{name}_{dim}"))
            dynamic.setdefault(name, {})[dim] = symbol
    return dynamic


def _shapes(model: torch.nn.Module, call: Inputs) -> dict[str, torch.Size]:
    leaves = call.leaves(argument_names(model, call.method))
    return {name: leaf.shape for name, leaf in leaves if isinstance(leaf, torch.Tensor)}


def signature_of(module: torch.jit.ScriptModule, cases: Sequence[Case], dynamic: Dynamic) -> dict[str, Any]:
    """For every method that the cases call: name, TorchScript type, default, and of tensors dtype and dims,
    of every argument; the symbols among the dims with their range and the sizes that the cases have."""
    calls = [call for case in cases for call in case.calls]
    return {
        method: _method_signature(module, method, [c for c in calls if c.method == method], dynamic)
        for method in dict.fromkeys(call.method for call in calls)
    }


def _method_signature(
    module: torch.jit.ScriptModule, method: str, calls: Sequence[Call], dynamic: Dynamic
) -> dict[str, Any]:
    schema = module._c._get_method(method).schema
    arguments = []
    symbols: dict[Symbol, set[int]] = {}
    for position, argument in enumerate(schema.arguments[1:]):
        values = [_value(call, position, argument.name) for call in calls]
        node = {"name": argument.name, "type": argument.type.annotation_str}
        if argument.has_default_value() and _is_plain(argument.default_value):
            node["default"] = argument.default_value
        arguments.append({**node, **_tensor_facts(values, dynamic.get(argument.name, {}), symbols)})
    returns = [value.type.annotation_str for value in schema.returns]
    facts = {s.name: {**s.to_dict(), "sizes": sorted(sizes)} for s, sizes in symbols.items()}
    return {"arguments": arguments, "returns": returns, **({"symbols": facts} if facts else {})}


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _value(call: Call, position: int, name: str) -> Value:
    return call.args[position] if position < len(call.args) else call.kwargs.get(name)


def _tensor_facts(
    values: Sequence[Value], own: Mapping[int, Symbol], symbols: dict[Symbol, set[int]]
) -> dict[str, Any]:
    tensors = [v for v in values if isinstance(v, (Tensor, QuantizedTensor, SparseTensor))]
    plain = [t for t in tensors if isinstance(t, Tensor)]
    if not plain or len({len(t.shape) for t in plain}) != 1:
        return {}
    dims: list[int | str | None] = []
    for dim, sizes in enumerate(zip(*(t.shape for t in plain), strict=True)):
        if dim in own:
            symbols.setdefault(own[dim], set()).update(sizes)
            dims.append(own[dim].name)
        else:
            # Several sizes of a dim that nobody declared, in cases that the user gave.
            dims.append(sizes[0] if len(set(sizes)) == 1 else None)
    return {"dtype": plain[0].dtype, "dims": dims}
