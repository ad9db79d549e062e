"""An ONNX model, as ``inspect`` and the gate see it: which files it reads, and whose operators it runs."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from tsharness.artifact.onnx_file import ExternalData, OnnxModel
from tsharness.errors import ArtifactError
from tsharness.findings import finding
from tsharness.report.model import Finding

_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft"}
"""Of ONNX's own operators, and of those that ONNX Runtime has itself."""
_LOADS = {"EPContext", "PythonOp", "PythonOpGrad", "PyOp"}
"""Operators of these that run what is no ONNX: compiled blobs, Python."""


def external_files(path: Path, model: OnnxModel) -> list[Path]:
    """Files below the model's folder that hold its weights. Raises ArtifactError for one that cannot be
    read; what leads elsewhere is left out."""
    return sorted({place for one in model.external if (place := _inside(path, one)) is not None})


def onnx_dangers(path: Path, model: OnnxModel) -> Iterator[Finding]:
    """Files outside of the model's folder, and operators that nobody knows."""
    outside = sorted({one.location for one in model.external if _inside(path, one) is None})
    for location in outside:
        yield finding("TS373", f"its weights lie in {location!r}, {_why(path, location)}")
    for domain, name in sorted(model.operators):
        own = (domain, name) in model.functions
        if name in _LOADS and not own:
            yield finding("TS374", f"{domain or 'ai.onnx'}::{name} runs what is no ONNX")
        elif domain not in _DOMAINS and not own:
            yield finding("TS374", f"{domain}::{name} is of a domain that nobody knows")


def missing_data(path: Path, model: OnnxModel) -> Iterator[str]:
    """What is said of external data, and is not there."""
    for one in model.external:
        place = _inside(path, one)
        if place is None:
            continue
        try:
            found = place.stat()
        except OSError:
            yield f"its weights in {one.location!r} are missing"
            continue
        end = one.offset + one.length
        if end > found.st_size:
            yield f"{one.location!r} has {found.st_size} bytes, of which a tensor takes up to {end}"


def hashes(files: list[Path], folder: Path) -> Mapping[str, Mapping[str, object]]:
    """Bytes and sha256 of each, by its path below the folder. Raises ArtifactError."""
    return {str(place.relative_to(folder)): _hashed(place) for place in files}


def _hashed(place: Path) -> Mapping[str, object]:
    digest, count = hashlib.sha256(), 0
    try:
        with place.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
                count += len(chunk)
    except OSError as error:
        raise ArtifactError(f"{place} cannot be read: {error.strerror}") from None
    return {"bytes": count, "sha256": digest.hexdigest()}


def _inside(path: Path, data: ExternalData) -> Path | None:
    """The file, if it is a regular one below the model's folder, by no link, or is not there."""
    return None if _why(path, data.location) else path.parent / data.location


def _why(path: Path, location: str) -> str:
    """What is wrong with a place; empty if nothing."""
    parts = location.split("/")
    if not location or not location.isprintable() or "\\" in location or location[1:2] == ":":
        return "which is no path of a file"
    if location.startswith("/") or ".." in parts:
        return "outside of the model's folder"
    place = path.parent
    for part in parts:
        place /= part
        try:
            mode = place.lstat().st_mode
        except OSError:
            return ""  # it is missing, which is no danger
        if stat.S_ISLNK(mode):
            return "which is a link, or behind one"
    return "" if stat.S_ISREG(mode) else "which is no regular file"
