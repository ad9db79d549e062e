"""The cases of a conversion, as calls of the model in Python."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from tsharness.cases.case_file import Call, Case, CaseDocument
from tsharness.exporting.inputs import Inputs, leaves_of
from tsharness.exporting.torch_values import from_value, inputs_of_call, to_value


@dataclass(frozen=True)
class Example:
    """A case: its calls, and what each must give."""

    case: Case
    calls: tuple[Inputs, ...]
    outputs: tuple[Any, ...]

    @property
    def name(self) -> str:
        return self.case.name


LAYOUT = "layout"
"""The family of cases whose tensors lie in memory in another way than usual."""


def cases_of(document: CaseDocument, only: Sequence[str], contiguous: bool) -> list[Case]:
    """The cases that were asked for. ``contiguous``: without those of other memory layouts, the others with
    their tensors in order."""
    chosen = [
        case
        for case in document.cases()
        if (not only or case.name in only) and not (contiguous and case.family == LAYOUT)
    ]
    return list(map(_in_order, chosen)) if contiguous else chosen


def _in_order(case: Case) -> Case:
    def own(call: Call) -> Call:
        given = inputs_of_call(call).replaced(
            lambda _, leaf: to_value(leaf.contiguous() if isinstance(leaf, torch.Tensor) else leaf), ()
        )
        return replace(call, args=given.args, kwargs=given.kwargs)

    return replace(case, calls=tuple(map(own, case.calls)))


def example_of(case: Case) -> Example:
    """The case with torch's own values."""
    outputs = tuple(from_value(call.outputs) for call in case.calls)
    return Example(case, tuple(map(inputs_of_call, case.calls)), outputs)


def of_forward(model: torch.nn.Module, cases: Sequence[Case]) -> list[Example]:
    """Those that call forward alone, with every argument in its place: most formats know neither other
    methods, nor names, nor defaults. What is called before the first forward, such as a reset, is left
    out."""
    names, defaults = _parameters(model)
    chosen = [
        case
        for case in map(_from_forward, cases)
        if case.calls and all(call.method == "forward" for call in case.calls)
    ]
    # TorchScript's converter wants every argument; Python's own takes those that some case states.
    count = len(names)
    if not isinstance(model, torch.jit.ScriptModule):
        count = max((_last(call, names) for case in chosen for call in case.calls), default=0)

    def positional(call: Call) -> Call:
        return replace(call, args=_by_position(call, names[:count], defaults), kwargs={})

    return [example_of(replace(case, calls=tuple(map(positional, case.calls)))) for case in chosen]


def has_forward(model: torch.nn.Module) -> bool:
    """Whether there is anything that other formats have a form of."""
    return not isinstance(model, torch.jit.ScriptModule) or "forward" in model._c._method_names()


def argument_names_of(model: torch.nn.Module) -> list[str]:
    """Names of forward's arguments, in order."""
    return _parameters(model)[0]


def _from_forward(case: Case) -> Case:
    first = next((i for i, call in enumerate(case.calls) if call.method == "forward"), len(case.calls))
    return replace(case, calls=case.calls[first:])


def _parameters(model: torch.nn.Module) -> tuple[list[str], Mapping[str, Any]]:
    """Names of forward's arguments in order, and the defaults of those that have one."""
    if isinstance(model, torch.jit.ScriptModule):
        arguments = model._c._get_method("forward").schema.arguments[1:]
        return [a.name for a in arguments], {
            a.name: a.default_value for a in arguments if a.has_default_value()
        }
    parameters = inspect.signature(model.forward).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    plain = [one for one in parameters if one.kind not in kinds]
    defaults = {one.name: one.default for one in plain if one.default is not inspect.Parameter.empty}
    return [one.name for one in plain], defaults


def _last(call: Call, names: Sequence[str]) -> int:
    """How many arguments it takes to say all that the call says, by position."""
    return max([len(call.args), *(names.index(name) + 1 for name in call.kwargs if name in names)])


def _by_position(call: Call, names: Sequence[str], defaults: Mapping[str, Any]) -> tuple[Any, ...]:
    rest = names[len(call.args) :]
    return (*call.args, *(call.kwargs[name] if name in call.kwargs else defaults.get(name) for name in rest))


def sizes_of(examples: Sequence[Example]) -> dict[tuple[int, ...], list[set[int]]]:
    """For every tensor of the arguments, by its place (argument, leaf), the sizes of each dim in all cases.
    Tensors whose rank varies are left out."""
    seen: dict[tuple[int, ...], list[set[int]]] = {}
    varying = set()
    for call in (call for example in examples for call in example.calls):
        for number, value in enumerate(call.args):
            for leaf, (_, tensor) in enumerate(leaves_of("", value)):
                if not isinstance(tensor, torch.Tensor):
                    continue
                place = (number, leaf)
                sizes = seen.setdefault(place, [set() for _ in tensor.shape])
                if len(sizes) != tensor.dim():
                    varying.add(place)
                    continue
                for known, size in zip(sizes, tensor.shape, strict=True):
                    known.add(size)
    return {place: sizes for place, sizes in seen.items() if place not in varying}


def sample_of(examples: Sequence[Example]) -> Example:
    """What to export with: the case whose smallest size is largest, since sizes 0 and 1 are taken for
    constants; of equal ones the first."""

    def least(example: Example) -> int:
        tensors = [
            leaf
            for value in example.calls[0].args
            for _, leaf in leaves_of("", value)
            if isinstance(leaf, torch.Tensor)
        ]
        varying = [size for tensor in tensors for size in tensor.shape[:1]]
        return min(2, *varying) if varying else 0

    plain = [example for example in examples if example.case.family == "example"] or list(examples)
    best = max(examples, key=least)
    return plain[0] if least(plain[0]) >= least(best) else best
