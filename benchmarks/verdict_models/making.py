"""What a healthy model and a planted defect are, and how files are made of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

import tsharness
from tsharness.artifact.archive import embedded_cases
from tsharness.cases.case_file import Case, CaseDocument, CaseFile, write_case_file
from tsharness.exporting import torch_jit
from tsharness.exporting.inputs import Inputs, examples_of
from tsharness.exporting.record import record_case
from tsharness.exporting.signature import dims_that_vary, signature_of
from tsharness.exporting.state import Subject

SEED = 0


@dataclass(frozen=True)
class Healthy:
    """A model that is right: whatever fails it is wrong."""

    name: str
    kind: str
    make: Callable[[], torch.nn.Module]
    example: Callable[[], Any]
    """What ``tsharness.export`` takes as example inputs."""
    how: str = "export"
    """``export`` (with families of cases inside); or "script", "trace": by torch.jit, its examples recorded
    from the eager model."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the export, as its user would state them."""

    def module(self) -> torch.nn.Module:
        """In eval mode; the same weights each time."""
        torch.manual_seed(SEED)
        return self.make().eval()

    def examples(self) -> dict[str, list[Inputs]]:
        torch.manual_seed(SEED)
        return examples_of(self.example(), self.options.get("cases"))


@dataclass(frozen=True)
class Defect:
    """A file that does not compute what the model of its cases does, or breaks its own rows or state."""

    name: str
    kind: str
    of: str
    """The healthy model whose cases it is verified with."""
    change: Callable[[torch.nn.Module], torch.nn.Module]
    """From the healthy module, a new one each time, to the wrong one."""
    said: tuple[str, ...] = ()
    """Where it may exit with 0, what counts as its word: a code ("TS345"), or a check with a part of its
    message ("aliasing: shares its memory")."""
    how: str = "script"
    """Or "trace", with the healthy model's first example."""
    exception: str = ""
    """Why it cannot be seen; empty for those that must be."""


@dataclass(frozen=True)
class Files:
    """A healthy model's artifact, and its cases apart from it."""

    artifact: Path
    cases: Path


def made(model: Healthy, folder: Path) -> Files:
    """Exports or converts it. Raises whatever the exporter raises."""
    files = files_of(model, folder)
    artifact, cases = files.artifact, files.cases
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the tracer and old modules have to say
        if model.how == "export":
            tsharness.export(model.module(), _drawn(model), artifact, **model.options)
            location = embedded_cases(artifact)
            assert location is not None
            document = CaseDocument(location)
            write_case_file(_unbound(tuple(document.cases()), document.signature), cases)
        else:
            module = converted(model.module(), model.how, model)
            torch_jit.save(module, artifact)
            write_case_file(_unbound(*_recorded(model, module)), cases)
    return files


def files_of(model: Healthy, folder: Path) -> Files:
    """Where they are, or will be."""
    return Files(folder / f"{model.name}.pt", folder / f"{model.name}.cases.safetensors")


def planted(defect: Defect, model: Healthy, folder: Path) -> Path:
    """The wrong artifact."""
    path = folder / f"{defect.name}.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch_jit.save(converted(defect.change(model.module()), defect.how, model), path)
    return path


def converted(module: torch.nn.Module, how: str, model: Healthy) -> torch.jit.ScriptModule:
    """By torch.jit. A module that is scripted already stays as it is."""
    if isinstance(module, torch.jit.ScriptModule):
        return module
    if how == "script":
        return torch_jit.script(module)
    first = {}
    for calls in model.examples().values():
        for call in calls:
            first.setdefault(call.method, call)
    return torch_jit.trace(module, first, strict=False)


def _drawn(model: Healthy) -> Any:
    torch.manual_seed(SEED)
    return model.example()


def _recorded(model: Healthy, module: torch.jit.ScriptModule) -> tuple[tuple[Case, ...], dict[str, Any]]:
    """Cases from the eager model, with their signature."""
    eager = model.module()
    examples = model.examples()
    cases = tuple(record_case(Subject(eager), name, calls).case for name, calls in examples.items())
    calls = [call for made in examples.values() for call in made]
    return cases, signature_of(module, cases, dims_that_vary(eager, calls))


def _unbound(cases: tuple[Case, ...], signature: Mapping[str, Any]) -> CaseFile:
    """Without the hash of the artifact: with it, any other file would fail for being another one."""
    return CaseFile(cases, signature)


def with_weights(module: torch.nn.Module, change: Callable[[str, torch.Tensor], None]) -> torch.nn.Module:
    """The module, its parameters and buffers changed in place."""
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            change(name, tensor)
    return module


def from_script(model: Healthy) -> Healthy:
    """The same model, scripted by torch.jit alone."""
    return replace(model, name=f"{model.name}_scripted", how="script", options={})
