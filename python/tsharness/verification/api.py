"""``tsharness.verify``: the one function behind the command, the API and whatever comes later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tsharness.artifact.integrity import Integrity, examine, unexamined
from tsharness.errors import UsageError
from tsharness.hosts.launching import launcher_for, nobody_hears
from tsharness.inspection.gate import refuse_dangers
from tsharness.runner.cage import parse_sandbox
from tsharness.runner.launch import Launcher
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.runtimes.registry import Runtime, runs_in, runtime_of
from tsharness.scratch import ScratchFolder
from tsharness.verification.checks.rule import no_requests, parse_level
from tsharness.verification.environment import for_environment
from tsharness.verification.plan import Plan, VerifyOptions, find_cases, plan_cases, tolerance_layer
from tsharness.verification.reference import is_artifact
from tsharness.verification.report import VerifyReport
from tsharness.verification.reporting import report_of
from tsharness.verification.run import record_float64, run_plan


def verify(
    path: str | Path,
    *,
    cases: str | Path | None = None,
    only: Sequence[str] = (),
    kind: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    runner: str = "installed",
    host: str | None = None,
    cpu_capability: str | None = None,
    libraries: Sequence[str | Path] = (),
    save_outputs: str | Path | None = None,
    calls: int = 5,
    rtol: float | Mapping[str, float] | None = None,
    atol: float | Mapping[str, float] | None = None,
    exact: bool = False,
    float64: bool = False,
    topk: int | None = None,
    accept: Sequence[str] = (),
    compare_with: str | None = None,
    reference: str | None = None,
    method: str | None = None,
    localize: bool = False,
    reduce: str | Path | None = None,
    level: str = "standard",
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    leak_limit: int = 1024,
    cold_start_limit: float = 10.0,
    allow_ops: Sequence[str] = (),
    sandbox: str = "auto",
    timeout: float = 600.0,
    max_time: float | None = None,
    memory_limit: int | None = None,
) -> VerifyReport:
    """Verifies one artifact in the C++ runner; the fields of VerifyOptions say what the options mean.

    ``rtol`` and ``atol`` are one number for all outputs, or one for each by name.
    Raises UsageError if there is nothing to compare, EnvironmentProblem if it cannot run here,
    ArtifactError if there is no such file, RefusedError if it can do more than compute. A failed
    verification is not raised: see ``.verdict``.
    """
    options = VerifyOptions(
        cases=None if cases is None else Path(cases),
        only=tuple(only),
        kind=kind,
        device=device,
        threads=threads,
        runner=runner,
        host=host,
        cpu_capability=cpu_capability,
        libraries=tuple(map(Path, libraries)),
        save_outputs=None if save_outputs is None else Path(save_outputs),
        calls=calls,
        tolerance=tolerance_layer(rtol, atol, exact, topk, accept),
        compare_with=compare_with,
        float64=float64,
        reference=reference,
        method=method,
        localize=localize,
        reduce=None if reduce is None else Path(reduce),
        level=parse_level(level),
        select=tuple(select),
        ignore=tuple(ignore),
        leak_limit=leak_limit,
        cold_start_limit=cold_start_limit,
        allow_ops=tuple(allow_ops),
        sandbox=parse_sandbox(sandbox),
        timeout=timeout,
        max_time=max_time,
        memory_limit=memory_limit,
    )
    return verify_artifact(Path(path), options)


def verify_artifact(
    artifact: Path,
    options: VerifyOptions,
    hooks: Hooks = NO_HOOKS,
    on_plan: Callable[[Plan], None] | None = None,
    launcher: Launcher | None = None,
) -> VerifyReport:
    """As ``verify``, with hooks for progress; ``on_plan`` is called when the plan is made."""
    started = time.monotonic()
    runtime = runtime_of(artifact, options.kind)
    options = replace(options, kind=runtime.name)
    asked = [(artifact, options.kind)]
    asked += [(Path(options.reference), None)] if is_artifact(options.reference) else []
    judged = {
        path: refuse_dangers(
            path, options.allow_ops, bool(options.libraries), as_kind=kind, caged=options.caged
        )
        for path, kind in asked
    }
    own = None
    if launcher is None or not runs_in(runtime, options.runner, launcher.runner):
        own = launcher = launcher_of(options, runtime=runtime)
    launcher.sandbox = options.sandbox
    launcher.judged |= {path.absolute(): one.for_job() for path, one in judged.items()}
    ahead = _starting_ahead(options, launcher, hooks)

    def run(plan: Plan) -> VerifyReport:
        if on_plan is not None:
            on_plan(plan)
        with ThreadPoolExecutor(max_workers=1) as pool:
            integrity = pool.submit(examine if options.integrity else unexamined, plan.artifact)
            report = verify_plan(plan, options, launcher, ahead, integrity.result, started)
        # Calls that agree show nothing of random numbers behind a branch: the code does.
        return replace(report, findings=(*report.findings, *judged[artifact].random))

    try:
        found = find_cases(artifact, options.cases)
        if options.inputs or options.reference or found is None:
            from tsharness.verification.synthesized import with_synthesized_cases

            return with_synthesized_cases(artifact, options, launcher, hooks, run)
        return run(plan_cases(artifact, *found, options.only))
    finally:
        if own is not None:
            own.close()


def verify_plan(
    plan: Plan,
    options: VerifyOptions,
    launcher: Launcher,
    hooks: Hooks,
    integrity: Callable[[], Integrity],
    started: float,
) -> VerifyReport:
    """Runs and judges a plan; ``integrity`` is asked when the cases have run, ``started`` is on the monotonic
    clock. Raises as ``verify``."""
    options = for_environment(plan, _checked(options), launcher.runner.libtorch)
    with _with_float64(plan, options, launcher) as judged, _keeping_outputs(judged) as judged:
        result = run_plan(plan, judged, launcher, hooks)
        after = replace(hooks, on_start=NO_HOOKS.on_start)
        return report_of(plan, judged, result, integrity(), launcher, after, started)


def launcher_of(
    options: VerifyOptions, say: Callable[[str], None] = nobody_hears, runtime: Runtime | None = None
) -> Launcher:
    """For the runner, the instructions and the host that the options name, and for what the artifact needs.
    Raises as ``launcher_for``."""
    return launcher_for(options.runner, options.host, options.cpu_capability, options.sandbox, say, runtime)


def _starting_ahead(options: VerifyOptions, launcher: Launcher, hooks: Hooks) -> Hooks:
    """While the cases run in one process, the one for the checks that come after them can start."""
    if not any(rule.requests is not no_requests and rule.needs_passing for rule in options.checks):
        return hooks

    def on_start() -> None:
        hooks.on_start()
        launcher.start_ahead()

    return replace(hooks, on_start=on_start)


def _checked(options: VerifyOptions) -> VerifyOptions:
    """Raises UsageError for two ways of judging at once."""
    accepts = "accept" in options.tolerance or any(
        "accept" in stated for stated in options.tolerance.get("outputs", {}).values()
    )
    ways = {"--tolerance fp64": options.float64, "--accept": accepts, "--compare-with": options.compare_with}
    stated = [way for way, wanted in ways.items() if wanted]
    if len(stated) > 1:
        raise UsageError(f"{' and '.join(stated)} are two ways to judge; state one")
    return options


@contextmanager
def _keeping_outputs(options: VerifyOptions) -> Iterator[VerifyOptions]:
    """Where a function judges, tolerances cannot: other environments are compared with the outputs here."""
    if options.compare_with is None or options.save_outputs is not None:
        yield options
        return
    with ScratchFolder() as scratch:
        yield replace(options, save_outputs=Path(scratch) / "outputs.cases.safetensors")


@contextmanager
def _with_float64(plan: Plan, options: VerifyOptions, launcher: Launcher) -> Iterator[VerifyOptions]:
    """The options with a float64 run's outputs, if these are to judge."""
    if not options.float64:
        yield options
        return
    with ScratchFolder() as scratch:
        output = Path(scratch) / "float64.safetensors"
        record_float64(plan, options, launcher, output)
        yield replace(options, float64_outputs=output)
