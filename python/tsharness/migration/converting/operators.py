"""Which operator a stage computes otherwise than the stage before: found by the values that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from tsharness.migration.converting.frames import frames_in, innermost, place_of
from tsharness.migration.stage import Divergence

_SAMPLE = 4096
"""Elements of each value that are looked at."""
_EQUAL = {torch.float64: 1e-10, torch.float32: 3e-5, torch.float16: 5e-3, torch.bfloat16: 3e-2}
"""Largest difference, of the largest element, at which two values are taken for the same: between the
rounding of other kernels and what another formula does."""
_SHOWN = 4


@dataclass(frozen=True)
class Operator:
    """One call of an operator, with what it gave."""

    name: str
    source: str
    shape: tuple[int, ...]
    sample: torch.Tensor
    """Elements of its value, evenly spread."""
    inputs: tuple[int, ...]
    """Operators whose values it takes."""

    def distance(self, other: Operator) -> float:
        """Largest difference of elements; infinite for another shape or kind of dtype."""
        if self.shape != other.shape or self.sample.is_floating_point() != other.sample.is_floating_point():
            return float("inf")
        if self.sample.numel() == 0:
            return 0.0
        left, right = self.sample.to(torch.float64), other.sample.to(torch.float64)
        difference = (left - right).abs()
        same = (left == right) | (left.isnan() & right.isnan())
        return float(torch.where(same, 0.0, difference).nan_to_num(float("inf")).max())

    def equals(self, other: Operator) -> bool:
        """Whether it is the same value but for rounding."""
        if not self.sample.is_floating_point():
            return self.distance(other) == 0
        finite = self.sample.to(torch.float64).abs().nan_to_num(0.0, 0.0, 0.0)
        largest = float(finite.max()) if finite.numel() else 0.0
        limit = max(_EQUAL.get(self.sample.dtype, 3e-5), _EQUAL.get(other.sample.dtype, 3e-5))
        return self.distance(other) <= limit * max(largest, 1e-6)


def _sampled(value: torch.Tensor) -> torch.Tensor:
    flat = value.detach().reshape(-1)
    step = max(1, flat.numel() // _SAMPLE)
    return flat[::step].clone()


def _first_tensor(value: Any) -> torch.Tensor | None:
    return next((leaf for leaf in pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)), None)


class _Recorder(torch.fx.Interpreter):
    """Runs a graph and keeps what each of its operators gives."""

    def __init__(self, module: torch.fx.GraphModule) -> None:
        super().__init__(module)
        self.found: list[Operator] = []
        self._known: dict[str, tuple[int, ...]] = {}

    def run_node(self, n: torch.fx.Node) -> Any:
        value = super().run_node(n)
        inputs = tuple(i for one in n.all_input_nodes for i in self._known.get(one.name, ()))
        self._known[n.name] = inputs
        tensor = _first_tensor(value) if n.op == "call_function" else None
        if tensor is not None and "getitem" not in str(n.target):
            self._known[n.name] = (len(self.found),)
            source = source_of(str(n.meta.get("stack_trace") or ""))
            self.found.append(Operator(str(n.target), source, tuple(tensor.shape), _sampled(tensor), inputs))
        return value


def source_of(trace: str) -> str:
    """File and line of the user's code in a stack trace; empty if there is none."""
    return place_of(innermost(frames_in(trace)))


def operators_of_graph(module: torch.nn.Module, args: Sequence[Any]) -> list[Operator]:
    """Of a program's module (``ExportedProgram.module()``), called with these arguments."""
    assert isinstance(module, torch.fx.GraphModule)
    recorder = _Recorder(module)
    with torch.no_grad():
        recorder.run(*pytree.tree_leaves(tuple(args)))
    return recorder.found


class _Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps what every operator gives that anything calls: Python's code or TorchScript's interpreter."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[Operator] = []
        self._makers: dict[int, int] = {}
        self._alive: list[torch.Tensor] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        value = func(*args, **(kwargs or {}))
        tensor = _first_tensor(value)
        if tensor is not None:
            given = (leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor))
            inputs = tuple(self._makers[id(one)] for one in given if id(one) in self._makers)
            for leaf in pytree.tree_leaves(value):
                if isinstance(leaf, torch.Tensor):
                    self._makers[id(leaf)] = len(self.found)
                    self._alive.append(leaf)  # or its id would be another's
            self.found.append(Operator(str(func), "", tuple(tensor.shape), _sampled(tensor), inputs))
        return value


def operators_of_call(model: Any, args: Sequence[Any]) -> list[Operator]:
    """Of a model in Python, or of TorchScript in Python, called with these arguments."""
    calls = _Calls()
    with torch.no_grad(), calls:
        model(*args)
    return calls.found


def first_divergence(before: Sequence[Operator], after: Sequence[Operator]) -> Divergence | None:
    """The first operator of the stage before whose value the stage after does not have, nor any value that
    follows from it; ``None`` if there is none."""
    same = [next((j for j, other in enumerate(after) if one.equals(other)), None) for one in before]
    follows: list[list[int]] = [[] for _ in before]
    for number, one in enumerate(before):
        for given in one.inputs:
            follows[given].append(number)
    lost = [match is None for match in same]
    for number in reversed(range(len(before))):
        # What is computed in another way on the way to a value that both have is no difference.
        lost[number] = lost[number] and all(lost[user] for user in follows[number])
    for number, one in enumerate(before):
        if lost[number] and (follows[number] or number == len(before) - 1):
            return Divergence(
                one.name,
                one.source,
                _became(one, after, same),
                number,
                len(before),
                _difference(one, after),
            )
    return None


def _difference(one: Operator, after: Sequence[Operator]) -> float | None:
    nearest = min((one.distance(other) for other in after), default=float("inf"))
    return nearest if nearest < float("inf") else None


def _became(one: Operator, after: Sequence[Operator], same: Sequence[int | None]) -> str:
    """The operators of the stage after that begin where this one did."""
    known = {match for match in same if match is not None}
    given = {same[number] for number in one.inputs}
    region: set[int] = set()
    names: list[str] = []
    for number, other in enumerate(after):
        starts = any(i in given or i in region for i in other.inputs) or not (other.inputs or one.inputs)
        if number in known or not starts:
            continue
        region.add(number)
        names.append(other.name)
        if other.shape == one.shape and one.distance(other) < float("inf") and len(names) >= _SHOWN:
            break
    return ", ".join(dict.fromkeys(names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")
