"""What is special about an artifact of another kind than TorchScript, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tsharness.report.units import many, size

_NAMES = {
    "": "artifact",
    "lite": "lite interpreter's bytecode",
    "aoti": "AOTInductor package",
    "executorch": "ExecuTorch program",
    "onnx": "ONNX model",
}


def kind_name(kind: str) -> str:
    """As people call it."""
    return _NAMES.get(kind, kind)


def kind_facts(kind: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """What its runner said of it; nothing if it did not load."""
    if not facts:
        return
    if facts.get("autograd"):
        yield "calls autograd, so it ran with gradients"
    if facts.get("hooks"):
        yield f"{many(facts['hooks'], 'hook')} of its own ran"
    if kind == "lite" and "bytecode_version" in facts:
        yield f"bytecode version {facts['bytecode_version']}"
    if kind == "aoti":
        isa = f" ({facts['cpu_isa']})" if facts.get("cpu_isa") else ""
        yield f"machine code for {facts.get('compiled_for', 'an unnamed device')}{isa}"
        yield f"{size(facts['shared_object_bytes'])} shared object"
    if kind == "executorch":
        for name, method in facts["methods"].items():
            backends = Counter(method["backends"])
            told = ", ".join(f"{one} {count}" for one, count in backends.items())
            yield f"{name}: {told or 'no backend'}"
            yield f"memory plan {size(sum(method['planned_bytes']))}"
    if kind == "onnx":
        yield f"ONNX Runtime {facts['onnxruntime']}"
