"""Recording cases: the outputs that a model gives in Python."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tsharness.cases.case_file import Call, Case
from tsharness.exporting.inputs import Inputs, calls_of
from tsharness.exporting.torch_values import to_value

SEED = 0
"""Of torch's generators before every case; the runner sets the same (runner.job.Job.seed)."""


def record_cases(
    model: torch.nn.Module, examples: Mapping[str, Any], family: str = "example"
) -> tuple[Case, ...]:
    """Runs every example on a copy of ``model`` as it is, under no_grad, and keeps inputs and outputs."""
    scripted = isinstance(model, torch.jit.ScriptModule)
    origin = "torchscript-python" if scripted else "eager"
    return tuple(
        Case(name, _record_calls(model, calls_of(example)), family, origin, _device_type(model))
        for name, example in examples.items()
    )


def _record_calls(model: torch.nn.Module, calls: Sequence[Inputs]) -> tuple[Call, ...]:
    fresh = copy.deepcopy(model)
    # The caller's generators go on as if nothing had been recorded.
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(SEED)
        return tuple(_record_call(fresh, inputs) for inputs in calls)


def _record_call(model: torch.nn.Module, inputs: Inputs) -> Call:
    # Before the call: a model may write to its inputs.
    args = tuple(to_value(value) for value in inputs.args)
    kwargs = {name: to_value(value) for name, value in inputs.kwargs.items()}
    function = model if inputs.method == "forward" else getattr(model, inputs.method)
    given = copy.deepcopy((inputs.args, inputs.kwargs))
    with torch.no_grad():
        outputs = function(*given[0], **given[1])
    return Call(args, to_value(outputs), kwargs, inputs.method)


def _device_type(model: torch.nn.Module) -> str:
    tensor = next(model.parameters(), None)
    return tensor.device.type if tensor is not None else "cpu"
