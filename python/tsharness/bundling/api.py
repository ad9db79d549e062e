"""``tsharness.bundle``: makes a folder that verifies and benches an artifact on a bare host."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tsharness import __version__
from tsharness.artifact.integrity import examine
from tsharness.atomic import atomic_path
from tsharness.bench.machine import FILES
from tsharness.bench.options import BenchOptions
from tsharness.bench.points import job_of, points_of
from tsharness.bundling.archive import archive_kind, pack_folder
from tsharness.bundling.record import Files, Recorder, entry_of
from tsharness.bundling.runtime import copy_runtime
from tsharness.bundling.sums import sum_line
from tsharness.errors import UsageError
from tsharness.report.document import now
from tsharness.report.model import to_dict
from tsharness.runner.cage import KEPT_VARIABLES, parse_sandbox
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.runners.resolve import capability_environment, runner_named
from tsharness.runtimes.registry import runtime_of
from tsharness.verdict import Verdict
from tsharness.verification.api import verify_artifact
from tsharness.verification.checks.rule import parse_level
from tsharness.verification.plan import Plan, VerifyOptions, tolerance_layer
from tsharness.verification.report import VerifyReport

VERSION = 1
"""Of bundle.json and of what comes back; a runner does bundles of its own version."""
_SCRIPT = Path(__file__).parent / "run.sh"


@dataclass(frozen=True)
class Bundle:
    """What was made."""

    path: Path
    size: int
    """Bytes."""
    report: VerifyReport
    """Of the verification here, whose jobs the bundle holds."""
    unlicensed: tuple[str, ...]
    """Libraries in it whose licence was not found."""


def bundle(
    path: str | Path,
    output: str | Path,
    *,
    runner: str = "installed",
    with_libtorch: bool = False,
    bench: bool = True,
    cases: str | Path | None = None,
    only: Sequence[str] = (),
    rtol: float | Mapping[str, float] | None = None,
    atol: float | Mapping[str, float] | None = None,
    exact: bool = False,
    calls: int = 5,
    level: str = "standard",
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    libraries: Sequence[str | Path] = (),
    device: str = "cpu",
    threads: int | None = None,
    allow_ops: Sequence[str] = (),
    sandbox: str = "auto",
    timeout: float = 600.0,
    memory_limit: int | None = None,
) -> Bundle:
    """Makes a folder (or a .tar.zst, .tar.gz, .tar of it) that verifies and benches the artifact on a host
    without Python; the other options are those of ``verify``. Raises as ``bundle_artifact``."""
    options = VerifyOptions(
        cases=None if cases is None else Path(cases),
        only=tuple(only),
        device=device,
        threads=threads,
        runner=runner,
        libraries=tuple(map(Path, libraries)),
        calls=calls,
        tolerance=tolerance_layer(rtol, atol, exact),
        level=parse_level(level),
        select=tuple(select),
        ignore=tuple(ignore),
        allow_ops=tuple(allow_ops),
        sandbox=parse_sandbox(sandbox),
        timeout=timeout,
        memory_limit=memory_limit,
    )
    return bundle_artifact(Path(path), Path(output), options, with_libtorch=with_libtorch, bench=bench)


def bundle_artifact(
    artifact: Path,
    output: Path,
    options: VerifyOptions,
    *,
    with_libtorch: bool = False,
    bench: bool = True,
    hooks: Hooks = NO_HOOKS,
) -> Bundle:
    """Verifies the artifact here, and writes down what was asked of the runner: the host is asked the same.
    ``bench``: whether to measure there, too. Raises as ``verify``, UsageError if ``output``
    exists or cannot be written, EnvironmentProblem without zstandard for a .tar.zst."""
    if os.path.lexists(output):
        raise UsageError(f"{output} exists; name another one with -o, or remove it")
    runtime = runtime_of(artifact)
    if runtime.own_runner:
        raise UsageError(f"{artifact} is {runtime.what}, which the runner of a bundle does not run")
    kind = archive_kind(output)
    options = replace(options, cause=False, localize=False, kind=runtime.name)
    with atomic_path(output) as unfinished:
        folder = unfinished.with_name("folder") / output.name.removesuffix(kind) if kind else unfinished
        folder.mkdir(parents=True)
        report, document = _recorded(artifact, folder, options, _benching(options) if bench else None, hooks)
        unlicensed = copy_runtime(runner_named(options.runner), folder, with_libtorch)
        _write(folder, document)
        if kind:
            pack_folder(folder, unfinished, kind)
        size = _bytes_of(unfinished)
    return Bundle(output, size, report, tuple(unlicensed))


def _benching(options: VerifyOptions) -> BenchOptions:
    return BenchOptions(
        device=options.device,
        threads=options.threads,
        libraries=options.libraries,
        sandbox=options.sandbox.value,
        timeout=options.timeout,
    )


def _recorded(
    artifact: Path, folder: Path, options: VerifyOptions, bench: BenchOptions | None, hooks: Hooks
) -> tuple[VerifyReport, dict[str, Any]]:
    """The report of the verification, and what bundle.json holds."""
    files = Files(folder)
    runner = runner_named(options.runner)
    recorder = Recorder(runner, options.sandbox, capability_environment(options.cpu_capability), files)
    seen: list[Mapping[str, Any]] = []

    def on_plan(plan: Plan) -> None:
        recorder.begin()
        benched = () if bench is None else _bench_jobs(plan, bench, options, recorder, files)
        seen.append({"plan": _plan_document(plan), "bench_jobs": list(benched)})

    try:
        report = verify_artifact(artifact, options, hooks, on_plan, recorder)
    finally:
        recorder.close()
    (known,) = seen
    judged = {"verify": _options_document(options), "integrity": to_dict(examine(artifact))}
    return report, {
        "bundle_version": VERSION,
        "title": f"{artifact.name}, made by tsharness {__version__} on {now()}",
        "kept_variables": list(KEPT_VARIABLES),
        "timeout": options.timeout,
        "machine_files": list(FILES),
        "jobs": [*recorder.jobs, *known["bench_jobs"]],
        "checks": [check.id for check in report.checks],
        "damage": _damage(report),
        "judge": {
            **judged,
            "plan": known["plan"],
            "bench": bench and {"processes": bench.processes, "min_seconds": bench.min_seconds},
        },
    }


def _damage(report: VerifyReport) -> str:
    """What is wrong with the bytes of the artifact, which travel as they are; empty if nothing is."""
    failed = (one for one in report.checks if one.id == "integrity" and one.verdict is Verdict.FAIL)
    return next((one.message for one in failed), "")


def _bench_jobs(
    plan: Plan, bench: BenchOptions, options: VerifyOptions, recorder: Recorder, files: Files
) -> Iterator[dict[str, Any]]:
    (point,) = points_of(bench)
    plan = measured_plan(plan, bool(options.only))
    for number in range(bench.processes):
        seed = int.from_bytes(os.urandom(6), "little")
        samples = Path(f"/samples-{number}.f64")
        job = job_of(plan, bench, point, bench.min_seconds / bench.processes, samples, seed)
        environment = capability_environment(options.cpu_capability)
        yield entry_of(
            recorder.with_judged(job), "bench", environment, options.sandbox, options.timeout, files
        )


def measured_plan(plan: Plan, chosen: bool) -> Plan:
    """The cases that were asked for by name, else the first one: samples of many would be many megabytes."""
    return plan if chosen else replace(plan, cases=plan.cases[:1])


def _plan_document(plan: Plan) -> dict[str, Any]:
    return {
        "artifact": plan.artifact.name,
        "cases": plan.document.text,
        "only": [summary.name for summary in plan.cases],
        "cases_from": plan.cases_from,
        "proves": plan.proves,
    }


def _options_document(options: VerifyOptions) -> dict[str, Any]:
    """What judging depends on; what is a file here, is not there."""
    plain = replace(
        options, cases=None, inputs=(), libraries=(), save_outputs=None, reduce=None, reference=None
    )
    return dict(to_dict(plain))


def _write(folder: Path, document: Mapping[str, Any]) -> None:
    (folder / "bundle.json").write_text(json.dumps(document))
    script = folder / "run.sh"
    shutil.copyfile(_SCRIPT, script)
    script.chmod(0o755)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [sum_line(path, str(path.relative_to(folder))) for path in files]
    (folder / "SHA256SUMS").write_bytes(os.fsencode("".join(lines)))


def _bytes_of(path: Path) -> int:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(file.stat().st_size for file in files)
