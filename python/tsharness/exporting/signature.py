"""The signature of an artifact: its methods with their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tsharness.cases.case_file import Call, Case
from tsharness.cases.values import QuantizedTensor, SparseTensor, Tensor, Value


def signature_of(module: torch.jit.ScriptModule, cases: Sequence[Case]) -> dict[str, Any]:
    """Name, TorchScript type, default, and of tensors dtype and dims, for every argument of every
    method that the cases call. A dim that has several sizes in the cases is a symbol."""
    calls = [call for case in cases for call in case.calls]
    return {
        method: _method_signature(module, method, [c for c in calls if c.method == method])
        for method in dict.fromkeys(call.method for call in calls)
    }


def _method_signature(module: torch.jit.ScriptModule, method: str, calls: Sequence[Call]) -> dict[str, Any]:
    schema = module._c._get_method(method).schema
    arguments = []
    for position, argument in enumerate(schema.arguments[1:]):
        values = [_value(call, position, argument.name) for call in calls]
        node = {"name": argument.name, "type": argument.type.annotation_str}
        if argument.has_default_value() and _is_plain(argument.default_value):
            node["default"] = argument.default_value
        arguments.append({**node, **_tensor_facts(argument.name, values)})
    returns = [value.type.annotation_str for value in schema.returns]
    return {"arguments": arguments, "returns": returns}


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _value(call: Call, position: int, name: str) -> Value:
    return call.args[position] if position < len(call.args) else call.kwargs.get(name)


def _tensor_facts(name: str, values: Sequence[Value]) -> dict[str, Any]:
    tensors = [v for v in values if isinstance(v, (Tensor, QuantizedTensor, SparseTensor))]
    plain = [t for t in tensors if isinstance(t, Tensor)]
    if not plain or len({len(t.shape) for t in plain}) != 1:
        return {}
    dims = []
    for dim, sizes in enumerate(zip(*(t.shape for t in plain), strict=True)):
        dims.append(sizes[0] if len(set(sizes)) == 1 else f"{name}_{dim}")
    return {"dtype": plain[0].dtype, "dims": dims}
