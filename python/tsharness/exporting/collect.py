"""The cases of an artifact: the examples, other sizes, then as many families as were chosen and fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from tsharness.cases.dims import Dynamic
from tsharness.errors import ExportError, InputError
from tsharness.exporting.families import SIZES, Family, families
from tsharness.exporting.free_dims import FreeDim, free_dims, with_free
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
    dynamic: Dynamic
    """Symbols that were declared, differ between the examples, or were found."""
    free: tuple[FreeDim, ...]
    """Those that were found by trying the model."""
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
    return _Collector(subject, examples, options, placement, say).all()


class _Collector:
    def __init__(
        self,
        subject: Subject,
        examples: Mapping[str, list[Inputs]],
        options: ExportOptions,
        placement: Placement,
        say: Say,
    ) -> None:
        self._subject, self._examples, self._options = subject, examples, options
        self._placement, self._say = placement, say
        self._recorded: list[Recorded] = []
        self._failed: list[DroppedFamily] = []
        self._cut: list[DroppedFamily] = []
        self._left = options.max_case_bytes
        self._stateful = False

    def all(self) -> Collected:
        for name, calls in self._examples.items():
            self._say(f"eager: {name}", len(self._recorded))
            self._recorded.append(self._example(name, calls))
        self._left -= sum(one.bytes for one in self._recorded)
        self._stateful = any(one.changed for one in self._recorded)
        declared = dynamic_of(self._subject.model, self._examples, self._options)
        free = list(self._free(declared))
        for family in self._chosen(declared):
            self._family(family)
        return Collected(
            tuple(self._recorded),
            with_free(declared, free),
            tuple(free),
            tuple(self._failed),
            tuple(self._cut),
        )

    def _example(self, name: str, calls: list[Inputs]) -> Recorded:
        model = self._subject.model
        try:
            recorded = record_case(self._subject, name, calls, placement=self._placement)
            sequence = _as_sequence(calls)
            if recorded.changed and len(sequence) > len(calls):
                return record_case(self._subject, name, sequence, placement=self._placement)
            return recorded
        except InputError as error:
            seen = f"{_forward_of(model)} returns what no TorchScript function can: {error}"
            raise ExportError(f"TS131 {RULES['TS131'].title}: {seen}\n{RULES['TS131'].do}") from error
        except ModelFailed as failure:
            text = user_traceback(failure.error)
            raise ExportError(f"the model fails on the inputs of '{name}':\n{text}") from failure.error

    def _first_of_methods(self) -> Iterator[tuple[str, list[Inputs], tuple[str, ...]]]:
        """The first example, and the first one for every other method, with the names of its arguments."""
        covered = set[str]()
        for name, calls in self._examples.items():
            methods = {call.method for call in calls}
            if not methods <= covered:
                covered |= methods
                label = "example" if len(covered) == len(methods) else name
                yield label, calls, argument_names(self._subject.model, calls[-1].method)

    def _free(self, dynamic: Dynamic) -> Iterator[FreeDim]:
        declared: dict[str, frozenset[int] | None] = {
            name: frozenset(dims) if self._options.dynamic is None else None for name, dims in dynamic.items()
        }
        declared.update(dict.fromkeys(self._options.fixed))
        for label, calls, arguments in self._first_of_methods():
            prefix = "" if label == "example" else f"{label}/"

            def record(name: str, changed: list[Inputs], prefix: str = prefix) -> Recorded | None:
                return self._trial(Family(prefix + name, SIZES, changed))

            for found in free_dims(calls, arguments, declared, record):
                self._recorded += found.recorded
                yield found

    def _trial(self, family: Family) -> Recorded | None:
        """What nobody has declared: a size that the model does not take says nothing about it."""
        if not self._options.wants(family.name, family.kind) or family.name in self._examples:
            return None
        try:
            return self._within_bytes(family)
        except (ModelFailed, InputError):
            self._subject.restore()
            return None

    def _family(self, family: Family) -> None:
        try:
            one = self._within_bytes(family)
        except ModelFailed as failure:
            # A family is a guess at what the model takes: a wrong one says nothing about the model.
            self._failed.append(DroppedFamily(family.name, _reason(failure.error)))
            self._subject.restore()
            return
        if one is None:
            self._cut.append(DroppedFamily(family.name, _too_large(self._options)))
        else:
            self._recorded.append(one)

    def _within_bytes(self, family: Family) -> Recorded | None:
        """Recorded, if all cases then still fit; what its inputs alone exceed is not run."""
        if _bytes(family) > self._left:
            return None
        one = self._record(family)
        if one.bytes > self._left:
            return None
        self._left -= one.bytes
        return one

    def _record(self, family: Family) -> Recorded:
        self._say(f"eager: {family.name}", len(self._recorded))
        calls = _as_sequence(family.calls) if self._stateful else family.calls
        return record_case(self._subject, family.name, calls, family.kind, self._placement)

    def _chosen(self, dynamic: Dynamic) -> Iterator[Family]:
        """Families of the first examples; none twice."""
        taken = {*self._examples, *(one.case.name for one in self._recorded)}
        for label, calls, arguments in self._first_of_methods():
            for family in families(label, calls, arguments, dynamic):
                if family.name not in taken and self._options.wants(family.name, family.kind):
                    taken.add(family.name)
                    yield family


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


def _bytes(family: Family) -> int:
    tensors = (leaf for call in family.calls for _, leaf in call.leaves(()) if isinstance(leaf, torch.Tensor))
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _too_large(options: ExportOptions) -> str:
    return f"more than the {options.max_case_bytes} bytes that all cases may take"


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {essence(error)[:120]}"
