"""What a model does when it runs in Python: seen in one run of the example, with the lines that do it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from tsharness.exporting.inputs import Inputs, leaves_of
from tsharness.exporting.source import Place, current_place

_CONVERSIONS = {
    "__bool__": "bool",
    "__int__": "int",
    "__index__": "int",
    "__float__": "float",
    "item": "number",
    "tolist": "number",
}
_DROPOUT = ("native_dropout", "dropout", "feature_dropout", "alpha_dropout", "bernoulli", "bernoulli_")
_BATCH_NORM = ("native_batch_norm", "_native_batch_norm_legit", "cudnn_batch_norm", "miopen_batch_norm")


@dataclass
class Observation:
    """What was seen. A place is ``None`` where no line of the user's is involved."""

    conversions: dict[Place, Any] = field(default_factory=dict)
    """Lines where a tensor became a Python value, with that value."""
    dropout: list[Place | None] = field(default_factory=list)
    batch_statistics: list[Place | None] = field(default_factory=list)
    random: list[tuple[str, Place | None]] = field(default_factory=list)
    """Operators that drew random numbers, dropout aside."""
    float64: tuple[str, Place | None] | None = None
    """The first operator that made float64 of what was not."""
    written: list[tuple[str, Place | None]] = field(default_factory=list)
    """Inputs that were written to, with the first line that did it."""
    aliases: list[tuple[str, str]] = field(default_factory=list)
    """Outputs that share memory with an input: their names."""
    outputs: Any = None


class _Conversions(TorchFunctionMode):
    def __init__(self, seen: dict[Place, Any], outermost: FrameType) -> None:
        super().__init__()
        self._seen, self._outermost = seen, outermost
        self.in_instance_norm = False
        """It is batch normalisation in disguise, and means to use its input's own statistics."""

    @contextmanager
    def _inside_instance_norm(self) -> Iterator[None]:
        before, self.in_instance_norm = self.in_instance_norm, True
        try:
            yield
        finally:
            self.in_instance_norm = before

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name == "instance_norm":
            with self._inside_instance_norm():
                return func(*args, **(kwargs or {}))
        result = func(*args, **(kwargs or {}))
        if name in _CONVERSIONS:
            where = current_place(self._outermost)
            if where is not None:
                self._seen.setdefault(where, result)
        return result


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """torch would load its compiler for a second, only to keep it away from this class."""
        return False

    def __init__(
        self,
        seen: Observation,
        functions: _Conversions,
        inputs: Mapping[str, torch.Tensor],
        outermost: FrameType,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seen, self._functions, self._outermost = seen, functions, outermost
        self._inputs = {_storage(tensor): name for name, tensor in inputs.items()}
        self._wide = any(tensor.dtype in _WIDE for tensor in inputs.values())

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        given = [leaf for _, leaf in leaves_of("", list(args)) if isinstance(leaf, torch.Tensor)]
        self._look_at_randomness(func, name)
        self._look_at_writes(func, args)
        batch_statistics = name in _BATCH_NORM and len(args) > 5 and args[5] is True
        if batch_statistics and not self._functions.in_instance_norm:
            self._seen.batch_statistics.append(current_place(self._outermost))
        if self._seen.float64 is None and not self._wide:
            self._look_at_float64(name, given, result)
        return result

    def _look_at_randomness(self, func: Any, name: str) -> None:
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return
        if name in _DROPOUT:
            self._seen.dropout.append(current_place(self._outermost))
        elif not (name.endswith("dropout") or "attention" in name):
            self._seen.random.append((name, current_place(self._outermost)))

    def _look_at_writes(self, func: Any, args: Sequence[Any]) -> None:
        for argument, value in zip(func._schema.arguments, args, strict=False):
            if argument.alias_info is None or not argument.alias_info.is_write:
                continue
            for _, leaf in leaves_of("", value):
                name = self._inputs.get(_storage(leaf)) if isinstance(leaf, torch.Tensor) else None
                if name is not None and name not in (known for known, _ in self._seen.written):
                    self._seen.written.append((name, current_place(self._outermost)))

    def _look_at_float64(self, name: str, given: Sequence[torch.Tensor], result: Any) -> None:
        made = [t for _, t in leaves_of("", result) if isinstance(t, torch.Tensor)]
        # A 0-dim tensor is a Python number in disguise, which does not widen what it meets.
        wide = [t for t in made if t.dtype in _WIDE and t.dim() > 0]
        if wide and not any(t.dtype in _WIDE and t.dim() > 0 for t in given):
            self._seen.float64 = (name, current_place(self._outermost))


_WIDE = (torch.float64, torch.complex128)


def _storage(tensor: torch.Tensor) -> int:
    """Something that tensors on the same memory have in common; 0 for those that have none."""
    if tensor.layout is not torch.strided:
        return 0
    return int(tensor.untyped_storage()._cdata)


def observe(calls: Sequence[tuple[Callable[..., Any], Inputs, Sequence[str]]]) -> Observation:
    """Runs calls, given as function, inputs and names of the positional arguments, and watches.

    ``outputs`` are those of the first."""
    seen = Observation()
    for function, call, names in calls:
        outputs = _observe_call(function, call, names, seen)
        seen.outputs = outputs if seen.outputs is None else seen.outputs
    return seen


def _observe_call(function: Callable[..., Any], call: Inputs, names: Sequence[str], seen: Observation) -> Any:
    given = call.copy()
    tensors = {name: leaf for name, leaf in given.leaves(names) if isinstance(leaf, torch.Tensor)}
    here = sys._getframe()
    functions = _Conversions(seen.conversions, here)
    with functions, _Operators(seen, functions, tensors, here):
        outputs = function(*given.args, **given.kwargs)
    by_storage = {_storage(tensor): name for name, tensor in tensors.items() if tensor.numel()}
    for name, leaf in leaves_of("output", outputs):
        if isinstance(leaf, torch.Tensor) and leaf.numel() and _storage(leaf) in by_storage:
            seen.aliases.append((name, by_storage[_storage(leaf)]))
    return outputs
