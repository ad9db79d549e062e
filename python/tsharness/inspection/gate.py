"""What is asked of an artifact before anything runs it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tsharness.artifact.archive import open_archive
from tsharness.artifact.container import Container, Fault
from tsharness.artifact.kind import kind_of
from tsharness.artifact.script_archive import read_archive
from tsharness.errors import RefusedError
from tsharness.inspection.danger import dangers
from tsharness.inspection.judged import Judged, judged_of
from tsharness.inspection.subject import Subject
from tsharness.runtimes.registry import not_torchscript, runtime_of

_AMBIGUOUS = ("TS313", "TS314", "TS316")


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
    for machine code outside the cage; ArtifactError for a file that nothing here runs."""
    kind, runtime = kind_of(path), runtime_of(path, as_kind)
    if runtime.name == "aoti" and not caged and NATIVE_CODE not in allow_ops:
        raise RefusedError(
            f"{path} is not run: it is machine code, and without the cage it could do anything\n"
            f"leave --sandbox at strict or auto, or trust it: --allow-op {NATIVE_CODE}"
        )
    if not runtime.is_torchscript:
        return Judged()
    if not kind.loads:
        raise not_torchscript(path, kind)
    archive = read_archive(path)
    problems = [(one.record, one.message) for one in _ambiguous(path)]
    problems += [(one.record, one.message) for one in archive.problems]
    if problems:
        record, message = problems[0]
        raise RefusedError(
            f"{path} is not run: {record} {message}, so what it does cannot be judged\n"
            "Copy the file again from where it was exported, or export it again"
        )
    subject = Subject(kind, archive, allow_ops=frozenset(allow_ops), libraries=libraries)
    found = list(dangers(subject))
    if found:
        more = f" (and {len(found) - 1} more: tsharness inspect)" if len(found) > 1 else ""
        where = f" ({found[0].where})" if found[0].where else ""
        raise RefusedError(f"{path} is not run: {found[0].code} {found[0].seen}{where}{more}\n{found[0].do}")
    return judged_of(subject)


def _ambiguous(path: Path) -> list[Fault]:
    """What makes two readers read different things: overlaps, duplicate names, encryption."""
    archive = open_archive(path)
    if archive is None:
        return []
    with archive:
        return [fault for fault in Container(archive, path).faults() if fault.code in _AMBIGUOUS]
