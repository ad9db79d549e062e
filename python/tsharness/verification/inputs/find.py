"""Finds inputs with which an artifact runs: proposals, proved by the runner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tsharness.artifact.traced_inputs import traced_inputs
from tsharness.cases.specs import InputCase, ListSpec, Spec, TensorSpec, in_words, parts_of, with_parts
from tsharness.errors import UsageError
from tsharness.printable import shell_word
from tsharness.verification.inputs.facts import Method
from tsharness.verification.inputs.guess import as_traced, proposals, untellable
from tsharness.verification.inputs.probe import Prober
from tsharness.verification.inputs.search import Search

_ROWS = (1, 3)  # sizes of the batch that are tried besides the one that worked
_LONGEST = 200  # characters of inputs in words


@dataclass(frozen=True)
class Found:
    """Inputs that work."""

    cases: tuple[InputCase, ...]
    """None where the artifact itself gives them when it is run (PyTorch's bundled inputs)."""
    whence: str
    """In words."""


def find_inputs(prober: Prober) -> Found:
    """Tries proposals in the runner until one works, and other sizes of its batch then. Raises UsageError
    that says what was tried and how to state inputs."""
    event = prober.describe()
    method = prober.options.method
    if method is None and any(m["name"] == "get_all_bundled_inputs" for m in event["methods"]):
        return Found((), "the artifact's bundled inputs")
    methods = [Method.of(m) for m in event["methods"] if not m["name"].startswith("_")]
    wanted = [m for m in methods if m.name == (method or "forward")] or methods
    if not wanted:
        raise UsageError(f"{prober.artifact}: it has no method to call")
    traced = traced_inputs(prober.artifact)
    failures: list[str] = []
    for one in wanted:
        search = Search(prober.trials)
        kept = as_traced(one, traced.get(one.name, ()))
        working = search.find([*kept, *proposals(one)])
        if working is not None:
            return _found(prober, working, _whence(working, kept, len(search.failures)))
        failures += search.failures
    raise UsageError(_failure(prober.artifact, wanted[0], failures))


def _found(prober: Prober, working: InputCase, whence: str) -> Found:
    typical = replace(working, name="typical")
    others = [with_rows(working, rows) for rows in _ROWS]
    different = [case for case in others if case is not None and case.inputs != typical.inputs]
    return Found((typical, *prober.running(different)), whence)


def _whence(working: InputCase, kept: Sequence[InputCase], failures: int) -> str:
    """Who said it, and how often it was guessed before."""
    if any(working.inputs == case.inputs for case in kept):
        return "the shapes that its trace keeps"
    guessed = f" after {failures} that failed" if failures else ""
    words = " ".join(map(in_words, working.inputs))
    shown = words if len(words) <= _LONGEST else words[: _LONGEST - 3] + "..."
    return f"its first operators{guessed} ({shown})" if shown else "its signature"


def _failure(artifact: Path, method: Method, failures: Sequence[str]) -> str:
    lines = [f"{artifact}: no inputs were found for {method.schema}"]
    impossible = untellable(method)
    if impossible:
        one = impossible[0]
        lines.append(f"{one.name} is a {one.type}, of which nothing is known")
    elif failures:
        lines.append(f"tried {len(failures)} of them; the last: {failures[-1].splitlines()[0]}")
    file = shell_word(str(artifact))
    if impossible:
        how = f"make them: tsharness pack {file} --inputs FILE.py:NAME -o packed.pt\n(or --cases FILE)"
        return "\n".join([*lines, how])
    first = next(iter(proposals(method)), None)
    options = " ".join(shell_word(f"--input={in_words(spec)}") for spec in (first.inputs if first else ()))
    how = f"state them: tsharness verify {file} {options}"
    return "\n".join([*lines, f"{how}\n(or --cases FILE, or tsharness pack --inputs FILE)"])


def with_rows(case: InputCase, rows: int) -> InputCase | None:
    """The same inputs with another size of the batch; ``None`` if there is no dim to be one."""
    first = next((tensor for spec in case.inputs for tensor in _batched(spec)), None)
    if first is None:
        return None
    inputs = tuple(_with_batch(spec, first.dims[0], rows) for spec in case.inputs)
    return InputCase(f"batch={rows}", inputs, case.method)


def _batched(spec: Spec) -> Iterator[TensorSpec]:
    """Tensors that may have a batch: a list has one of its own."""
    if isinstance(spec, TensorSpec) and spec.dims:
        yield spec
    for part in () if isinstance(spec, ListSpec) else parts_of(spec):
        yield from _batched(part)


def _with_batch(spec: Spec, batch: int | str, rows: int) -> Spec:
    if isinstance(spec, TensorSpec):
        return replace(spec, dims=(rows, *spec.dims[1:])) if spec.dims[:1] == (batch,) else spec
    if isinstance(spec, ListSpec):
        return spec
    return with_parts(spec, tuple(_with_batch(part, batch, rows) for part in parts_of(spec)))
