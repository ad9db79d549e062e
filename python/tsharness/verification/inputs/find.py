"""Finds inputs with which an artifact runs: candidates, proved by the runner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tsharness.artifact.traced_inputs import traced_inputs
from tsharness.cases.input_spec import InputCase, ListSpec, ScalarSpec, Spec, TensorSpec
from tsharness.errors import UsageError
from tsharness.printable import shell_word
from tsharness.verification.inputs.infer import Argument, candidates, untellable, with_rows
from tsharness.verification.inputs.probe import Prober

_ROWS = (1, 3)  # sizes of the batch that are tried besides the one that worked


@dataclass(frozen=True)
class Found:
    """Inputs that work."""

    cases: tuple[InputCase, ...]
    """None where the artifact itself gives them when it is run (PyTorch's bundled inputs)."""
    whence: str
    """In words."""


def find_inputs(prober: Prober) -> Found:
    """Tries candidates in the runner until one works, and other sizes of its batch then. Raises UsageError
    that says what was tried and how to state inputs."""
    event = prober.describe()
    method = prober.options.method
    if method is None and any(m["name"] == "get_all_bundled_inputs" for m in event["methods"]):
        return Found((), "the artifact's bundled inputs")
    methods = [m for m in event["methods"] if not m["name"].startswith("_")]
    wanted = [m for m in methods if m["name"] == (method or "forward")] or methods
    if not wanted:
        raise UsageError(f"{prober.artifact}: it has no method to call")
    traced = traced_inputs(prober.artifact)
    problems: list[str] = []
    for one in wanted:
        found = _of_method(prober, one, traced.get(one["name"], ()), problems)
        if found is not None:
            return found
    raise UsageError(_failure(prober.artifact, wanted[0], problems))


def _of_method(
    prober: Prober, method: Mapping[str, Any], traced: Sequence[Any], problems: list[str]
) -> Found | None:
    arguments = [Argument.of(argument) for argument in method["arguments"]]
    impossible = untellable(arguments)
    if impossible:
        problems.append(f"{impossible[0].name} is a {impossible[0].type}, of which nothing is known")
        return None
    ways = {"its first operators": candidates(method["name"], arguments, method["sizes"], ())}
    if traced:
        from_trace = candidates(method["name"], arguments, method["sizes"], traced)
        ways = {"the shapes that its trace keeps": from_trace, **ways}
    for whence, tried in ways.items():
        working = prober.first_that_runs(tried, problems)
        if working is not None:
            typical = replace(working, name="typical")
            others = [with_rows(working, rows) for rows in _ROWS]
            different = [case for case in others if case is not None and case.inputs != typical.inputs]
            return Found((typical, *prober.running(different)), whence)
    return None


def _failure(artifact: Path, method: Mapping[str, Any], problems: Sequence[str]) -> str:
    different = list(dict.fromkeys(problems))
    lines = [f"{artifact}: no inputs were found for {method['schema']}"]
    lines += [f"tried {len(problems)} of them; for example: {different[0]}"] if different else []
    arguments = [Argument.of(argument) for argument in method["arguments"]]
    file = shell_word(str(artifact))
    if untellable(arguments):
        how = f"make them: tsharness pack {file} --inputs FILE.py:NAME -o packed.pt\n(or --cases FILE)"
        return "\n".join([*lines, how])
    options = " ".join(_ready_to_edit(argument) for argument in arguments if not argument.has_default)
    how = f"state them: tsharness verify {file} {options}"
    return "\n".join([*lines, f"{how}\n(or --cases FILE, or tsharness pack --inputs FILE)"])


def _ready_to_edit(argument: Argument) -> str:
    if not argument.is_tensor and not argument.is_list:
        return f"--input '{argument.name}:{argument.type.replace('number', 'float')}=1'"
    case = candidates("", [argument], (), ())
    spec = case[0].inputs[0] if case else TensorSpec(argument.name, "float32", (1, 3, 224, 224))
    return f"--input '{in_words(spec)}'"


def in_words(spec: Spec) -> str:
    """As ``--input`` takes it."""
    if isinstance(spec, ScalarSpec):
        return f"{spec.name}:{type(spec.value).__name__}={spec.value}"
    if isinstance(spec, ListSpec):
        return f"{spec.name}=[{', '.join(map(_tensor_in_words, spec.items))}]"
    return f"{spec.name}={_tensor_in_words(spec)}"


def _tensor_in_words(spec: TensorSpec) -> str:
    span = "" if spec.low is None or spec.high is None else f":{spec.low:g}..{spec.high:g}"
    return f"{spec.dtype}[{','.join(map(str, spec.dims))}]{span}"
