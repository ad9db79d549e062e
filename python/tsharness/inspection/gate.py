"""What is asked of an artifact before anything runs it: what ``inspect`` finds, with the same codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tsharness.artifact.kind import kind_of
from tsharness.artifact.script_archive import read_archive
from tsharness.errors import RefusedError
from tsharness.findings import finding
from tsharness.inspection.danger import dangers
from tsharness.inspection.judged import Judged, judged_of
from tsharness.inspection.loading import cannot_load
from tsharness.inspection.other_kinds import look_at
from tsharness.inspection.refusing import ambiguities, not_torchscript, refusal
from tsharness.inspection.subject import Subject
from tsharness.inspection.unpickling import harmful_pickles
from tsharness.report.model import Finding
from tsharness.runtimes.registry import runtime_of

NATIVE_CODE = "native-code"
"""What ``--allow-op`` calls machine code, which does whatever its process may do."""


def refuse_dangers(
    path: Path,
    allow_ops: Sequence[str] = (),
    libraries: bool = False,
    *,
    as_kind: str | None = None,
    caged: bool = True,
) -> Judged:
    """Reads code and objects; executes nothing. Gives what was judged, which is nothing where there is no
    TorchScript. ``as_kind``: as what it will be run (``--kind``). Raises
    RefusedError, with what and where, for an operator that can do more than compute and is not allowed, and
    for machine code outside the cage, and for what readers could read in two ways; ArtifactError for a file
    that is damaged, or that nothing here runs, or of which LibTorch cannot compile the code."""
    kind, runtime = kind_of(path), runtime_of(path, as_kind)
    if runtime.name == "aoti" and not caged and NATIVE_CODE not in allow_ops:
        raise RefusedError(
            f"{path} is not run: it is machine code, and without the cage it could do anything\n"
            f"leave --sandbox at strict or auto, or trust it: --allow-op {NATIVE_CODE}"
        )
    found = list(ambiguities(path))
    judged = Judged()
    if not runtime.is_torchscript:
        found += [*look_at(path, runtime.name).findings, *harmful_pickles(path, kind)]
    elif not kind.loads:
        raise not_torchscript(path, kind)
    else:
        archive = read_archive(path)
        subject = Subject(kind, archive, allow_ops=frozenset(allow_ops), libraries=libraries)
        found += [*unread(subject), *dangers(subject), *cannot_load(subject)]
        judged = judged_of(subject)
    error = refusal(path, found, runtime.name)
    if error is not None:
        raise error
    return judged


def unread(subject: Subject) -> Iterator[Finding]:
    """What of an archive was not read, or not understood."""
    for problem in subject.archive.problems:
        yield finding(problem.code, f"{problem.record}: {problem.message}".removeprefix(": "))
    if not subject.archive.holds_objects and not subject.archive.problems:
        yield finding("TS303", "there are no objects (data.pkl)")
