"""What came of a migration, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tsharness.bench.compare_report import CompareReport
from tsharness.errors import VerificationFailed
from tsharness.migration.domain import Domain
from tsharness.migration.stage import Construct, Stage
from tsharness.report.model import SCHEMA_VERSION, Finding, from_dict, to_dict
from tsharness.report.notebook import repr_html
from tsharness.verdict import ExitCode
from tsharness.verification.report import VerifyReport


@dataclass(frozen=True)
class MigrateReport:
    """One model to one target."""

    source: str
    """The TorchScript file, or MODULE:FACTORY."""
    to: str
    """"aoti", "executorch", "onnx" or "lite"."""
    path: str
    """Of the new artifact, whether or not it was left there."""
    written: bool
    """Whether it is there."""
    cases: tuple[str, ...]
    """That were carried over."""
    stages: tuple[Stage, ...]
    """From the exported program to the runner."""
    constructs: tuple[Construct, ...]
    """What cannot be converted."""
    facts: Mapping[str, str]
    """Of the conversion, in words."""
    verification: VerifyReport | None
    """Of the new artifact, in its runner; ``None`` if there is none."""
    comparison: CompareReport | None
    """Old against new; ``None`` if it was not asked for, or there is no old one."""
    findings: tuple[Finding, ...]
    verdict: str
    """"safe", "differs", "unproved" or "blocked"."""
    reason: str
    """Why it is not safe; empty if it is."""
    exit_code: ExitCode
    seconds: float
    domain: Domain | None = None
    """What the old one takes and holds; ``None`` if nothing was converted."""
    scope: str = ""
    """Of what alone it is safe, in words; empty: of all that the old one takes."""
    incomplete: bool = False
    schema_version: int = SCHEMA_VERSION
    kind: str = "migrate"

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MigrateReport:
        return from_dict(cls, data)

    def _repr_html_(self) -> str:
        return repr_html(self)

    def raise_for_verdict(self) -> None:
        """Raises VerificationFailed, with the reason, unless it is safe to replace the old one."""
        if self.exit_code is not ExitCode.PASS:
            from tsharness.report.migrate_text import verdict_line

            raise VerificationFailed(verdict_line(self))
