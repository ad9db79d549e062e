"""Recording cases: the outputs that a model gives in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from tsharness.cases.case_file import Call, Case
from tsharness.cases.values import QuantizedTensor, SparseTensor, Tensor
from tsharness.exporting.guard import needs_gradients, seeded
from tsharness.exporting.inputs import Inputs
from tsharness.exporting.placement import AS_IT_IS, Placement
from tsharness.exporting.state import Subject
from tsharness.exporting.torch_values import to_value


class ModelFailed(Exception):
    """The Python model raised; its exception is the cause."""

    @property
    def error(self) -> BaseException:
        assert self.__cause__ is not None
        return self.__cause__


@dataclass(frozen=True)
class Recorded:
    """A case, and the same as torch's values."""

    case: Case
    calls: tuple[Inputs, ...]
    outputs: tuple[Any, ...]
    """Of each call."""
    changed: tuple[str, ...]
    """Names of what the calls changed in the module's state."""
    gradients: bool = False
    """Whether the model itself calls autograd, so that it ran with gradients."""

    @property
    def bytes(self) -> int:
        """Of all tensors in inputs and outputs."""
        return sum(
            _bytes(value)
            for call in self.case.calls
            for value in (call.args, dict(call.kwargs), call.outputs)
        )


def record_case(
    subject: Subject,
    name: str,
    calls: Sequence[Inputs],
    family: str = "example",
    placement: Placement = AS_IT_IS,
) -> Recorded:
    """Runs the calls one after the other on the model as it was given, and keeps inputs and outputs, as an
    artifact of that placement takes and must return them. Afterwards the model is as it was given.

    Raises ModelFailed with whatever the model raised as its cause; the subject then needs a ``restore``."""
    given = tuple(placement.inputs(call) for call in calls)
    wanted = [placement.reference_inputs(own, call) for own, call in zip(given, calls, strict=True)]
    raw, gradients = _run(subject, wanted)
    outputs = tuple(placement.outputs(value) for value in raw)
    scripted = isinstance(subject.model, torch.jit.ScriptModule)
    origin = "torchscript-python" if scripted else "eager"
    case = case_of(name, given, outputs, family, origin, device_type(subject.model))
    changed = subject.changed()
    if changed or scripted:
        subject.restore()
    return Recorded(case, given, outputs, changed, gradients)


def case_of(
    name: str,
    calls: Sequence[Inputs],
    outputs: Sequence[Any],
    family: str,
    origin: str,
    device: str = "cpu",
) -> Case:
    """The case of calls and their outputs, in values that need no torch."""
    pairs = zip(calls, outputs, strict=True)
    return Case(name, tuple(_call(inputs, result) for inputs, result in pairs), family, origin, device)


def _run(subject: Subject, calls: Sequence[Inputs]) -> tuple[list[Any], bool]:
    """The outputs of each call, one after the other, and whether it took gradients: only if the model
    cannot do without."""
    try:
        with seeded():
            return [run_call(subject.model, call) for call in calls], False
    except Exception as error:  # the model is the user's code: it may raise anything
        if not needs_gradients(error):
            raise ModelFailed from error
    subject.restore()
    try:
        with seeded(gradients=True):
            return [run_call(subject.model, call) for call in calls], True
    except Exception as error:
        raise ModelFailed from error


def run_call(model: torch.nn.Module, inputs: Inputs) -> Any:
    """The outputs of one call; the caller's tensors stay as they are."""
    return bound_call(model, inputs.copy())()


def bound_call(model: torch.nn.Module, inputs: Inputs) -> Callable[[], Any]:
    """The call as applications make it: ``module(inputs)``, by position, so that hooks run and see them."""
    if inputs.method != "forward":
        return partial(getattr(model, inputs.method), *inputs.args, **inputs.kwargs)
    args, kwargs = inputs.args, dict(inputs.kwargs)
    if isinstance(model, torch.jit.ScriptModule) and kwargs:
        schema = model._c._get_method("forward").schema
        for argument in schema.arguments[1 + len(args) :]:
            stated = argument.name in kwargs
            if argument.kwarg_only or not kwargs or not (stated or argument.has_default_value()):
                break
            args = (*args, kwargs.pop(argument.name) if stated else argument.default_value)
    return partial(model, *args, **kwargs)


def _call(inputs: Inputs, outputs: Any) -> Call:
    args = tuple(to_value(value) for value in inputs.args)
    kwargs = {name: to_value(value) for name, value in inputs.kwargs.items()}
    return Call(args, to_value(outputs), kwargs, inputs.method)


def device_type(model: torch.nn.Module) -> str:
    """Of the model's first parameter or buffer."""
    tensor = next(iter([*model.parameters(), *model.buffers()]), None)
    return tensor.device.type if tensor is not None else "cpu"


def _bytes(value: Any) -> int:
    if isinstance(value, (Tensor, QuantizedTensor)):
        return len(value.data)
    if isinstance(value, SparseTensor):
        parts = (value.values, value.indices, value.compressed_indices, value.plain_indices)
        return sum(len(part.data) for part in parts if part is not None)
    if isinstance(value, (list, tuple)):
        return sum(map(_bytes, value))
    if isinstance(value, dict):
        return sum(map(_bytes, value.values()))
    return _bytes(value.values) if hasattr(value, "fields") else 0
