"""What a command leaves behind: its reports, and what there is instead of one where something went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tsharness.bench.compare_report import CompareReport
from tsharness.bench.report import BenchReport
from tsharness.errors import TsharnessError, UsageError
from tsharness.inspection.report import Inspection
from tsharness.json_text import read_document
from tsharness.migration.report import MigrateReport
from tsharness.report.model import SCHEMA_VERSION, from_dict, to_dict
from tsharness.verdict import ExitCode, worst
from tsharness.verification.report import VerifyReport

Report = VerifyReport | BenchReport | CompareReport | Inspection | MigrateReport


def now() -> str:
    """ISO 8601, UTC, to the second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Problem:
    """An artifact of which there is no report."""

    path: str
    message: str
    exit_code: ExitCode

    @classmethod
    def of(cls, path: str | Path, error: TsharnessError) -> Problem:
        return cls(str(path), str(error), ExitCode(error.exit_code))


@dataclass(frozen=True)
class Run:
    """One command, or one suite."""

    tsharness: str
    """Its version."""
    command: str
    """"verify", "bench", "compare", "inspect", or "suite"."""
    created: str
    """When it ended: ISO 8601, UTC."""
    exit_code: int
    """The worst; 130 if somebody interrupted it."""
    reports: tuple[Report, ...] = ()
    errors: tuple[Problem, ...] = ()
    incomplete: bool = False
    """Whether somebody interrupted it."""
    revision: str = ""
    """Of the git repository that it ran in; empty if there was none."""
    schema_version: int = SCHEMA_VERSION
    kind: str = field(default="run")

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Run:
        """Raises UsageError for what is no run of a version that this one reads."""
        return _run(data)


def _run(data: Mapping[str, Any]) -> Run:
    version = data.get("schema_version")
    if not isinstance(version, int) or "kind" not in data:
        raise UsageError("no report of tsharness: it has no schema_version and kind")
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"a report of schema version {version}; this tsharness reads up to {SCHEMA_VERSION}: update it"
        )
    try:
        run = from_dict(Run, _as_run(data))
    except (ValueError, TypeError) as error:
        raise UsageError(f"a damaged report: {error}") from None
    if run.exit_code not in set(ExitCode) and not run.incomplete:
        raise UsageError(f"a damaged report: {run.exit_code} is no exit code")
    return run


def _as_run(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """In the form that documents have now: once, a command left its report alone, and inspect a list of its
    own kind."""
    if data["kind"] == "run":
        return {"tsharness": "", "command": "verify", "created": "", **data}
    if data["kind"] == "inspections":
        return {"command": "inspect", "created": "", **data, "kind": "run"}
    command = "inspect" if "document" in data else data["kind"]
    code = data.get("exit_code")
    return {"tsharness": "", "command": command, "created": "", "exit_code": code, "reports": [data]}


def read_run(path: Path) -> Run:
    """Reads what ``--json`` wrote, in this version or an earlier one. Raises UsageError."""
    return run_of_document(read_document(path, "what --json wrote"), path)


def run_of_document(data: Mapping[str, Any], path: Path) -> Run:
    """What a file holds, of which messages name the path. Raises UsageError."""
    try:
        return Run.from_dict(data)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def joined(runs: Sequence[Run]) -> Run:
    """Several as one; the newest of their times, the worst of their exit codes. Raises ValueError without
    any."""
    if len(runs) == 1:
        return runs[0]
    newest = max(runs, key=lambda run: run.created)
    codes = [run.exit_code for run in runs]
    interrupted = [code for code in codes if code not in set(ExitCode)]
    return Run(
        tsharness=max(run.tsharness for run in runs),
        command="suite",
        created=newest.created,
        exit_code=max(interrupted) if interrupted else int(worst(codes)),
        reports=tuple(report for run in runs for report in run.reports),
        errors=tuple(error for run in runs for error in run.errors),
        incomplete=any(run.incomplete for run in runs),
        revision=newest.revision,
    )
