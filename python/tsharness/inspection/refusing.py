"""What keeps a file from being run, as the error that says so: the same for every kind of file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tsharness.artifact.archive import open_archive
from tsharness.artifact.container import AMBIGUOUS, Container
from tsharness.artifact.kind import Kind
from tsharness.errors import ArtifactError, RefusedError, TsharnessError
from tsharness.findings import finding
from tsharness.inspection.exit_codes import exit_code_of
from tsharness.inspection.unpickling import harmful_pickles
from tsharness.report.model import Finding
from tsharness.verdict import ExitCode

_JUDGED = ("TS361", "TS362", "TS363", "TS364", "TS373", "TS374")
"""Codes of what was understood, and is dangerous."""


def ambiguities(path: Path) -> Iterator[Finding]:
    """What makes two readers read different things."""
    archive = open_archive(path)
    if archive is None:
        return
    with archive:
        for fault in Container(archive, path).faults():
            if fault.code in AMBIGUOUS:
                yield finding(fault.code, f"{fault.record} {fault.message}".strip())


def refusal(path: Path, found: Sequence[Finding], runtime: str) -> TsharnessError | None:
    """For the worst of them: RefusedError, or ArtifactError for what is only damaged; ``None`` if none of
    them keeps the file from being run."""
    codes = [(exit_code_of(one, runtime), one) for one in found]
    codes = [pair for pair in codes if pair[0] is not ExitCode.PASS]
    if not codes:
        return None
    exit_code, first = max(codes, key=lambda pair: pair[0])
    more = f" (and {len(codes) - 1} more: tsharness inspect)" if len(codes) > 1 else ""
    where = f" ({first.where})" if first.where else ""
    if exit_code is not ExitCode.REFUSED:
        return ArtifactError(f"{path} is not run: {first.code} {first.seen}{where}{more}\n{first.do}")
    why = "" if first.code in _JUDGED else ", so what it does cannot be judged"
    return RefusedError(f"{path} is not run: {first.code} {first.seen}{where}{why}{more}\n{first.do}")


def not_torchscript(path: Path, kind: Kind) -> TsharnessError:
    """What a file is instead, and what to do with it; or why nothing is to be done with it."""
    found = [*ambiguities(path), *harmful_pickles(path, kind)]
    return refusal(path, found, kind.runtime) or ArtifactError(
        f"{path} is {kind.what}, no TorchScript archive.\n{kind.do[:1].upper()}{kind.do[1:]}"
    )
