"""Inputs described on the command line: ``x=float32[N,3,224,224]``, ``sr:int=16000``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tsharness.cases.input_grammar import read_value
from tsharness.cases.specs import InputCase, ScalarSpec, Spec, TensorSpec, map_leaves, tensors_of
from tsharness.errors import UsageError

EXAMPLES = (
    "'x=float32[N,3,224,224]' (with --dim N=1,4), 'ids=int64[N,16]:0..1000', 'sr:int=16000', "
    "'images=[float32[3,64,64], float32[3,32,32]]', 'batch={ids: int64[2,16], mask: None}'"
)

_NAMED = re.compile(r"(?P<name>\w+)=(?P<value>.+)", re.DOTALL)
_SCALAR = re.compile(r"(?P<name>\w+):(?P<type>int|float|bool|str)=(?P<value>.*)", re.DOTALL)
_BOOLS = {"true": True, "false": False, "1": True, "0": False}


def input_cases(
    inputs: Sequence[str], dims: Sequence[str], method: str | None = None
) -> tuple[InputCase, ...]:
    """Reads the options ``--input``, ``--dim`` and ``--method`` of one command. Raises UsageError."""
    if dims and not inputs:
        raise UsageError("--dim gives sizes to the dims of --input, but there is no --input")
    if not inputs:
        return ()
    cases = expand([parse_input(text) for text in inputs], dict(map(parse_dim, dims)))
    return tuple(replace(case, method=method or "forward") for case in cases)


def parse_input(text: str) -> Spec:
    """Reads one ``--input``. Raises UsageError with examples."""
    scalar, named = _SCALAR.fullmatch(text), _NAMED.fullmatch(text)
    try:
        if scalar:
            return ScalarSpec(scalar["name"], _scalar(scalar["type"], scalar["value"]))
        if named:
            return read_value(named["name"], named["value"])
    except ValueError as error:
        raise UsageError(f"--input '{text}': {error}; for example {EXAMPLES}") from None
    raise UsageError(f"--input '{text}' is not understood; for example {EXAMPLES}")


def _scalar(kind: str, text: str) -> int | float | bool | str:
    if kind == "bool":
        if text.lower() not in _BOOLS:
            raise ValueError(f"'{text}' is not true or false")
        return _BOOLS[text.lower()]
    if kind == "str":
        return text
    return int(text) if kind == "int" else float(text)


def parse_dim(text: str) -> tuple[str, tuple[int, ...]]:
    """Reads one ``--dim N=1,4``. Raises UsageError."""
    name, _, sizes = text.partition("=")
    if not name.isidentifier() or not re.fullmatch(r"\d+(,\d+)*", sizes):
        raise UsageError(f"--dim '{text}' is not understood; for example --dim N=1,4")
    return name, tuple(int(size) for size in sizes.split(","))


def expand(specs: Sequence[Spec], dims: Mapping[str, tuple[int, ...]]) -> tuple[InputCase, ...]:
    """A case for every combination of the dims' sizes. Raises UsageError for a dim without sizes,
    or one that no input has."""
    tensors = [tensor for spec in specs for tensor in tensors_of(spec)]
    used = list(dict.fromkeys(dim for t in tensors for dim in t.dims if isinstance(dim, str)))
    missing, unused = [d for d in used if d not in dims], [d for d in dims if d not in used]
    if missing:
        raise UsageError(f"no size for dim {', '.join(missing)}; add --dim {missing[0]}=1,4")
    if unused:
        raise UsageError(f"--dim {unused[0]}: no --input has a dim of that name")
    cases = []
    for sizes in itertools.product(*(dims[name] for name in used)):
        size = dict(zip(used, sizes, strict=True))
        name = ",".join(f"{key}={value}" for key, value in size.items()) or "input"
        cases.append(InputCase(name, tuple(_with_sizes(spec, size) for spec in specs)))
    return tuple(cases)


def _with_sizes(spec: Spec, size: Mapping[str, int]) -> Spec:
    def sized(leaf: Spec) -> Spec:
        if not isinstance(leaf, TensorSpec):
            return leaf
        return replace(leaf, dims=tuple(size[dim] if isinstance(dim, str) else dim for dim in leaf.dims))

    return map_leaves(spec, sized)
