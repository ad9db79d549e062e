"""From what an artifact says of its arguments to inputs that may fit. Nothing here runs anything."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tsharness.artifact.traced_inputs import TracedTensor
from tsharness.cases.input_spec import InputCase, ListSpec, ScalarSpec, Spec, TensorSpec

_BATCH = 2
_SEQUENCE = 16
# What networks of each kind are usually made for, the most usual first.
_SIGNAL = (16000, 3000, 512, 1000, 400, 64, 4096)
_IMAGE = (224, 256, 64, 32, 128, 96, 512, 299, 384, 28, 1024)
_VOLUME = (32, 64, 96, 128, 16)
_SIZES = {3: _SIGNAL, 4: _IMAGE, 5: _VOLUME}
_INTEGERS: dict[str, tuple[int, ...]] = {"rate": (16000, 8000), "sr": (16000, 8000)}
_MOST = 96
"""Candidates that are tried at most."""


@dataclass(frozen=True)
class Argument:
    """An argument of a method, as the runner describes it."""

    name: str
    type: str
    has_default: bool
    hints: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Argument:
        return cls(data["name"], data["type"], data["has_default"], tuple(data["hints"]))

    @property
    def is_tensor(self) -> bool:
        return self.type in ("Tensor", "Optional[Tensor]")

    @property
    def is_list(self) -> bool:
        return self.type == "List[Tensor]"


# For an element of a list of tensors: an image, what has a batch, a row.
_ELEMENTS = ((3, 224, 224), (1, 3, 224, 224), (_BATCH, 10), (_BATCH, _SEQUENCE, 64), (10,), (1, 64, 64))
# For a tensor of which nothing at all is known.
_UNKNOWN = ((_BATCH, 10), (1, 512), (_BATCH, 3, 224, 224), (512,), (1, 16000), (_BATCH,), ())


def candidates(
    method: str, arguments: Sequence[Argument], sizes: Sequence[int], traced: Sequence[Any]
) -> list[InputCase]:
    """Inputs for a method, the likeliest first: with the shapes that the trace has kept, if it has; else with
    those that its first operators ask for."""
    needed = [a for a in arguments if not a.has_default]
    if len(traced) >= len(needed) > 0:
        pairs = list(zip(arguments, traced, strict=False))
        first = [[_as_traced(a, value)] for a, value in pairs if _can_be_traced(value)]
        if len(first) == len(pairs):
            return _numbered(method, _combined(first))
    choices = [_choices(a, sizes) for a in needed]
    return _numbered(method, _combined(_aligned(choices, needed)))


def untellable(arguments: Sequence[Argument]) -> list[Argument]:
    """Arguments for which nothing can be made: they need ``--input`` or cases."""
    return [
        a
        for a in arguments
        if not a.has_default and not a.is_tensor and not a.is_list and a.type not in _SCALARS
    ]


_SCALARS: dict[str, tuple[int | float | bool | str, ...]] = {
    "int": (1, 16000, 0),
    "float": (1.0, 0.5),
    "bool": (False, True),
    "number": (1.0,),
    "str": ("",),
}


def _can_be_traced(value: Any) -> bool:
    return isinstance(value, (TracedTensor, bool, int, float, str))


def _as_traced(argument: Argument, value: Any) -> Spec:
    if not isinstance(value, TracedTensor):
        return ScalarSpec(argument.name, value)
    low, high = _range(argument, value.dtype)
    return TensorSpec(argument.name, value.dtype, value.dims, low, high)


def _range(argument: Argument, dtype: str) -> tuple[float | None, float | None]:
    """Of an index into a table; ones for what has a mask's name."""
    if dtype.startswith("float") or dtype == "bfloat16":
        return (None, None)
    for hint in argument.hints:
        if "high" in hint:
            return 0, hint["high"]
    return (1, 1) if "mask" in argument.name and dtype != "bool" else (None, None)


def _choices(argument: Argument, sizes: Sequence[int]) -> list[Spec]:
    if argument.is_list:
        return [_several(argument.name, dims) for dims in _ELEMENTS]
    if not argument.is_tensor:
        known = next((v for key, v in _INTEGERS.items() if key in argument.name.lower()), None)
        values = known if known and argument.type == "int" else _SCALARS.get(argument.type, ())
        return [ScalarSpec(argument.name, value) for value in values]
    found = [spec for hint in _best_first(argument.hints) for spec in _of_hint(argument, hint, sizes)]
    return list(dict.fromkeys(found))


def _several(name: str, dims: tuple[int, ...]) -> ListSpec:
    """A detector's images, for example: two of a kind."""
    return ListSpec(name, (TensorSpec("item", "float32", dims),) * 2)


