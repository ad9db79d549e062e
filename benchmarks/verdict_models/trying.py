"""Calls that an old file takes, found by making them: other sizes, values, methods and sequences of calls.
All of it is this program's own, so that it may disagree with what ``tsharness migrate`` tries."""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from tsharness.cases.case_file import Case, CaseFile, write_case_file
from tsharness.errors import TsharnessError
from tsharness.exporting import torch_jit
from tsharness.exporting.inputs import Inputs
from tsharness.exporting.record import ModelFailed, record_case
from tsharness.exporting.state import Subject

_COUNT = 7
"""Sizes other than the example's that are tried of a dim."""
_STEPS = 3
_MOST = 60
"""Cases of one file."""


def write_trials(old: Path, examples: dict[str, list[Inputs]], target: Path, contiguous: bool) -> int:
    """Records what the old file gives for calls that it takes; how many cases that were."""
    taken = list(itertools.islice(_taken(old, examples, contiguous), _MOST))
    write_case_file(CaseFile(tuple(taken)), target)
    return len(taken)


def _taken(old: Path, examples: dict[str, list[Inputs]], contiguous: bool) -> Iterator[Case]:
    torch.manual_seed(7)
    for number, calls in enumerate(_calls(old, examples, contiguous)):
        case = _recorded(old, f"trial {number}", calls)
        if case is not None:
            yield case


def _recorded(old: Path, name: str, calls: list[Inputs]) -> Case | None:
    """``None`` if the old file does not take these."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return record_case(Subject(torch_jit.load(old)), name, calls).case
    except (ModelFailed, TsharnessError):
        return None


def _calls(old: Path, examples: dict[str, list[Inputs]], contiguous: bool) -> Iterator[list[Inputs]]:
    yield from _uncalled(old, examples)
    for calls in examples.values():
        others = list(_others(calls[-1], contiguous))
        # Two calls of a model that keeps state: such a case begins anew each time, a single call does not.
        before = calls[:1] if len(calls) > 1 else []
        yield from ([*before, one] for one in others)
        # One after the other on the same module: sizes change from call to call, and come again.
        for first in others[:4]:
            yield [calls[0], first, calls[0]] + [first] * (_STEPS - 1)
        if len(calls) > 1:
            yield [*calls, *calls]
            yield list(reversed(calls))


def _uncalled(old: Path, examples: dict[str, list[Inputs]]) -> Iterator[list[Inputs]]:
    """Methods that no example calls: without arguments, or with those of an example."""
    known = {call.method for calls in examples.values() for call in calls}
    given = [call for calls in examples.values() for call in calls]
    names = [name for name in torch_jit.load(old)._c._method_names() if not name.startswith("__")]
    for name in (one for one in names if one not in known):
        yield [Inputs(method=name)]
        yield from ([Inputs(*call.args, method=name, **call.kwargs)] for call in given)


def _others(call: Inputs, contiguous: bool) -> Iterator[Inputs]:
    """The call with other sizes of one dim, of several, with other values, laid out otherwise."""
    tensors = list(dict.fromkeys(_sizes_of(call)))
    for extent in dict.fromkeys(tensors):
        for size in _sizes(extent):
            yield _with_leaves(call, lambda leaf, e=extent, s=size: _resized(leaf, {e: s}))
            yield _with_leaves(call, lambda leaf, e=extent, s=size: _resized(leaf, {e: s}, first=True))
    rng = random.Random(1)
    for _ in range(_COUNT):
        sizes = {extent: rng.choice(_sizes(extent)) for extent in tensors}
        yield _with_leaves(call, lambda leaf, s=sizes: _resized(leaf, s))
    for change in (_negative, _large, torch.zeros_like, _other_values):
        yield _with_leaves(call, lambda leaf, c=change: _changed(leaf, c))
    for other in (0, 1, 5):
        yield _with_leaves(call, lambda leaf, o=other: o if type(leaf) is int else leaf)
    yield _with_leaves(call, lambda leaf: not leaf if type(leaf) is bool else leaf)
    if not contiguous:
        yield _with_leaves(call, lambda leaf: _changed(leaf, _turned))


def _sizes(extent: int) -> list[int]:
    return [
        one for one in dict.fromkeys([1, 2, 3 * extent, extent + 4, max(1, extent - 1), 7]) if one != extent
    ]


def _sizes_of(call: Inputs) -> Iterator[int]:
    for _, leaf in call.leaves(()):
        if isinstance(leaf, torch.Tensor):
            yield from leaf.shape


def _with_leaves(call: Inputs, change: Any) -> Inputs:
    return call.replaced(lambda _, leaf: change(leaf), ())


def _changed(leaf: Any, change: Any) -> Any:
    floating = isinstance(leaf, torch.Tensor) and leaf.is_floating_point()
    return change(leaf) if floating else leaf


def _resized(leaf: Any, sizes: dict[int, int], first: bool = False) -> Any:
    """Dims that have a size become another; ``first``: first dims alone. The numbers come again, in float
    tensors with something added, so that no two rows are alike."""
    if not isinstance(leaf, torch.Tensor) or leaf.is_quantized or leaf.layout is not torch.strided:
        return leaf
    for dim, extent in enumerate(leaf.shape if not first else leaf.shape[:1]):
        if extent in sizes and extent > 0:
            leaf = leaf.index_select(dim, torch.arange(sizes[extent]) % extent)
    return leaf + 0.1 * torch.rand_like(leaf) if leaf.is_floating_point() else leaf


def _negative(leaf: torch.Tensor) -> torch.Tensor:
    return -leaf.abs()


def _large(leaf: torch.Tensor) -> torch.Tensor:
    return leaf * 100


def _other_values(leaf: torch.Tensor) -> torch.Tensor:
    return torch.rand_like(leaf) - 0.5


def _turned(leaf: torch.Tensor) -> torch.Tensor:
    """The same values, with the last two dims exchanged in memory."""
    return leaf.transpose(-1, -2).contiguous().transpose(-1, -2) if leaf.dim() > 1 else leaf
