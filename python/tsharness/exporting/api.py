"""``tsharness.export``: a model, by trace or script, into an artifact that carries its cases."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import tsharness
from tsharness.artifact.archive import append_cases, content_sha256
from tsharness.atomic import atomic_path
from tsharness.cases.case_file import Case, CaseFile
from tsharness.errors import ExportError, UsageError
from tsharness.exporting import torch_jit
from tsharness.exporting.inputs import Inputs
from tsharness.exporting.record import SEED, record_cases
from tsharness.exporting.report import ExportReport
from tsharness.exporting.signature import signature_of

METHODS = ("trace", "script")


def export(
    model: torch.nn.Module,
    example_inputs: Any,
    path: str | Path,
    *,
    method: str = "trace",
    cases: Mapping[str, Any] | None = None,
) -> ExportReport:
    """Exports ``model`` as it is (call ``.eval()`` first), records what it computes in Python, and
    writes an artifact that carries these cases and its signature.

    ``example_inputs``: a tensor, a tuple of arguments, a dict of named ones, or ``Inputs``; the case
    "example". A trace is made with them. ``cases`` adds more by name; a list of inputs is a sequence of
    calls on one module, which keeps its state from call to call.
    A model that is a ScriptModule already is saved as it is.

    Raises UsageError for wrong arguments, ExportError, with torch's reason, if torch cannot export it.
    """
    if method not in METHODS:
        raise UsageError(f"method '{method}' is not one of {', '.join(METHODS)}")
    if not isinstance(model, torch.nn.Module):
        raise UsageError(f"expected a torch.nn.Module, got {type(model).__name__}")
    examples = {"example": example_inputs, **(cases or {})}
    recorded = record_cases(model, examples)
    module, warnings = _to_torchscript(model, Inputs.of(_first(example_inputs)), method)
    target = Path(path)
    with atomic_path(target) as temporary:
        _save(module, temporary)
        case_file = _case_file(model, module, method, recorded, warnings, temporary)
        append_cases(temporary, case_file.to_bytes())
    shown = tuple(f"{w.file}:{w.line}: {w.message}" for w in warnings)
    return ExportReport(str(target), method, tuple(case.name for case in recorded), shown)


def _first(example: Any) -> Any:
    return example[0] if isinstance(example, list) and example else example


def _to_torchscript(
    model: torch.nn.Module, example: Inputs, method: str
) -> tuple[torch.jit.ScriptModule, tuple[torch_jit.ExportWarning, ...]]:
    if isinstance(model, torch.jit.ScriptModule) and method == "script":
        return model, ()
    try:
        if method == "script":
            return torch_jit.script(model), ()
        return torch_jit.trace(model, example.args, example.kwargs)
    except Exception as error:
        # Whatever torch or the model raises here means the same: this model, by this method, not so.
        raise ExportError(f"torch.jit.{method} failed: {str(error).strip()}") from error


def _save(module: torch.jit.ScriptModule, path: Path) -> None:
    try:
        torch_jit.save(module, path)
    except Exception as error:
        raise ExportError(f"torch.jit.save failed: {str(error).strip()}") from error


def _case_file(
    model: torch.nn.Module,
    module: torch.jit.ScriptModule,
    method: str,
    cases: Sequence[Case],
    warnings: Sequence[torch_jit.ExportWarning],
    saved: Path,
) -> CaseFile:
    with zipfile.ZipFile(saved) as archive:
        content = content_sha256(archive)
    provenance = {
        "exporter": f"tsharness {tsharness.__version__}",
        "torch": str(torch.__version__),
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "model": f"{type(model).__module__}.{type(model).__qualname__}",
        "method": method,
        "training": bool(getattr(model, "training", False)),
        "seed": SEED,
        "warnings": [asdict(warning) for warning in warnings],
        "content_sha256": content,
    }
    return CaseFile(tuple(cases), signature_of(module, cases), provenance)
