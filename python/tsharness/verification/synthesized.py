"""Cases for an artifact that has none, or none with the reference that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tsharness.artifact.archive import BESIDE_SUFFIX
from tsharness.artifact.kind import kind_of
from tsharness.cases.safetensors_file import Location
from tsharness.cases.specs import InputCase
from tsharness.errors import UsageError
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Event
from tsharness.runner.process import Hooks
from tsharness.runtimes.registry import runtime_of
from tsharness.scratch import ScratchFolder
from tsharness.verification.inputs.find import Found, find_inputs
from tsharness.verification.inputs.probe import Prober
from tsharness.verification.plan import Plan, VerifyOptions, find_cases, no_archive_error, plan_cases
from tsharness.verification.reference import ReferenceRequest, record_reference

T = TypeVar("T")

_PYTHON = "reference outputs from torch.jit in Python"


def with_synthesized_cases(
    artifact: Path, options: VerifyOptions, launcher: Launcher, hooks: Hooks, run: Callable[[Plan], T]
) -> T:
    """Calls ``run`` with a plan whose cases exist as long as it runs. Raises as ``record_reference`` and
    ``find_inputs``."""
    runtime = runtime_of(artifact, options.kind)
    stated = bool(options.inputs) and options.reference not in (None, "python")
    if not runtime.is_torchscript and not stated and find_cases(artifact, options.cases) is None:
        raise UsageError(
            f"{artifact}: no cases beside it ({artifact.name}{BESIDE_SUFFIX}), so nothing to compare.\n"
            "tsharness migrate writes them there; or name the case file of the model that it was made from, "
            "--cases FILE, or that model itself: --input 'x=float32[...]' --reference old.pt"
        )
    error = no_archive_error(artifact) if runtime.is_torchscript else None
    if error is not None and not options.inputs:
        raise error
    with ScratchFolder() as scratch:
        output = Path(scratch) / "reference.cases.safetensors"
        whence = _record(artifact, options, launcher, hooks, output)
        plan = plan_cases(artifact, Location(output), whence, options.only)
        if not runtime.is_torchscript and options.reference not in (None, "none"):
            plan = replace(plan, proves=f"the artifact computes what {options.reference} computes in Python")
        return run(plan)


def _record(artifact: Path, options: VerifyOptions, launcher: Launcher, hooks: Hooks, output: Path) -> str:
    """Writes the cases; says in words whence they are."""
    known = None if options.inputs else find_cases(artifact, options.cases)
    reference = options.reference
    foreign = not runtime_of(artifact, options.kind).is_torchscript
    if foreign and reference in (None, "python"):
        raise UsageError(
            f"{artifact}: torch.jit in Python does not run it, so it says nothing of these inputs; name the "
            "model that it was made from: --reference old.pt, or MODULE:FACTORY"
        )
    if known is not None:
        if reference == "none":
            raise UsageError("--reference none leaves no outputs to the cases that there are; add --input")
        request = ReferenceRequest(
            artifact,
            cases=known[0],
            reference=_stated(reference),
            libraries=options.libraries,
            foreign=foreign,
        )
        lacks = record_reference(request, output, options.timeout, options.sandbox)
        return f"inputs {known[1]}, {_in_words(reference)}{lacks}"
    # What the lite interpreter runs says little of its inputs; the code beside it says more.
    has_code = options.kind == "lite" and kind_of(artifact).name == "lite"
    seeking = replace(options, kind="torchscript") if has_code else options
    prober = Prober(artifact, seeking, launcher, hooks)
    found = Found(options.inputs, "--input") if options.inputs else find_inputs(prober)
    if reference == "none" and found.cases:
        _check_names(artifact, found.cases, prober.describe())
        prober.record(found.cases, output)
        lacks = ""
    else:
        request = ReferenceRequest(
            artifact,
            found.cases,
            reference=_stated(reference),
            libraries=options.libraries,
            foreign=foreign,
        )
        lacks = record_reference(request, output, options.timeout, options.sandbox)
    return f"inputs from {found.whence}, {_in_words(reference)}{lacks}"


def _check_names(artifact: Path, cases: Sequence[InputCase], described: Event) -> None:
    """Raises UsageError for a method, or an argument, that the artifact does not have."""
    methods = {one["name"]: [a["name"] for a in one["arguments"]] for one in described["methods"]}
    for case in cases:
        if case.method not in methods:
            there = ", ".join(name for name in methods if not name.startswith("_"))
            raise UsageError(f"{artifact}: no method '{case.method}'; it has: {there}")
        for spec in case.inputs:
            if spec.name not in methods[case.method]:
                there = ", ".join(methods[case.method]) or "none"
                raise UsageError(f"{artifact}: {case.method}: no argument '{spec.name}'; it has: {there}")


def _stated(reference: str | None) -> str | None:
    return None if reference == "python" else reference


def _in_words(reference: str | None) -> str:
    if reference == "none":
        return "no reference"
    return _PYTHON if reference in (None, "python") else f"reference outputs from {reference}"
