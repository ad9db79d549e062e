"""What ``export`` did, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tsharness.report.model import SCHEMA_VERSION, from_dict, to_dict


@dataclass(frozen=True)
class ExportReport:
    """An artifact that was written."""

    path: str
    method: str
    """"trace" or "script"."""
    cases: tuple[str, ...]
    """Names of the cases inside it."""
    warnings: tuple[str, ...]
    """What the tracer warned of, with file and line: inputs for which the trace may be wrong."""
    schema_version: int = SCHEMA_VERSION
    kind: str = "export"

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ExportReport:
        return from_dict(cls, data)
