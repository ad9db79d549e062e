"""``tsharness.inspect``: the one function behind the command, the API, and what looks before it runs."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsharness.artifact.archive import (
    BAD_ZIP,
    CASES_RECORD,
    cases_beside,
    open_archive,
    raw_record,
    record_name,
)
from tsharness.artifact.code import unparse
from tsharness.artifact.kind import Kind, kind_of
from tsharness.artifact.reading import Bytes, Reading
from tsharness.artifact.script_archive import ScriptArchive, attributes_of, class_of, read_archive
from tsharness.artifact.storages import ITEM_SIZES, tensor_of
from tsharness.artifact.traced_inputs import traced_inputs
from tsharness.errors import ArtifactError
from tsharness.findings import finding
from tsharness.inspection import compatibility, triton, weights
from tsharness.inspection.danger import dangers
from tsharness.inspection.exit_codes import exit_code_of
from tsharness.inspection.gate import unread
from tsharness.inspection.lints import LINTS, limited
from tsharness.inspection.loading import cannot_load
from tsharness.inspection.operators import Registry, kind_of_operator
from tsharness.inspection.other_kinds import Outside, look_at
from tsharness.inspection.report import AskedLibTorch, Inspection, Method, Module, OperatorUse
from tsharness.inspection.runners import registries_of
from tsharness.inspection.subject import Subject
from tsharness.inspection.unpickling import harmful_pickles
from tsharness.report.model import Finding
from tsharness.verdict import ExitCode, Verdict, worst

_NEVER = "do not load it: its pickles would run what they name (TS364)"
_SAMPLE = 4096  # bytes of each record of weights that are looked at


@dataclass(frozen=True)
class InspectOptions:
    """How to inspect."""

    expect_sha256: str | None = None
    select: tuple[str, ...] = ()
    """Codes, or beginnings of them: only these findings."""
    ignore: tuple[str, ...] = ()
    allow_ops: tuple[str, ...] = ()
    """Dangerous operators that are meant."""
    libraries: bool = False
    """Whether libraries of custom operators will be loaded."""
    runners: tuple[str, ...] = ()
    """Where it is to run: versions of known LibTorches, or paths of runners; the newest one if empty."""
    triton: bool = False
    hashes: bool = True
    """Whether to compute sha256, which takes longer than all the rest together."""


def inspect(
    path: str | Path,
    *,
    expect_sha256: str | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    allow_ops: Sequence[str] = (),
    triton: bool = False,
) -> Inspection:
    """Reads a file, and says what it is and what is wrong with it; nothing in it is executed.

    Raises ArtifactError if there is no such file. A dangerous or damaged one is not raised: see ``.verdict``.
    """
    options = InspectOptions(expect_sha256, tuple(select), tuple(ignore), tuple(allow_ops), triton=triton)
    return inspect_file(Path(path), options)


def inspect_file(
    path: Path,
    options: InspectOptions,
    meanwhile: Callable[[], None] = lambda: None,
    begun: Reading | None = None,
) -> Inspection:
    """As ``inspect``; ``meanwhile`` is called while the bytes of a large file are still being read,
    ``begun`` is a reading of it that goes on already."""
    started = time.monotonic()
    kind = kind_of(path)
    reading = begun or Reading(path, options.hashes or options.expect_sha256 is not None)
    try:
        subject = _subject(path, kind, options) if kind.loads else None
        other = kind.runtime and subject is None
        outside = look_at(path, kind.runtime, hashed=options.hashes) if other else Outside()
        found = (
            list(_findings(subject, options)) if subject else [*_other_kind(path, kind), *outside.findings]
        )
        meanwhile()
        bytes_ = reading.result()
    finally:
        reading.close()
    found = [*_of_bytes(bytes_, subject, options), *found]
    wanted = [one for one in found if _wanted(one, options)]
    exit_code = worst(exit_code_of(one, kind.runtime) for one in wanted)
    # What decides comes first.
    wanted.sort(key=lambda one: exit_code_of(one, kind.runtime) is not exit_code)
    seconds = time.monotonic() - started
    return _inspection(path, kind, subject, outside, bytes_, tuple(wanted), exit_code, options, seconds)


def _subject(path: Path, kind: Kind, options: InspectOptions) -> Subject:
    archive = read_archive(path)
    return Subject(
        kind,
        archive,
        traced=traced_inputs(path),
        runners=registries_of(options.runners),
        allow_ops=frozenset(options.allow_ops),
        libraries=options.libraries,
        weights=_samples(path),
    )


def _samples(path: Path) -> Mapping[str, bytes]:
    """The beginning of each record of weights."""
    archive = open_archive(path)
    if archive is None:
        return {}
    found = {}
    with archive:
        for info in archive.infolist():
            name = record_name(info)
            if name.startswith(("data/", "constants/")):
                # What cannot be read is a fault of the container, which is told as such.
                with contextlib.suppress(ArtifactError, *BAD_ZIP):
                    found[name] = raw_record(path, info, _SAMPLE)
    return found


def _other_kind(path: Path, kind: Kind) -> Iterator[Finding]:
    harmful = list(harmful_pickles(path, kind))
    if not kind.runtime:
        yield finding("TS301", f"it is {kind.what}", do=_NEVER if harmful else kind.do)
    yield from harmful


_RULES: Sequence[Callable[[Subject], Iterator[Finding]]] = (
    dangers,
    cannot_load,
    compatibility.file_format,
    compatibility.custom_classes,
    compatibility.missing_operators,
    compatibility.engine,
    compatibility.bytecode,
    weights.weights,
    weights.on_gpu,
    weights.frozen,
    weights.doubles,
    weights.subnormal,
)


def _findings(subject: Subject, options: InspectOptions) -> Iterator[Finding]:
    yield from unread(subject)
    for rule in _RULES:
        yield from rule(subject)
    for lint in LINTS:
        yield from limited(lint(subject))
    if options.triton:
        yield from triton.contract(subject)


def _of_bytes(found: Bytes, subject: Subject | None, options: InspectOptions) -> Iterator[Finding]:
    expected = options.expect_sha256
    if expected is not None and expected.lower() != found.sha256:
        yield finding("TS323", f"sha256 {found.sha256}, expected {expected}")
    faults = Counter(fault.code for fault in found.faults)
    told: Counter[str] = Counter()
    for fault in found.faults:
        told[fault.code] += 1
        if told[fault.code] == 1:
            more = f" (and {faults[fault.code] - 1} more records)" if faults[fault.code] > 1 else ""
            yield finding(fault.code, f"{fault.record} {fault.message}{more}".strip())
    if subject is not None and found.content_sha256 is not None:
        recorded = _recorded_content(subject.archive.path)
        if recorded is not None and recorded != found.content_sha256:
            yield finding("TS324", f"content {found.content_sha256[:12]}…, recorded {recorded[:12]}…")


def _recorded_content(path: Path) -> str | None:
    """The hash that the cases inside carry."""
    from tsharness.artifact.archive import embedded_cases
    from tsharness.cases.case_file import CaseDocument
    from tsharness.errors import CaseFileError

    try:
        location = embedded_cases(path)
        return CaseDocument(location).provenance.get("content_sha256") if location else None
    except (ArtifactError, CaseFileError):
        return None  # verify says what is wrong with them


def _wanted(found: Finding, options: InspectOptions) -> bool:
    if any(found.code.startswith(code) for code in options.ignore):
        return False
    return not options.select or any(found.code.startswith(code) for code in options.select)


def _inspection(
    path: Path,
    kind: Kind,
    subject: Subject | None,
    outside: Outside,
    found: Bytes,
    findings: tuple[Finding, ...],
    exit_code: ExitCode,
    options: InspectOptions,
    seconds: float,
) -> Inspection:
    archive = subject.archive if subject else None
    return Inspection(
        path=str(path),
        size=path.stat().st_size,
        kind=kind.name,
        what=kind.what,
        sha256=found.sha256,
        content_sha256=found.content_sha256,
        format_version=archive.version if archive else None,
        readable_since=compatibility.readable_since(archive.version) if archive else None,
        lowest_libtorch=compatibility.lowest_libtorch(subject) if subject else None,
        methods=_methods(archive) if archive else outside.methods,
        modules=tuple(_modules(archive)) if archive else (),
        operators=_operators(archive) if archive else outside.operators,
        facts=outside.facts,
        weights=_weights(subject) if subject else {},
        constants=sum(s.size for folder, s in subject.storages if folder == "constants") if subject else 0,
        extra_files={n: s for n, s in archive.sizes.items() if n.startswith("extra/")} if archive else {},
        debug_lines=any(name.endswith(".debug_pkl") for name in archive.sizes) if archive else False,
        cases=CASES_RECORD in archive.sizes if archive else cases_beside(path).is_file(),
        findings=findings,
        verdict=Verdict.PASS if exit_code is ExitCode.PASS else Verdict.FAIL,
        exit_code=exit_code,
        seconds=seconds,
        triton=triton.config(subject, path.stem) if subject and options.triton else None,
        asked=_asked(subject.runners, options) if subject else (),
    )


def _asked(registries: Sequence[Registry], options: InspectOptions) -> tuple[AskedLibTorch, ...]:
    names = options.runners or ("",) * len(registries)
    return tuple(AskedLibTorch(name, one.libtorch) for name, one in zip(names, registries, strict=True))


def _methods(archive: ScriptArchive) -> tuple[Method, ...]:
    found = []
    for name in archive.methods():
        body = archive.code.functions[f"{archive.root}.{name}"].body
        arguments = ", ".join(f"{a.arg}: {unparse(a.annotation)}" for a in body.args.args[1:])
        found.append(Method(name, f"{name}({arguments}) -> {unparse(body.returns)}"))
    return tuple(found)


def _modules(archive: ScriptArchive) -> Iterator[Module]:
    for path, module in archive.modules():
        sizes: Counter[str] = Counter()
        parameters = 0
        for value in attributes_of(module).values():
            tensor: Any = tensor_of(value)
            if tensor is not None:
                parameters += tensor.numel
                sizes[tensor.storage.dtype] += tensor.numel * ITEM_SIZES[tensor.storage.dtype]
        yield Module(path, (class_of(module) or "").rpartition(".")[2], parameters, dict(sizes))


def _operators(archive: ScriptArchive) -> tuple[OperatorUse, ...]:
    counts = Counter(call.op for f in archive.code.functions.values() for call in f.operators)
    return tuple(OperatorUse(op, count, kind_of_operator(op)) for op, count in counts.most_common())


def _weights(subject: Subject) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for _, storage in subject.storages:
        sizes[storage.dtype] += storage.size
    return dict(sizes)
