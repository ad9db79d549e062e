"""From a model to a TorchScript module, by one method; what stands in the way is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from tsharness.exporting import torch_jit
from tsharness.exporting.graph import place_of, python_calls
from tsharness.exporting.inputs import Inputs
from tsharness.exporting.ranges import LOOP, heard_ranges
from tsharness.exporting.source import Place
from tsharness.findings import finding
from tsharness.findings.scripting import rule_for
from tsharness.report.model import Finding

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
METHODS = ("trace", "script")


@dataclass(frozen=True)
class Converted:
    """A TorchScript module that was made, or the reason why not."""

    method: str
    module: torch.jit.ScriptModule | None
    strict: bool | None = None
    tracer_warnings: tuple[tuple[str, Place], ...] = ()
    """What the tracer said, and loops that it said nothing of."""
    deprecated: bool = False
    """torch warned that torch.jit is."""
    reason: str = ""
    """Why there is no module, in a line."""
    findings: tuple[Finding, ...] = ()
    """Why there is no module, in full."""
    error: Exception | None = None


def convert(model: torch.nn.Module, method: str, examples: Mapping[str, Inputs]) -> Converted:
    """``examples`` holds inputs for every method of the model that the artifact shall have."""
    made = _script(model) if method == "script" else _trace(model, examples)
    calls = python_calls(made.module) if made.module is not None else []
    if not calls:
        return made
    findings = tuple(
        finding("TS132", f"a call to {_at(name, where)}", where=_text(where)) for name, where in calls
    )
    return replace(made, module=None, reason=findings[0].seen, findings=findings)


def _at(name: str, where: Place | None) -> str:
    return f"Python's {name} at {where.shown}" if where is not None else f"Python's {name}"


def _text(where: Place | None) -> str | None:
    return str(where) if where is not None else None


def _script(model: torch.nn.Module) -> Converted:
    if isinstance(model, torch.jit.ScriptModule):
        return Converted("script", model)
    try:
        with torch_jit.listening() as heard:
            module = torch_jit.script(model)
        return Converted("script", module, deprecated=bool(heard.deprecated))
    except Exception as error:
        # Whatever torch raises here means the same: not this model, not by this method.
        return _refused(error)


def _refused(error: Exception) -> Converted:
    message = str(error).strip()
    rule, where = rule_for(message), place_of(message)
    said = _essence(message)
    seen = f"{where.shown}; torch says: {said}" if where is not None else f"torch says: {said}"
    refusal = finding(rule.code, seen, where=_text(where))
    at = f" at {where}" if where is not None else f" ({said})"
    return Converted("script", None, reason=f"{rule.title}{at}", findings=(refusal,), error=error)


def _essence(message: str) -> str:
    """The line of a scripting error that tells most: the last mismatch, or else the first line."""
    lines = [line.strip().rstrip(":") for line in message.splitlines() if line.strip(" :")]
    expected = [line for line in lines if line.startswith(("Expected a value of type", "Could not match"))]
    return _ADDRESS.sub("", (expected or lines or [""])[0])


def _trace(model: torch.nn.Module, examples: Mapping[str, Inputs]) -> Converted:
    try:
        return _traced(model, examples, strict=True)
    except Exception as error:
        refused = error
    if _wants_non_strict(refused):
        try:
            return _traced(model, examples, strict=False)
        except Exception as error:
            refused = error
    message = str(refused).strip().splitlines() or [type(refused).__name__]
    return Converted("trace", None, reason=f"torch.jit.trace: {message[0]}", error=refused)


def _traced(model: torch.nn.Module, examples: Mapping[str, Inputs], strict: bool) -> Converted:
    loops: dict[Place, None] = {}
    with torch_jit.listening() as heard, heard_ranges(loops.setdefault):
        module = torch_jit.trace(model, examples, strict)
    warned = (*heard.tracer, *((LOOP, where) for where in loops))
    return Converted("trace", module, strict, warned, bool(heard.deprecated))


def _wants_non_strict(error: Exception) -> bool:
    """Lists and dicts in the outputs: a strict trace refuses them."""
    return "strict=False" in str(error) or "at the output of the tracer" in str(error)
