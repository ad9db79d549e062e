"""From what was seen of a model to findings: each rule of the catalogue has its look here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from tsharness.exporting import graph
from tsharness.exporting.convert import Converted
from tsharness.exporting.observe import Observation
from tsharness.exporting.ranges import LOOP
from tsharness.exporting.record import Recorded
from tsharness.exporting.source import Place
from tsharness.findings import finding
from tsharness.report.model import Finding
from tsharness.verdict import Verdict
from tsharness.verification.report import CaseResult

_FIRST_UNSUPPORTED_PYTHON = (3, 14)
_SHOWN = 3  # places that a finding names; it counts the others
_LOOKED_AT = 10_000  # elements of each parameter
_SUBNORMAL_SHARE = 0.01  # of a model's weights; pruned and decayed ones come in such numbers

_TRACER = (
    (re.compile("to a Python boolean"), "TS101"),
    (re.compile("to a Python (integer|float|index|number)"), "TS102"),
    (re.compile("Using len"), "TS103"),
    (re.compile(re.escape(LOOP)), "TS193"),
    (re.compile("Iterating over a tensor"), "TS104"),
    (re.compile("registered as constants|NumPy array|to a Python list|as_tensor|from_numpy"), "TS105"),
)


def of_model(model: torch.nn.Module, seen: Observation, recorded: Recorded) -> Iterator[Finding]:
    """What holds for the model, whatever the method."""
    for code, places in (("TS107", seen.dropout), ("TS108", seen.batch_statistics)):
        if places:
            yield _with_places(code, "in forward", places)
    if seen.random:
        names = ", ".join(dict.fromkeys(name for name, _ in seen.random))
        yield _with_places("TS109", f"torch.{names}", [where for _, where in seen.random])
    if seen.float64 is not None:
        yield _with_places("TS113", f"made by {seen.float64[0]}", [seen.float64[1]])
    for name, where in seen.written:
        yield _with_places("TS121", f"input {name}", [where])
    if recorded.changed:
        shown = ", ".join(recorded.changed[:_SHOWN]) + (", …" if len(recorded.changed) > _SHOWN else "")
        yield finding("TS122", f"changed by the call: {shown}")
    for output, given in seen.aliases:
        yield finding("TS123", f"{output} shares memory with the input {given}")
    yield from _weights(model)


def _weights(model: torch.nn.Module) -> Iterator[Finding]:
    parameters = list(model.parameters())
    learning = [p for p in parameters if p.requires_grad]
    if learning:
        yield finding("TS141", f"{len(learning)} of {len(parameters)} parameters do")
    floating = [_sample(p.detach()) for p in parameters if p.dtype in (torch.float32, torch.float64)]
    total = sum(p.numel() for p in floating)
    small = sum(_subnormals(p) for p in floating)
    if total and small / total >= _SUBNORMAL_SHARE:
        tiny = torch.finfo(torch.float32).tiny
        yield finding("TS142", f"{small} of {total} weights looked at ({small / total:.0%})", tiny=tiny)


def _sample(tensor: torch.Tensor) -> torch.Tensor:
    """Elements at even distances: a share does not need them all."""
    return tensor.flatten()[:: max(1, tensor.numel() // _LOOKED_AT)]


def _subnormals(tensor: torch.Tensor) -> int:
    magnitude = tensor.abs()
    return int(((magnitude > 0) & (magnitude < torch.finfo(tensor.dtype).tiny)).sum())


def of_candidate(converted: Converted, seen: Observation) -> Iterator[Finding]:
    """What holds for the module that one method made."""
    yield from converted.findings
    if converted.module is None:
        return
    yield from _tracer_findings(converted, seen)
    yield from _literals("TS111", graph.baked_devices(converted.module), "device")
    yield from _literals("TS112", graph.baked_dtypes(converted.module), "dtype")
    if converted.method == "trace":
        yield from _containers(seen.outputs)
        if converted.strict is False:
            yield finding("TS133", f"strict=False was needed: outputs hold {_kind(seen.outputs)}")


def of_lite(left_out: Sequence[tuple[str, Place | None]]) -> Iterator[Finding]:
    """Of what has no form in bytecode and was left out."""
    yield from _literals("TS518", left_out, "context")


def _tracer_findings(converted: Converted, seen: Observation) -> Iterator[Finding]:
    assert converted.module is not None
    numbers = graph.numbers_by_place(converted.module) if converted.tracer_warnings else {}
    found: dict[str, dict[str, str]] = {}
    for message, where in converted.tracer_warnings:
        codes = [code for pattern, code in _TRACER if pattern.search(message)]
        if not codes or (codes[0] == "TS101" and where.through):
            continue  # torch's own layers check their arguments: such a branch is an error message
        value = _baked_value(seen, numbers, where, codes[0])
        told = f", which was {value}" if value is not None else ""
        found.setdefault(codes[0], {}).setdefault(f"{where.shown}{told}", str(where))
    for code, places in found.items():
        more = f"; and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        yield finding(code, "; ".join(list(places)[:_SHOWN]) + more, where=next(iter(places.values())))


def _baked_value(
    seen: Observation, numbers: Mapping[Place, Sequence[int | float]], where: Place, code: str
) -> Any:
    """The value that the trace holds: as Python saw it, or as it stands in the graph at that line."""
    if code in ("TS101", "TS102") and where in seen.conversions:
        return seen.conversions[where]
    found = numbers.get(where, ())
    return found[0] if code == "TS102" and len(found) == 1 else None


def _literals(code: str, found: Sequence[tuple[str, Place | None]], fact: str) -> Iterator[Finding]:
    """One finding for each value, with the places where it stands."""
    for value in dict.fromkeys(value for value, _ in found):
        places = [where for own, where in found if own == value]
        yield _with_places(code, value, places, **{fact: value})


def _with_places(code: str, what: str, places: Sequence[Place | None], **facts: Any) -> Finding:
    known = list(dict.fromkeys(where for where in places if where is not None))
    shown = ", ".join(where.shown for where in known[:_SHOWN])
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    seen = f"{what}: {shown}{more}" if known else what
    return finding(code, seen, where=str(known[0]) if known else None, **facts)


def of_sizes(cases: Sequence[CaseResult], known: Sequence[Finding]) -> Iterator[Finding]:
    """That a trace does not follow the sizes of its inputs, where the tracer has not said it."""
    right = [case for case in cases if case.family == "example" and case.verdict is Verdict.PASS]
    wrong = [
        case.name for case in cases if case.family in ("sizes", "dims") and case.verdict is not Verdict.PASS
    ]
    if right and wrong and not any(one.code == "TS102" for one in known):
        told = ", ".join(wrong[:_SHOWN]) + (f" and {len(wrong) - _SHOWN} more" if wrong[_SHOWN:] else "")
        yield finding("TS102", f"it is right at the example's sizes, not at {told}")


def _containers(outputs: Any) -> Iterator[Finding]:
    """A trace returns plain tuples and dicts, whatever the model's classes were."""
    kind = type(outputs).__name__
    if isinstance(outputs, tuple) and hasattr(outputs, "_fields"):
        yield finding("TS131", f"the named tuple {kind}", returned="a plain tuple", kind=kind)
    elif isinstance(outputs, dict) and type(outputs) is not dict:
        yield finding("TS131", f"the class {kind}", returned="a plain dict", kind=kind)


def _kind(outputs: Any) -> str:
    found: list[str] = []
    _visit(outputs, lambda value: found.append(type(value).__name__))
    return " and ".join(f"a {name}" for name in dict.fromkeys(found)) or "containers"


def _visit(value: Any, visit: Callable[[Any], None]) -> None:
    if isinstance(value, (list, dict)):
        visit(value)
    if isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            _visit(item, visit)


def version_findings(python: tuple[int, int]) -> Iterator[Finding]:
    """What is to be said of the Python that exports."""
    if python >= _FIRST_UNSUPPORTED_PYTHON:
        yield finding("TS162", f"Python {python[0]}.{python[1]}")
