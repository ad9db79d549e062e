"""What ``pack`` did, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tsharness.report.model import SCHEMA_VERSION, from_dict, to_dict
from tsharness.verdict import ExitCode, Verdict
from tsharness.verification.report import VerifyReport


@dataclass(frozen=True)
class PackReport:
    """Cases that were made for an artifact, and the C++ runner's word on them."""

    artifact: str
    written: str
    """The artifact, or the file beside it, that now holds the cases; empty if nothing was written."""
    cases: tuple[str, ...]
    verdict: Verdict
    exit_code: ExitCode
    check: VerifyReport
    schema_version: int = SCHEMA_VERSION
    kind: str = "pack"

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PackReport:
        return from_dict(cls, data)