def _best_first(hints: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What fixes the rank says most; then what fixes the last dim; then what fixes the dtype alone."""

    def rank(hint: Mapping[str, Any]) -> int:
        if "dims" not in hint:
            return 3
        return 0 if not hint["ellipsis"] else 1 if hint["dims"] or "high" in hint else 2

    return sorted(hints, key=rank)


def _of_hint(argument: Argument, hint: Mapping[str, Any], sizes: Sequence[int]) -> Iterator[TensorSpec]:
    dtype = hint["dtype"]
    low, high = _range(argument, dtype)
    for dims in _shapes(hint, sizes):
        yield TensorSpec(argument.name, dtype, dims, low, high)


def _shapes(hint: Mapping[str, Any], sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    if "channels" in hint:
        c = hint["channels"]
        yield from ((_BATCH, c, 64, 64), (_BATCH, c), (_BATCH, c, 64), (_BATCH, c, 16, 16, 16))
    elif not hint.get("dims") and "high" in hint:
        yield from ((_BATCH, _SEQUENCE), (_SEQUENCE,), (_BATCH,), (1, _SEQUENCE, _SEQUENCE))
    elif hint.get("ellipsis", True):
        last = tuple(hint.get("dims", ()))
        yield from ((_BATCH, *last), (_BATCH, _SEQUENCE, *last), last)
    else:
        yield from _full_shapes(hint, sizes)


def _full_shapes(hint: Mapping[str, Any], sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """A convolution's or a recurrent cell's: what is not known is batch, then length or image size."""
    dims = hint["dims"]
    if "kernel" not in hint:
        for size in (_SEQUENCE, 64):
            yield tuple(
                _BATCH if i == 0 and d is None else size if d is None else d for i, d in enumerate(dims)
            )
        return
    rank = len(dims)
    likely = [*_from_positions(sizes, hint["kernel"], rank), *_SIZES.get(max(rank, 3), _IMAGE)]
    for size in dict.fromkeys(likely):
        yield tuple(_BATCH if i == 0 and d is None else size if d is None else d for i, d in enumerate(dims))


def _from_positions(sizes: Sequence[int], kernel: int, rank: int) -> list[int]:
    """Image sizes that give as many patches as a position embedding has rows, one for a class token or not;
    for signals, the lengths themselves and twice them (a stride of 2 before)."""
    if rank < 4:
        return [size * factor for size in sizes for factor in (2, 1) if size > 64]
    grids = [math.isqrt(n) for size in sizes for n in (size, size - 1) if n > 1 and math.isqrt(n) ** 2 == n]
    return [grid * kernel for grid in grids if 16 <= grid * kernel <= 1024]


def _aligned(choices: list[list[Spec]], arguments: Sequence[Argument]) -> list[list[Spec]]:
    """Tensors of which nothing is known have the shape of the first tensor of which something is: masks,
    positions, states of one more sequence."""
    known = next((c[0] for c in choices if c and isinstance(c[0], TensorSpec)), None)
    aligned = []
    for argument, choice in zip(arguments, choices, strict=True):
        if choice or not argument.is_tensor:
            aligned.append(choice)
            continue
        dims = known.dims[:2] if isinstance(known, TensorSpec) else (_BATCH, _SEQUENCE)
        integers = TensorSpec(argument.name, "int64", dims, 1, 1) if "mask" in argument.name else None
        plain = [TensorSpec(argument.name, "int64", dims), TensorSpec(argument.name, "float32", dims)]
        shapes = _UNKNOWN if known is None else ()
        others = [TensorSpec(argument.name, "float32", shape) for shape in shapes]
        aligned.append([*([integers] if integers else []), *(plain if known else plain[::-1]), *others])
    return aligned


def _combined(choices: Sequence[Sequence[Spec]]) -> Iterator[tuple[Spec, ...]]:
    """All combinations, those first in which each argument has its likeliest specs."""
    ranked = itertools.product(*(list(enumerate(choice)) for choice in choices))
    most = list(itertools.islice(ranked, 20_000))
    most.sort(key=lambda combination: sum(rank for rank, _ in combination))
    return (tuple(spec for _, spec in combination) for combination in most)


def _numbered(method: str, combinations: Iterator[tuple[Spec, ...]]) -> list[InputCase]:
    chosen = itertools.islice(combinations, _MOST)
    return [InputCase(str(number), specs, method) for number, specs in enumerate(chosen)]


def with_rows(case: InputCase, rows: int) -> InputCase | None:
    """The same inputs with another size of the batch; ``None`` if there is no dim to be one."""
    tensors = [spec for spec in case.inputs if isinstance(spec, TensorSpec) and spec.dims]
    if not tensors:
        return None
    batch = tensors[0].dims[0]
    inputs = tuple(
        replace(s, dims=(rows, *s.dims[1:])) if isinstance(s, TensorSpec) and s.dims[:1] == (batch,) else s
        for s in case.inputs
    )
    return InputCase(f"batch={rows}", inputs, case.method)
