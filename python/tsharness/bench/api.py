"""``tsharness.benchmark``: latency of an artifact's cases in the C++ runner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tsharness.bench.report import BenchReport, summarize
from tsharness.errors import EnvironmentProblem, RunnerCrash, error_of_kind
from tsharness.inspection.gate import refuse_dangers
from tsharness.report.model import RunnerInfo
from tsharness.runner.cage import parse_sandbox
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.process import NO_HOOKS, Hooks, run_job
from tsharness.runner.steps import case_errors, default_memory_limit
from tsharness.verification.plan import find_cases, no_cases_error, plan_cases


def benchmark(
    path: str | Path,
    *,
    cases: Path | None = None,
    only: tuple[str, ...] = (),
    device: str = "cpu",
    threads: int | None = None,
    libraries: Sequence[str | Path] = (),
    min_seconds: float = 1.0,
    allow_ops: Sequence[str] = (),
    sandbox: str = "auto",
    timeout: float = 600.0,
    hooks: Hooks = NO_HOOKS,
) -> BenchReport:
    """Warms each case up, then times its calls one by one for at least ``min_seconds``.

    Raises UsageError without cases, ArtifactError if the artifact does not load, RefusedError if
    it can do more than compute, and the other errors of the tree as they occur; a case
    that fails by itself is in ``.errors``.
    """
    artifact, launcher = Path(path), Launcher(find_runner(), parse_sandbox(sandbox))
    refuse_dangers(artifact, allow_ops, bool(libraries))
    found = find_cases(artifact, cases)
    if found is None:
        raise no_cases_error(artifact)
    plan = plan_cases(artifact, *found, only)
    names = [summary.name for summary in plan.cases]
    bench = {"step": "bench", "cases": names, "min_seconds": min_seconds}
    job = Job(
        artifact=artifact,
        steps=({"step": "load"}, bench),
        cases=plan.document.location,
        device=device,
        threads=threads,
        libraries=tuple(map(Path, libraries)),
        memory_limit=default_memory_limit(),
    )
    outcome = run_job(job, launcher, timeout, hooks)
    errors = case_errors(outcome)
    for event in outcome.errors():
        if "case" not in event:
            raise error_of_kind(event["kind"])(event["message"])
    if outcome.death is not None and outcome.death.case is None:
        raise RunnerCrash(f"{artifact}: the runner {outcome.death.message}")
    if outcome.hello is None:
        raise EnvironmentProblem("the runner ended without a word; reinstall tsharness")
    latencies = tuple(
        summarize(event["case"], event["warmup_seconds"], event["timed_seconds"], event["calls_per_sample"])
        for event in outcome.results("bench")
    )
    info = RunnerInfo.from_hello(outcome.hello, device)
    return BenchReport(str(artifact), info, latencies, errors)
