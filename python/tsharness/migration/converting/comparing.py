"""Running the cases on a stage, and comparing with the reference."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from tsharness.exporting.guard import seeded
from tsharness.exporting.inputs import leaves_of, map_leaves
from tsharness.exporting.source import essence
from tsharness.exporting.stages import plain_tuples
from tsharness.migration.converting.cases import Example
from tsharness.migration.stage import Stage
from tsharness.session import load_core
from tsharness.verdict import Verdict

Run = Callable[..., Any]
"""A form of the model: called with the arguments of forward; other methods, if it has any, by their names."""


def run_stage(
    name: str,
    fresh: Callable[[], Run],
    examples: Sequence[Example],
    tolerance: Mapping[str, Any],
    started: float,
) -> Stage:
    """All cases on a stage; ``fresh`` gives it in the state in which it was made."""
    worst, failed, reason, where = 0.0, [], "", ""
    broken = False
    for example in examples:
        try:
            found = _of_case(fresh(), example, tolerance)
        except Exception as error:
            # Whatever it raises: this stage does not run where the model does.
            broken = True
            failed.append(example.name)
            reason = reason or f"raises on case {example.name}: {essence(error)}"
            continue
        for one in found:
            largest = _max_abs(one)
            if largest is not None and largest > worst:
                worst, where = largest, f"{one['name']} of case {example.name}"
        bad = [one for one in found if not one["passed"]]
        if bad:
            failed.append(example.name)
            reason = reason or f"{bad[0]['name']} of case {example.name} {bad[0]['reason']}"
    verdict = (
        Verdict.PASS
        if not failed
        else Verdict.ERROR
        if broken and len(failed) == len(examples)
        else Verdict.FAIL
    )
    return Stage(name, verdict, worst, where, reason, tuple(failed), time.monotonic() - started)


def _of_case(run: Run, example: Example, tolerance: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    with seeded(), torch.no_grad():
        for call, expected in zip(example.calls, example.outputs, strict=True):
            method = run if call.method == "forward" else getattr(run, call.method)
            own = call.copy()  # for models that write to what they are given
            actual = method(*own.args, **own.kwargs)
            found += compared(actual, expected, {**(example.case.tolerance or {}), **tolerance})
    return found


def compared(actual: Any, expected: Any, tolerance: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the core says of two values; containers need not be of the same class of Python's."""
    layer = json.dumps({"normwise": True, **tolerance})
    given = _plain(actual), _plain(expected)
    if _shape(given[0]) != _shape(given[1]):
        leaves = [_leaves(value) for value in given]
        # What comes out in another container is compared leaf by leaf, as the runtimes give it.
        given = (leaves[0], leaves[1]) if len(leaves[0]) == len(leaves[1]) else given
    text = load_core().compare_json(*given, layer, "cpu")
    return list(json.loads(text))


def _shape(value: Any) -> Any:
    """The containers of a value, without its leaves."""
    if isinstance(value, (list, tuple)):
        return (type(value), tuple(map(_shape, value)))
    if isinstance(value, dict):
        return (dict, tuple((key, _shape(item)) for key, item in value.items()))
    return None


def _leaves(value: Any) -> Any:
    """All leaves in order, as a tuple; one by itself is no tuple."""
    found = tuple(leaf for _, leaf in leaves_of("", value))
    return found[0] if len(found) == 1 else found


def _plain(value: Any) -> Any:
    if not isinstance(value, (torch.Tensor, tuple, list, dict, int, float, bool, str, type(None))):
        value = dict(value) if hasattr(value, "keys") else value
    moved = map_leaves("", value, lambda _, leaf: leaf.detach() if isinstance(leaf, torch.Tensor) else leaf)
    return plain_tuples(moved)


def _max_abs(comparison: Mapping[str, Any]) -> float | None:
    difference = comparison.get("difference")
    return None if difference is None else float(difference["max_abs"])
