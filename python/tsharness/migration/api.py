"""``tsharness.migrate``: the new artifact, and whether it may replace the old one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tsharness.artifact.archive import cases_beside
from tsharness.atomic import folder_beside, put
from tsharness.bench.compare import compare_artifacts
from tsharness.bench.compare_options import CompareOptions, SideOptions
from tsharness.bench.compare_report import CompareReport
from tsharness.errors import TsharnessError, UsageError
from tsharness.findings import finding
from tsharness.migration.conversion import convert
from tsharness.migration.locate import located
from tsharness.migration.options import MigrateOptions, is_script
from tsharness.migration.report import MigrateReport
from tsharness.migration.source import Source, with_source
from tsharness.migration.stage import Conversion, Stage
from tsharness.report.model import Finding
from tsharness.runner.cage import parse_sandbox
from tsharness.runners.store import INSTALLED
from tsharness.runtimes.registry import RUNTIMES, runner_for
from tsharness.verdict import ExitCode, Verdict
from tsharness.verification.api import verify_artifact
from tsharness.verification.checks.rule import parse_level
from tsharness.verification.plan import VerifyOptions, tolerance_layer
from tsharness.verification.report import VerifyReport

Say = Callable[[str], None]


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

    ``dynamic`` (``"x=N,*"``) and ``inputs_from`` (``file.py:NAME``): of a model in Python, as for ``tsharness
    export``. ``compare_seconds``: for comparing latencies; 0 for none. ``bytecode``: of "lite", the version
    that the phone's runtime reads. ``force``: leave it although it differs. Raises UsageError for options
    that do not fit or without cases, ArtifactError, RefusedError, ExportError for a source that cannot be
    read, EnvironmentProblem without the target's runner. A model that cannot be converted, or that differs,
    is not raised: see ``.verdict``."""
    options = MigrateOptions(
        to=to,
        cases=Path(cases) if cases else None,
        only=tuple(only),
        dynamic=tuple(dynamic),
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
        for options, output in targets:
            with folder_beside(output) as folder:
                hear(_migrated(found, output, folder, options, say))

    with folder_beside(target) as scratch:
        with_source(source, first, scratch, say, use)


def _migrated(source: Source, target: Path, folder: Path, options: MigrateOptions, say: Say) -> MigrateReport:
    started = time.monotonic()
    new = folder / target.name
    cases = source.cases
    message = {
        # A process in the cage works elsewhere; what names code is looked up where the user is.
        "source": str(Path(source.name).absolute()) if is_script(source.name) else source.name,
        "script": str(source.script.absolute()),
        "cases": [str(cases.path.absolute()), cases.offset, cases.size],
        "only": list(options.only),
        "to": options.to,
        "output": str(new.absolute()),
        "bytecode": options.bytecode,
        "contiguous": options.contiguous,
        "libraries": [str(path.absolute()) for path in options.libraries],
        "tolerance": dict(options.tolerance),
    }
    say(f"to {options.to}")
    sandbox = parse_sandbox(options.sandbox)
    conversion = convert(message, options.timeout, sandbox, lambda text: say(f"to {options.to}: {text}"))
    stages, findings = list(conversion.stages), list(conversion.notes)
    verification, comparison = None, None
    if conversion.written:
        say("verifying it in its runner")
        verification = _verified(new, options)
        last = _runner_stage(verification, options)
        findings += [*verification.findings, *_of_layout(verification, options)]
        known = any(stage.divergence for stage in stages) or any(one.code == "TS515" for one in findings)
        if last.verdict is Verdict.FAIL and last.failed and not known and options.to != "lite":
            say("looking for the operator that differs")
            last = located(last, message, folder, options, say)
        stages.append(last)
        if options.compare_seconds > 0 and verification.verdict is not Verdict.ERROR:
            say("comparing its latency with the old one's")
            comparison, problem = _compared(source.script, new, options)
            findings += problem
    verdict, reason, code = _judged(stages, conversion, verification)
    written = verdict == "safe" or (options.force and conversion.written)
    if written:
        _place(new, target)
    return MigrateReport(
        source=source.name,
        to=options.to,
        path=str(target),
        written=written,
        cases=tuple(case.name for case in verification.cases) if verification else (),
        stages=tuple(stages),
        constructs=conversion.constructs,
        facts={
            **conversion.facts,
            "cases": source.cases_from,
            **({"cage": conversion.uncaged} if conversion.uncaged else {}),
        },
        verification=verification
        and replace(verification, artifact=replace(verification.artifact, path=str(target))),
        comparison=comparison,
        findings=tuple(findings),
        verdict=verdict,
        reason=reason,
        exit_code=code,
        seconds=time.monotonic() - started,
    )


def _verified(new: Path, options: MigrateOptions) -> VerifyReport:
    verify = VerifyOptions(
        kind=options.to,
        device=options.device,
        libraries=options.libraries,
        tolerance=options.tolerance,
        level=parse_level(options.level),
        sandbox=parse_sandbox(options.sandbox),
        timeout=options.timeout,
        allow_ops=options.allow_ops,
    )
    return verify_artifact(new, verify)


def _runner_stage(report: VerifyReport, options: MigrateOptions) -> Stage:
    """The last stage: the new artifact where it is to run."""
    from tsharness.report.text import first_problem

    outputs = [(case.name, output) for case in report.cases for output in case.outputs]
    worst = max(outputs, key=lambda item: item[1].max_abs or 0.0, default=None)
    return Stage(
        name="ONNX Runtime" if options.to == "onnx" else "C++",
        verdict=report.verdict,
        max_abs=None if worst is None else worst[1].max_abs,
        where="" if worst is None or not worst[1].max_abs else f"{worst[1].name} of case {worst[0]}",
        reason="" if report.verdict is Verdict.PASS else first_problem(report),
        failed=tuple(case.name for case in report.cases if case.verdict is not Verdict.PASS),
        seconds=report.seconds,
    )


def _of_layout(report: VerifyReport, options: MigrateOptions) -> list[Finding]:
    """Where only inputs of another layout than the sample's are read wrongly."""
    failed = [case for case in report.cases if case.verdict is Verdict.FAIL]
    if options.to != "aoti" or not failed or any(case.family != "layout" for case in failed):
        return []
    return [finding("TS515", f"wrong in {', '.join(case.name for case in failed)} alone")]


def _compared(old: Path, new: Path, options: MigrateOptions) -> tuple[CompareReport | None, list[Finding]]:
    compare = CompareOptions(
        cases=cases_beside(new),
        only=options.only[:1],
        device=options.device,
        new=SideOptions(kind=options.to),
        max_time=options.compare_seconds,
        tolerance=options.tolerance,
        allow_ops=options.allow_ops,
        libraries=options.libraries,
        sandbox=options.sandbox,
        timeout=options.timeout,
    )
    try:
        return compare_artifacts(old, new, compare), []
    except UsageError:
        raise
    except TsharnessError as error:
        # The verdict is about outputs; that there is no ratio is told.
        return None, [finding("TS514", str(error))]


def _judged(
    stages: Sequence[Stage], conversion: Conversion, verification: VerifyReport | None
) -> tuple[str, str, ExitCode]:
    """Verdict, why, and the exit code."""
    if not conversion.written:
        blocked = stages[-1] if stages else None
        what = conversion.constructs[0].what if conversion.constructs else (blocked.reason if blocked else "")
        where = conversion.constructs[0].where if conversion.constructs else ""
        return "blocked", what + (f" ({where})" if where else ""), ExitCode.CANNOT_RUN
    assert verification is not None
    if verification.verdict is Verdict.PASS:
        return "safe", "", ExitCode.PASS
    # A stage that could not be made and that nothing is made of says nothing about the difference.
    first = next((stage for stage in stages if stage.verdict is Verdict.FAIL), stages[-1])
    found = next((stage.divergence for stage in stages if stage.divergence), None)
    operator = (
        f", operator {found.operator}" + (f" ({found.source})" if found.source else "") if found else ""
    )
    return "differs", f"at stage {first.name}{operator}: {first.reason}", verification.exit_code


def _place(new: Path, target: Path) -> None:
    """The cases first: whoever sees the artifact finds them. Of a target that cannot be a file, neither."""
    if target.is_dir():
        raise UsageError(f"cannot write {target}: it is a folder")
    if not target.exists() or target.is_file():
        put(cases_beside(new), cases_beside(target))
    put(new, target)
