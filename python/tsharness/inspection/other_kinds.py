"""Files that another runtime than TorchScript's runs: what can be said of them from outside."""

from __future__ import annotations

import importlib.util
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsharness.artifact.archive import open_archive
from tsharness.artifact.executorch_program import read_program
from tsharness.errors import ArtifactError
from tsharness.findings import finding
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


def look_at(path: Path, runtime: str) -> Outside:
    """By the name of its runtime. Nothing in it is executed."""
    try:
        return {"aoti": _aoti, "executorch": _executorch, "onnx": _onnx}[runtime](path)
    except ArtifactError as error:
        return Outside(findings=(finding("TS302", str(error)),))


def _aoti(path: Path) -> Outside:
    archive = open_archive(path)
    if archive is None:
        raise ArtifactError("it is no archive")
    with archive:
        objects = [info for info in archive.infolist() if info.filename.endswith(".so")]
        facts: dict[str, Any] = {"shared_object_bytes": sum(info.file_size for info in objects)}
        for name, key in (("AOTI_DEVICE_KEY", "compiled_for"), ("AOTI_CPU_ISA", "cpu_isa")):
            for said in _metadata(archive):
                if name in said:
                    facts[key] = said[name]
    told = f"{len(objects)} shared object for {facts.get('compiled_for', 'an unnamed device')}"
    isa = f", with {facts['cpu_isa']}" if facts.get("cpu_isa") else ""
    return Outside(facts=facts, findings=(finding("TS371", told + isa),))


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


def _onnx(path: Path) -> Outside:
    if importlib.util.find_spec("onnx") is None:
        return Outside(findings=(finding("TS372", "the package onnx is not installed"),))
    import onnx

    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:
        # protobuf's errors are of classes of its own, which differ between its versions.
        raise ArtifactError(f"it cannot be read as ONNX: {error}") from None
    operators = Counter(f"{node.domain or 'ai.onnx'}::{node.op_type}" for node in model.graph.node)
    facts = {
        "ir_version": model.ir_version,
        "opsets": {one.domain or "ai.onnx": one.version for one in model.opset_import},
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
    }
    names = [[value.name for value in values] for values in (model.graph.input, model.graph.output)]
    method = Method("forward", f"forward({', '.join(names[0])}) -> {', '.join(names[1])}")
    return Outside((method,), tuple(OperatorUse(n, c, "pure") for n, c in operators.most_common()), facts)
