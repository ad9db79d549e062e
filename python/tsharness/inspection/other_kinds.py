"""Files that another runtime than TorchScript's runs: what can be said of them from outside."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsharness.artifact.archive import BAD_ZIP, open_archive, raw_record
from tsharness.artifact.executorch_program import read_program
from tsharness.artifact.onnx_file import read_onnx
from tsharness.artifact.shared_object import wrong_object
from tsharness.errors import ArtifactError
from tsharness.findings import finding
from tsharness.inspection.onnx_model import external_files, hashes, missing_data, onnx_dangers
from tsharness.inspection.report import Method, OperatorUse
from tsharness.json_text import parse_json
from tsharness.report.model import Finding


@dataclass(frozen=True)
class Outside:
    """What such a file says of itself."""

    methods: tuple[Method, ...] = ()
    operators: tuple[OperatorUse, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What only that kind has to say."""
    findings: tuple[Finding, ...] = ()


def look_at(path: Path, runtime: str, *, hashed: bool = False) -> Outside:
    """By the name of its runtime; ``hashed``: with the sha256 of files that belong to it. Nothing in it is
    executed."""
    try:
        if runtime == "onnx":
            return _onnx(path, hashed)
        return {"aoti": _aoti, "executorch": _executorch}[runtime](path)
    except ArtifactError as error:
        return Outside(findings=(finding("TS302", str(error)),))


def _aoti(path: Path) -> Outside:
    archive = open_archive(path)
    if archive is None:
        raise ArtifactError("it is no archive")
    with archive:
        objects = [info for info in archive.infolist() if info.filename.endswith(".so")]
        if not objects:
            raise ArtifactError("it holds no shared object")
        for info in objects:
            _check_object(path, info)
        facts: dict[str, Any] = {"shared_object_bytes": sum(info.file_size for info in objects)}
        for name, key in (("AOTI_DEVICE_KEY", "compiled_for"), ("AOTI_CPU_ISA", "cpu_isa")):
            for said in _metadata(archive):
                if name in said:
                    facts[key] = said[name]
    told = f"{len(objects)} shared object for {facts.get('compiled_for', 'an unnamed device')}"
    isa = f", with {facts['cpu_isa']}" if facts.get("cpu_isa") else ""
    return Outside(facts=facts, findings=(finding("TS371", told + isa),))


def _check_object(path: Path, info: zipfile.ZipInfo) -> None:
    """Raises ArtifactError for what is no whole shared object: mapping it would end the process."""
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ArtifactError(f"{info.filename} is a link")
    try:
        data = raw_record(path, info)
    except BAD_ZIP as error:
        raise ArtifactError(f"{info.filename} cannot be read: {error}") from None
    if zlib.crc32(data) != info.CRC or len(data) != info.file_size:
        raise ArtifactError(f"{info.filename} is not what its checksum says")
    if wrong := wrong_object(data):
        raise ArtifactError(f"{info.filename} {wrong}")


def _metadata(archive: zipfile.ZipFile) -> Iterator[Mapping[str, Any]]:
    for info in archive.infolist():
        if info.filename.endswith("_metadata.json") and info.file_size < 1 << 20:
            try:
                said = parse_json(archive.read(info))
            except (ValueError, zipfile.BadZipFile):
                continue  # the checksums say what is wrong with it
            if isinstance(said, dict):
                yield said


def _executorch(path: Path) -> Outside:
    plans = read_program(path)
    kernels: Counter[str] = Counter()
    delegates: Counter[str] = Counter()
    for plan in plans:
        kernels.update(plan.kernels)
        delegates.update(plan.delegates)
    used = [OperatorUse(name, count, "pure") for name, count in kernels.most_common()]
    facts = {
        "methods": {
            plan.name: {
                "inputs": plan.inputs,
                "outputs": plan.outputs,
                "backends": sorted(Counter(plan.delegates).elements()),
                "planned_bytes": list(plan.planned_bytes),
            }
            for plan in plans
        },
        "delegated": dict(delegates),
    }
    methods = tuple(Method(p.name, f"{p.name}: {p.inputs} inputs, {p.outputs} outputs") for p in plans)
    told = ", ".join(f"{name} {count}" for name, count in kernels.most_common())
    return Outside(methods, tuple(used), facts, (finding("TS512", told),) if told else ())


def _onnx(path: Path, hashed: bool) -> Outside:
    model = read_onnx(path)
    files = external_files(path, model)
    facts: dict[str, Any] = {
        "ir_version": model.ir_version,
        "opsets": {domain or "ai.onnx": version for domain, version in model.opsets.items()},
        "producer": model.producer,
    }
    missing = [finding("TS302", one) for one in missing_data(path, model)]
    if files and not missing and hashed:
        facts["external_data"] = hashes(files, path.parent)
    operators = Counter({f"{d or 'ai.onnx'}::{name}": count for (d, name), count in model.operators.items()})
    method = Method("forward", f"forward({', '.join(model.inputs)}) -> {', '.join(model.outputs)}")
    used = tuple(OperatorUse(name, count, "pure") for name, count in operators.most_common())
    return Outside((method,), used, facts, (*onnx_dangers(path, model), *missing))
