"""The cases of an artifact: the examples, then as many families as were chosen and fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from tsharness.cases.dims import Dynamic
from tsharness.errors import ExportError, InputError
from tsharness.exporting.families import Family, families
from tsharness.exporting.inputs import Inputs, argument_names
from tsharness.exporting.options import ExportOptions
from tsharness.exporting.placement import Placement
from tsharness.exporting.record import ModelFailed, Recorded, record_case
from tsharness.exporting.report import DroppedFamily
from tsharness.exporting.saying import Say
from tsharness.exporting.signature import dims_that_vary
from tsharness.exporting.source import essence, user_traceback
from tsharness.exporting.state import Subject
from tsharness.findings import RULES, finding
from tsharness.report.model import Finding


@dataclass(frozen=True)
class Collected:
    """The recorded cases, and what is none."""

    recorded: tuple[Recorded, ...]
    failed: tuple[DroppedFamily, ...]
    """Families on which the Python model itself raises."""
    cut: tuple[DroppedFamily, ...]
    """Families for which there were not enough bytes."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        found = []
        if self.cut:
            found.append(finding("TS151", f"{_names(self.cut)}: {self.cut[0].reason}"))
        if self.failed:
            found.append(finding("TS152", f"{_names(self.failed)}: {self.failed[0].reason}"))
        return tuple(found)


def _names(dropped: Sequence[DroppedFamily]) -> str:
    return ", ".join(family.name for family in dropped)


def collect(
    subject: Subject,
    examples: Mapping[str, list[Inputs]],
    options: ExportOptions,
    placement: Placement,
    say: Say,
) -> Collected:
    """Runs the Python model on everything. Raises ExportError, with the traceback of the user's code, if it
    fails on an example."""
    recorded: list[Recorded] = []
    for name, calls in examples.items():
        say(f"eager: {name}", len(recorded))
        try:
            recorded.append(_record_example(subject, name, calls, placement))
        except InputError as error:
            seen = f"{_forward_of(subject.model)} returns what no TorchScript function can: {error}"
            raise ExportError(f"TS131 {RULES['TS131'].title}: {seen}\n{RULES['TS131'].do}") from error
        except ModelFailed as failure:
            text = user_traceback(failure.error)
            raise ExportError(f"the model fails on the inputs of '{name}':\n{text}") from failure.error
    stateful = any(one.changed for one in recorded)
    left = options.max_case_bytes - sum(one.bytes for one in recorded)
    failed, cut = [], []
    for family in _chosen(subject.model, examples, options):
        say(f"eager: {family.name}", len(recorded))
        if _bytes(family) > left:
            cut.append(DroppedFamily(family.name, _too_large(options)))
            continue
        try:
            calls = _as_sequence(family.calls) if stateful else family.calls
            one = record_case(subject, family.name, calls, family.kind, placement)
        except ModelFailed as failure:
            # A family is a guess at what the model takes: a wrong one says nothing about the model.
            failed.append(DroppedFamily(family.name, _reason(failure.error)))
            subject.restore()
            continue
        if one.bytes > left:
            cut.append(DroppedFamily(family.name, _too_large(options)))
            continue
        left -= one.bytes
        recorded.append(one)
    return Collected(tuple(recorded), tuple(failed), tuple(cut))


def _record_example(subject: Subject, name: str, calls: list[Inputs], placement: Placement) -> Recorded:
    recorded = record_case(subject, name, calls, placement=placement)
    sequence = _as_sequence(calls)
    if recorded.changed and len(sequence) > len(calls):
        return record_case(subject, name, sequence, placement=placement)
    return recorded


def _forward_of(model: torch.nn.Module) -> str:
    """The method with its place, if its source can be found."""
    code = getattr(model.forward, "__code__", None)
    where = f" ({Path(code.co_filename).name}:{code.co_firstlineno})" if code is not None else ""
    return f"{type(model).__name__}.forward{where}"


def _as_sequence(calls: list[Inputs]) -> list[Inputs]:
    """A model that keeps state is compared call by call from the state in which it was loaded: a single call
    becomes two, so that the state is carried once."""
    return calls * 2 if len(calls) == 1 else calls


def dynamic_of(
    model: torch.nn.Module, examples: Mapping[str, list[Inputs]], options: ExportOptions
) -> Dynamic:
    """The declared symbols, or those that follow from examples of different sizes."""
    if options.dynamic is not None:
        return options.dynamic
    calls = [call for example in examples.values() for call in example]
    return dims_that_vary(model, calls)


def _chosen(
    model: torch.nn.Module, examples: Mapping[str, list[Inputs]], options: ExportOptions
) -> Iterator[Family]:
    """Families of the first example, and of the first one for every other method; none twice."""
    dynamic, covered, taken = dynamic_of(model, examples, options), set[str](), set(examples)
    for name, calls in examples.items():
        methods = {call.method for call in calls}
        if methods <= covered:
            continue
        covered |= methods
        label = "example" if len(covered) == len(methods) else name
        arguments = argument_names(model, calls[-1].method)
        for family in families(label, calls, arguments, dynamic):
            if family.name not in taken and options.wants(family.name, family.kind):
                taken.add(family.name)
                yield family


def _bytes(family: Family) -> int:
    tensors = (leaf for call in family.calls for _, leaf in call.leaves(()) if isinstance(leaf, torch.Tensor))
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _too_large(options: ExportOptions) -> str:
    return f"more than the {options.max_case_bytes} bytes that all cases may take"


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {essence(error)[:120]}"
