"""Candidates: modules that were made, saved, and run by the C++ runner on every case."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from tsharness.artifact.reading import content_sha256
from tsharness.cases.case_file import Case, CaseFile, write_case_file
from tsharness.cases.values import NamedTuple, Value
from tsharness.errors import ArtifactError, ExportError
from tsharness.exporting import torch_jit
from tsharness.exporting.convert import Converted
from tsharness.exporting.families import KINDS
from tsharness.exporting.graph import place_of
from tsharness.exporting.lite import save_lite
from tsharness.exporting.options import ExportOptions
from tsharness.exporting.pitfalls import of_lite, of_sizes
from tsharness.exporting.record import Recorded
from tsharness.exporting.report import CandidateResult
from tsharness.exporting.saying import Say
from tsharness.exporting.source import essence
from tsharness.report.model import Finding
from tsharness.report.text import first_problem
from tsharness.runner.find import find_runner
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Event
from tsharness.runner.process import Hooks
from tsharness.verdict import Verdict
from tsharness.verification.api import verify_artifact
from tsharness.verification.plan import SELF_CHECK, VerifyOptions
from tsharness.verification.report import VerifyReport


@dataclass(frozen=True)
class Candidate:
    """A saved module with its verdict."""

    result: CandidateResult
    converted: Converted
    path: Path | None
    """Where it lies; ``None`` if it could not be made or saved."""
    cases: tuple[Case, ...]
    content_sha256: str = ""
    """Of what was saved; empty if nothing was."""


def check_candidate(
    converted: Converted,
    findings: Sequence[Finding],
    recorded: Sequence[Recorded],
    folder: Path,
    name: str,
    options: ExportOptions,
    say: Say,
    launcher: Launcher | None = None,
) -> Candidate:
    """Saves the module as ``name`` in a folder of its own below ``folder``, and has the runner verify it."""
    cases = cases_for(converted.method, recorded, options.tolerance)
    path = folder / converted.method / name
    path.parent.mkdir(exist_ok=True)
    reason, more = converted.reason, list[Finding]()
    if converted.module is not None:
        reason, more = _save(converted.module, path, options)
    findings = (*findings, *more)
    if reason:
        result = CandidateResult(
            converted.method, converted.strict, Verdict.ERROR, 0, len(cases), reason, findings, None
        )
        return Candidate(result, converted, None, cases)
    with ThreadPoolExecutor(max_workers=1) as pool:
        content = pool.submit(content_of, path)
        count = _counting(say, converted.method, len(cases))
        check = self_check(path, cases, options, Hooks(count), launcher)
    if converted.method == "trace":
        findings = (*findings, *of_sizes(check.cases, findings))
    passed = sum(case.verdict is Verdict.PASS for case in check.cases)
    reason = "" if check.verdict is Verdict.PASS else first_problem(check)
    result = CandidateResult(
        converted.method,
        converted.strict,
        check.verdict,
        passed,
        len(cases),
        reason,
        findings,
        check,
    )
    return Candidate(result, converted, path, cases, content.result())


def _counting(say: Say, method: str, total: int) -> Callable[[Event], None]:
    """Tells of each case that the runner begins."""
    begun = itertools.count()

    def on_event(event: Event) -> None:
        if event["event"] == "step-begin" and event.get("case"):
            say(f"{method} in C++: {event['case']}", next(begun), total)

    return on_event


def content_of(path: Path) -> str:
    """The hash of an archive that torch has just written. Raises ArtifactError if it cannot be read."""
    with zipfile.ZipFile(path) as archive:
        found = content_sha256(path, archive.infolist())
    if found is None:
        raise ArtifactError(f"{path}: what torch wrote cannot be read")
    return found


def _save(module: torch.jit.ScriptModule, path: Path, options: ExportOptions) -> tuple[str, list[Finding]]:
    """Saves a module: the reason if torch cannot, and what it had to change. Raises ExportError if the disk
    cannot take it."""
    try:
        torch_jit.save(module, path, extra_files=options.extra_files)
        return "", list(of_lite(save_lite(path, path))) if options.format == "lite" else []
    except OSError as error:
        raise ExportError(f"cannot write {path.name}: {error.strerror or error}") from error
    except Exception as error:
        # Whatever torch raises: this module cannot be saved.
        where = place_of(str(error))
        return f"torch.jit.save: {essence(error)}" + (f" ({where})" if where else ""), []


def self_check(
    path: Path,
    cases: Sequence[Case],
    options: ExportOptions,
    hooks: Hooks,
    launcher: Launcher | None = None,
) -> VerifyReport:
    """The runner's word on a saved module, with cases that lie beside it."""
    beside = path.with_name("self-check.cases.safetensors")
    write_case_file(CaseFile(tuple(cases)), beside)
    verify = VerifyOptions(
        cases=beside,
        kind=options.format,
        device=options.device or "cpu",
        calls=options.calls,
        calls_of={case.name: 1 for case in cases if case.family in KINDS},
        integrity=False,
        select=SELF_CHECK,
        revisit=False,
        cause=False,
        timeout=options.timeout,
        memory_limit=options.memory_limit,
    )
    try:
        return verify_artifact(path, verify, hooks, launcher=launcher or Launcher(find_runner()))
    finally:
        beside.unlink()


def cases_for(method: str, recorded: Sequence[Recorded], tolerance: Mapping[str, object]) -> tuple[Case, ...]:
    """The recorded cases as an artifact of that method returns them: a trace makes named tuples plain."""
    cases = [one.case if method == "script" else _with_plain_tuples(one.case) for one in recorded]
    return tuple(replace(case, tolerance=dict(tolerance)) if tolerance else case for case in cases)


def _with_plain_tuples(case: Case) -> Case:
    calls = tuple(replace(call, outputs=_plain(call.outputs)) for call in case.calls)
    return replace(case, calls=calls)


def _plain(value: Value) -> Value:
    if isinstance(value, NamedTuple):
        return tuple(_plain(item) for item in value.values)
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
