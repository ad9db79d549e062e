"""Giving a checked module its cases and its name."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import tsharness
from tsharness.artifact.archive import append_cases
from tsharness.atomic import put
from tsharness.cases.case_file import CaseFile
from tsharness.cases.dims import Dynamic
from tsharness.errors import UsageError
from tsharness.exporting.candidates import Candidate
from tsharness.exporting.guard import SEED
from tsharness.exporting.options import ExportOptions
from tsharness.exporting.signature import signature_of
from tsharness.verification.report import VerifyReport


def write_artifact(
    candidate: Candidate,
    model: torch.nn.Module,
    dynamic: Dynamic,
    fixed: Sequence[str],
    target: Path,
    options: ExportOptions,
) -> int:
    """Adds the cases to the saved module and gives it its place; its size in bytes. ``fixed``: batches beside
    which, as the user has declared, there are no others.

    Raises UsageError if the disk cannot take it: then there is no file of that name, or the old one."""
    path = candidate.path
    assert path is not None
    try:
        append_cases(path, _case_file(candidate, model, dynamic, fixed, options).to_bytes())
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    put(path, target)
    return size


def _case_file(
    candidate: Candidate,
    model: torch.nn.Module,
    dynamic: Dynamic,
    fixed: Sequence[str],
    options: ExportOptions,
) -> CaseFile:
    result, module = candidate.result, candidate.converted.module
    assert module is not None and result.check is not None
    provenance = {
        "exporter": f"tsharness {tsharness.__version__}",
        "torch": str(torch.__version__),
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "model": f"{type(model).__module__}.{type(model).__qualname__}",
        "method": result.method,
        "format": options.format,
        "strict": result.strict,
        "training": bool(getattr(model, "training", False)),
        "dtype": options.dtype,
        "device": options.device,
        "frozen": options.freeze,
        "optimized_for_inference": options.optimize_for_inference,
        "fixed": list(fixed),
        "seed": SEED,
        "warnings": _warnings(candidate),
        "self_check": _self_check(result.check),
        "content_sha256": candidate.content_sha256,
    }
    return CaseFile(candidate.cases, signature_of(module, candidate.cases, dynamic), provenance)


def _warnings(candidate: Candidate) -> list[dict[str, Any]]:
    return [
        {"message": message, "file": where.file, "line": where.line, "code": where.code}
        for message, where in candidate.converted.tracer_warnings
    ]


def _self_check(check: VerifyReport) -> dict[str, Any]:
    """The runner's verdict before the file got its name."""
    return {
        "verdict": check.verdict.value,
        "exit_code": int(check.exit_code),
        "libtorch": check.runner.libtorch if check.runner is not None else None,
        "cases": len(check.cases),
        "calls": check.calls,
    }
