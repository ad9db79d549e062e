"""The case file: cases, signature and provenance (docs/case-file.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tsharness.atomic import atomic_write
from tsharness.cases.document import check_document
from tsharness.cases.safetensors_file import (
    Location,
    SafetensorsReader,
    SafetensorsWriter,
    parse_untrusted_json,
)
from tsharness.cases.tree import decode, encode
from tsharness.cases.values import Value
from tsharness.errors import CaseFileError, InputError, UsageError

SCHEMA_VERSION = 1
KEY = "tsharness"
"""Name of the JSON document in the file's ``__metadata__``."""


@dataclass(frozen=True)
class Call:
    """One call of a method with the outputs that it must give."""

    args: tuple[Value, ...]
    outputs: Value
    kwargs: Mapping[str, Value] = field(default_factory=dict)
    method: str = "forward"


@dataclass(frozen=True)
class Case:
    """Calls that are made one after the other on a module in the state in which it was loaded."""

    name: str
    calls: tuple[Call, ...]
    family: str = "example"
    """What kind of inputs these are: "example", "synthesized", ..."""
    origin: str = "file"
    """Where the outputs come from: "eager", "torchscript-python" or "file"."""
    device: str = "cpu"
    """Type of the device that the reference ran on."""
    tolerance: Mapping[str, Any] | None = None
    """``{"rtol", "atol", "exact", "outputs": {NAME: {...}}}``, if this case needs its own."""


@dataclass(frozen=True)
class CaseSummary:
    """A case without its values: all that planning needs."""

    name: str
    family: str
    origin: str
    calls: int
    shape: tuple[int, ...] = ()
    """Of the first tensor that the last call is given; () without one."""


@dataclass(frozen=True)
class CaseFile:
    """What one file holds."""

    cases: tuple[Case, ...]
    signature: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The file. Raises InputError for what no reader would take."""
        writer = SafetensorsWriter()
        document = {
            "schema_version": SCHEMA_VERSION,
            "signature": self.signature,
            "provenance": self.provenance,
            "cases": [_case_node(case, writer) for case in self.cases],
        }
        try:
            check_document(document)
        except ValueError as error:
            raise InputError(str(error)) from None
        return writer.to_bytes({KEY: json.dumps(document)})


class CaseDocument:
    """A case file whose header was read and whose tensors were not: opens in a moment."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self.reader = SafetensorsReader(location)
        if KEY not in self.reader.metadata:
            raise CaseFileError(
                f"{location.path}: a safetensors file, but without cases (no '{KEY}' metadata)"
            )
        self.text = self.reader.metadata[KEY]
        """The document itself: everything but the tensors."""
        document = parse_untrusted_json(self.text, f"{location.path}: cases")
        version = document.get("schema_version") if isinstance(document, dict) else None
        if version != SCHEMA_VERSION:
            raise CaseFileError(
                f"{location.path}: schema_version {version!r:.60}, this version reads {SCHEMA_VERSION}"
            )
        try:
            check_document(document)
        except ValueError as error:
            raise CaseFileError(f"{location.path}: {error}") from None
        self._nodes = document["cases"]
        self.signature: dict[str, Any] = document.get("signature") or {}
        self.provenance: dict[str, Any] = document.get("provenance") or {}
        self.summaries = tuple(map(_summary, self._nodes))

    @cached_property
    def _by_name(self) -> Mapping[str, Any]:
        return {node["name"]: node for node in self._nodes}

    def cases(self) -> Iterator[Case]:
        """The cases with all their values."""
        for node, summary in zip(self._nodes, self.summaries, strict=True):
            calls = tuple(self._call(call) for call in node["calls"])
            yield Case(
                summary.name,
                calls,
                summary.family,
                summary.origin,
                node.get("device", "cpu"),
                node.get("tolerance"),
            )

    def find(self, name: str | None) -> Case:
        """The case of that name, the first one for ``None``. Raises UsageError that lists the names."""
        names = [summary.name for summary in self.summaries]
        if not names or (name is not None and name not in names):
            raise UsageError(f"no case '{name or ''}'; there are: {', '.join(names)}")
        return next(case for case in self.cases() if name in (None, case.name))

    def form(self, name: str) -> str:
        """The inputs of a case without the values of their tensors: two of one form have the same dtypes,
        shapes, layouts and numbers."""
        node = self._by_name[name]
        return json.dumps([[c["method"], _formed(c["args"]), _formed(c["kwargs"])] for c in node["calls"]])

    def _call(self, node: dict[str, Any]) -> Call:
        return Call(
            tuple(decode(value, self.reader) for value in node["args"]),
            decode(node["outputs"], self.reader),
            {name: decode(value, self.reader) for name, value in node["kwargs"].items()},
            node["method"],
        )


def _summary(node: dict[str, Any]) -> CaseSummary:
    calls = node["calls"]
    shape = _first_shape([*calls[-1]["args"], *calls[-1]["kwargs"].values()]) if calls else None
    return CaseSummary(
        node["name"], node.get("family", ""), node.get("origin", "file"), len(calls), shape or ()
    )


def _first_shape(values: Sequence[Any]) -> tuple[int, ...] | None:
    """Of the first tensor in value trees; what is malformed is left to who reads the values."""
    for value in values:
        if not isinstance(value, dict):
            continue
        shape = value.get("shape")
        if "tensor" in value and isinstance(shape, list) and all(isinstance(size, int) for size in shape):
            return tuple(shape)
        held = value.get("list") or value.get("tuple")
        found = _first_shape(held) if isinstance(held, list) else None
        if found is not None:
            return found
    return None


def _formed(node: Any) -> Any:
    """A node without the names of the entries that hold its tensors' values."""
    if isinstance(node, dict):
        return {key: _formed(value) for key, value in node.items() if key != "tensor"}
    return list(map(_formed, node)) if isinstance(node, list) else node


def _case_node(case: Case, writer: SafetensorsWriter) -> dict[str, Any]:
    node = {
        "name": case.name,
        "family": case.family,
        "origin": case.origin,
        "device": case.device,
        "calls": [
            {
                "method": call.method,
                "args": [encode(value, writer) for value in call.args],
                "kwargs": {name: encode(value, writer) for name, value in call.kwargs.items()},
                "outputs": encode(call.outputs, writer),
            }
            for call in case.calls
        ],
    }
    return node if case.tolerance is None else {**node, "tolerance": case.tolerance}


def read_case_file(path: str | Path) -> CaseFile:
    """Reads a whole case file. Raises CaseFileError."""
    document = CaseDocument(Location(Path(path)))
    return CaseFile(tuple(document.cases()), document.signature, document.provenance)


def write_case_file(case_file: CaseFile, path: str | Path) -> None:
    """Writes a case file; never leaves half of one."""
    atomic_write(Path(path), case_file.to_bytes())
