"""``tsharness.migrate``: the new artifact, and whether it may replace the old one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsharness.artifact.archive import cases_beside, users_extra_files
from tsharness.atomic import folder_beside, put
from tsharness.errors import UsageError
from tsharness.migration.conversion import convert
from tsharness.migration.domain import Domain, explore
from tsharness.migration.judging import Evidence, judge
from tsharness.migration.locate import located
from tsharness.migration.options import MigrateOptions, is_script
from tsharness.migration.proving import compared, runner_stage, verified
from tsharness.migration.report import MigrateReport
from tsharness.migration.source import Source, with_source
from tsharness.runner.cage import parse_sandbox
from tsharness.runners.store import INSTALLED
from tsharness.runtimes.registry import RUNTIMES, runner_for
from tsharness.verdict import Verdict
from tsharness.verification.plan import tolerance_layer

Say = Callable[[str], None]
_ARCHIVES = ("aoti", "lite")
"""Targets whose files are archives, which may hold others."""


def silent(_: str) -> None:
    """Nobody hears of the progress."""


def migrate(
    source: str | Path,
    to: str,
    path: str | Path,
    *,
    cases: str | Path | None = None,
    only: Sequence[str] = (),
    dynamic: Sequence[str] = (),
    fixed: Sequence[str] = (),
    inputs_from: str | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    level: str = "standard",
    compare_seconds: float = 6.0,
    contiguous: bool = False,
    bytecode: int | None = None,
    force: bool = False,
    timeout: float = 600.0,
) -> MigrateReport:
    """Converts a TorchScript file, or a model in Python (``MODULE:FACTORY``), to ``to``: "aoti",
    "executorch", "onnx" or "lite". Every stage runs all cases; what comes out is verified in its own runner
    and compared with the old one. Only a new artifact that is right is left at ``path``, with its cases
    beside it.

    ``dynamic`` (``"x=N,*"``): dims that change, and those that never do, as for ``tsharness export``;
    ``fixed``: names of inputs whose sizes or values never change. What the old one takes besides its cases is
    found by calling it, and the new one must take it too. ``inputs_from`` (``file.py:NAME``): of a model in
    Python. ``compare_seconds``: for comparing latencies; 0 for none. ``bytecode``: of "lite", the version
    that the phone's runtime reads. ``force``: leave it although it differs. Raises UsageError for options
    that do not fit or without cases, ArtifactError, RefusedError, ExportError for a source that cannot be
    read, EnvironmentProblem without the target's runner. A model that cannot be converted, or that differs,
    is not raised: see ``.verdict``."""
    options = MigrateOptions(
        to=to,
        cases=Path(cases) if cases else None,
        only=tuple(only),
        dynamic=tuple(dynamic),
        fixed=tuple(fixed),
        inputs_from=inputs_from,
        tolerance=tolerance_layer(rtol, atol, exact=False),
        level=level,
        compare_seconds=compare_seconds,
        contiguous=contiguous,
        bytecode=bytecode,
        force=force,
        timeout=timeout,
    )
    return migrate_model(str(source), Path(path), options)


def migrate_model(source: str, target: Path, options: MigrateOptions, say: Say = silent) -> MigrateReport:
    """As ``migrate``; ``say`` hears of progress."""
    reports: list[MigrateReport] = []
    migrate_to_many(source, [(options, target)], reports.append, say)
    return reports[0]


def migrate_to_many(
    source: str,
    targets: Sequence[tuple[MigrateOptions, Path]],
    hear: Callable[[MigrateReport], None],
    say: Say = silent,
) -> None:
    """The same model to several targets; ``hear`` is told of each as it comes. Raises as ``migrate``."""
    for options, _ in targets:
        runner_for(RUNTIMES[options.to], INSTALLED)
    (first, target), *_ = targets

    def use(found: Source) -> None:
        say("trying what else the old one takes")
        tried = scratch / "tried.cases.safetensors"
        domain = explore(found.script, found.cases, tried, first)
        for options, output in targets:
            with folder_beside(output) as folder:
                hear(_migrated(found, domain, tried, output, folder, options, say))

    with folder_beside(target) as scratch:
        with_source(source, first, scratch, say, use)


def _migrated(
    source: Source, domain: Domain, tried: Path, target: Path, folder: Path, options: MigrateOptions, say: Say
) -> MigrateReport:
    started = time.monotonic()
    new = folder / target.name
    message = _message(source, tried if tried.is_file() else None, new, options)
    say(f"to {options.to}")
    sandbox = parse_sandbox(options.sandbox)
    conversion = convert(message, options.timeout, sandbox, lambda text: say(f"to {options.to}: {text}"))
    stages, findings = list(conversion.stages), list(conversion.notes)
    verification, comparison = None, None
    if conversion.written:
        say("verifying it in its runner")
        verification = verified(new, options)
        stages.append(runner_stage(verification, options))
    carried = tuple(users_extra_files(new)) if conversion.written and options.to in _ARCHIVES else ()
    evidence = Evidence(options, conversion, tuple(stages), domain, verification, carried)
    if verification is not None:
        evidence = _located(evidence, message, folder, say)
        findings += verification.findings
        if options.compare_seconds > 0 and verification.verdict is not Verdict.ERROR:
            say("comparing its latency with the old one's")
            comparison, problem = compared(source.script, new, options)
            findings += problem
    judgement = judge(evidence)
    written = judgement.verdict == "safe" or (options.force and conversion.written)
    if written:
        _place(new, target)
    return MigrateReport(
        source=source.name,
        to=options.to,
        path=str(target),
        written=written,
        cases=tuple(case.name for case in verification.cases) if verification else (),
        stages=evidence.stages,
        constructs=conversion.constructs,
        facts={
            **conversion.facts,
            "cases": source.cases_from,
            **({"cage": conversion.uncaged} if conversion.uncaged else {}),
        },
        verification=verification
        and replace(verification, artifact=replace(verification.artifact, path=str(target))),
        comparison=comparison,
        findings=(*findings, *judgement.findings),
        verdict=judgement.verdict,
        reason=judgement.reason,
        exit_code=judgement.exit_code,
        seconds=time.monotonic() - started,
        domain=domain,
        scope=judgement.scope,
    )


def _message(source: Source, tried: Path | None, new: Path, options: MigrateOptions) -> dict[str, Any]:
    """What the converting process is asked for."""
    cases = source.cases
    return {
        # A process in the cage works elsewhere; what names code is looked up where the user is.
        "source": str(Path(source.name).absolute()) if is_script(source.name) else source.name,
        "script": str(source.script.absolute()),
        "cases": [str(cases.path.absolute()), cases.offset, cases.size],
        "tried": str(tried.absolute()) if tried else None,
        "only": list(options.only),
        "dynamic": list(options.dynamic),
        "to": options.to,
        "output": str(new.absolute()),
        "bytecode": options.bytecode,
        "contiguous": options.contiguous,
        "libraries": [str(path.absolute()) for path in options.libraries],
        "tolerance": dict(options.tolerance),
    }


def _located(evidence: Evidence, message: Mapping[str, Any], folder: Path, say: Say) -> Evidence:
    """With the operator that the finished file alone computes otherwise, if there may be one."""
    *stages, last = evidence.stages
    seen = any(stage.divergence for stage in stages)
    wrong = [case.name for case in evidence.unexplained if case.verdict is Verdict.FAIL]
    if not wrong or seen or evidence.options.to == "lite":
        return evidence
    say("looking for the operator that differs")
    found = located(replace(last, failed=(wrong[0],)), message, folder, evidence.options, say)
    found = replace(found, failed=last.failed)
    return replace(evidence, stages=(*stages, found))


def _place(new: Path, target: Path) -> None:
    """The cases first: whoever sees the artifact finds them. Of a target that cannot be a file, neither."""
    if target.is_dir():
        raise UsageError(f"cannot write {target}: it is a folder")
    if not target.exists() or target.is_file():
        put(cases_beside(new), cases_beside(target))
    put(new, target)
