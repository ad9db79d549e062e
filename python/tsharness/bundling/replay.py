"""Judges what a bundle's jobs said on another machine, as if they had been done here."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from tsharness import __version__
from tsharness.artifact.integrity import Integrity
from tsharness.bench.api import bench_plan
from tsharness.bench.judge import Subject
from tsharness.bench.machine import machine_of_texts
from tsharness.bench.options import BenchOptions
from tsharness.bundling.api import VERSION, measured_plan
from tsharness.cases.case_file import KEY
from tsharness.cases.safetensors_file import Location, SafetensorsWriter
from tsharness.errors import TsharnessError, UsageError
from tsharness.json_text import read_document
from tsharness.report.document import Problem, Report, Run, run_of_document
from tsharness.report.model import from_dict
from tsharness.runner.cage import Sandbox
from tsharness.runner.find import Runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Death, Outcome, outcome_of
from tsharness.runner.paths import WRITTEN
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.scratch import ScratchFolder
from tsharness.verdict import worst
from tsharness.verification.api import verify_plan
from tsharness.verification.plan import Plan, VerifyOptions, plan_cases

KIND = "bundle-results"
T = TypeVar("T")


@dataclass
class _Recorded:
    """A job of the bundle, with what came of it."""

    entry: Mapping[str, Any]
    processes: Sequence[Mapping[str, Any]]
    next: int = 0

    @property
    def ids(self) -> set[str]:
        return {step["id"] for step in self.entry["job"]["steps"] if "id" in step}


def _events(recorded: _Recorded) -> Iterator[Mapping[str, Any]]:
    for process in recorded.processes:
        yield from process["events"]


class Replayer(Launcher):
    """Answers jobs with what another machine has said. Which cases a check looks at depends on how long they
    take: what was recorded counts, found by the steps' ids."""

    def __init__(
        self, recorded: Sequence[_Recorded], files: Mapping[str, str], hello: Mapping[str, Any]
    ) -> None:
        super().__init__(Runner(Path(), str(hello["libtorch"])), Sandbox.AUTO)
        self._recorded = list(recorded)
        self._files = files
        self.place = str(hello["host"]["name"])

    def start_ahead(self, environment: Mapping[str, str] | None = None) -> None:
        """Nothing is started here."""

    def run(
        self,
        job: Job,
        timeout: float,  # noqa: ARG002
        hooks: Hooks = NO_HOOKS,  # noqa: ARG002
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        found = self._find({step["id"] for step in job.steps if "id" in step}, environment or {})
        if found is None:
            last = job.steps[-1]
            message = "was not asked there: it depends on what was seen before"
            return Outcome((), Death("unrecorded", message, last["step"], None, last.get("id", "")), "")
        process = found.processes[found.next]
        found.next += 1
        self._put_files(found.entry["job"]["steps"], job)
        problem = (process["problem"], process["message"]) if process["problem"] else None
        return outcome_of(process["events"], process["code"], process["printed"], problem)

    def _find(self, ids: set[str], environment: Mapping[str, str]) -> _Recorded | None:
        for one in self._recorded:
            there = one.entry["environment"]
            same = one.ids & ids or one.ids == ids  # steps that measure have none
            if same and environment.items() <= there.items() and one.next < len(one.processes):
                return one
        return None

    def _put_files(self, recorded: Sequence[Mapping[str, Any]], job: Job) -> None:
        """What the process wrote there is put where this job wants it."""
        for there, here in zip(recorded, job.steps, strict=False):
            for name in WRITTEN:
                content = self._files.get(there.get(name, "").rpartition("/")[2])
                if content is not None and here.get(name):
                    Path(here[name]).write_bytes(base64.b64decode(content))


def run_of_results(data: Mapping[str, Any], path: Path) -> Run:
    """The reports of what a bundle's run.sh has written. Raises UsageError for what it has not."""
    if data.get("bundle_version") != VERSION:
        raise UsageError(
            f"{path}: results of version {data.get('bundle_version')}; this tsharness reads {VERSION}: "
            "use the one that made the bundle"
        )
    try:
        return _Replay(data).run()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise UsageError(f"{path} is damaged: {type(error).__name__}: {error}") from None


class _Replay:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._bundle = data["bundle"]
        self._judge = self._bundle["judge"]
        outcomes = zip(self._bundle["jobs"], data["outcomes"], strict=True)
        self._recorded = [_Recorded(entry, outcome["processes"]) for entry, outcome in outcomes if outcome]
        self._reports: list[Report] = []
        self._errors: list[Problem] = []

    def run(self) -> Run:
        with ScratchFolder() as scratch:
            plan = self._plan(Path(scratch))
            options = from_dict(VerifyOptions, self._judge["verify"])
            options = replace(options, sandbox=Sandbox(options.sandbox))
            integrity = from_dict(Integrity, self._judge["integrity"])
            launcher = self._launcher("verify", "checks")
            if launcher is not None:
                self._attempt(
                    lambda: self._timed(
                        verify_plan(plan, options, launcher, NO_HOOKS, lambda: integrity, time.monotonic())
                    )
                )
            bench = self._launcher("bench")
            if bench is not None:
                self._attempt(lambda: self._timed(self._bench(plan, options, bench)))
        codes = [report.exit_code for report in self._reports] + [one.exit_code for one in self._errors]
        ended = _moment(self._data["ended"])
        return Run(
            tsharness=__version__,
            command="suite",
            created=ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
            exit_code=int(worst(codes)),
            reports=tuple(self._reports),
            errors=tuple(self._errors),
        )

    def _launcher(self, *purposes: str) -> Replayer | None:
        mine = [one for one in self._recorded if one.entry["purpose"] in purposes]
        if not mine:
            return None
        hellos = [event for one in mine for event in _events(one) if event["event"] == "hello"]
        if not hellos:
            raise ValueError("no process of it says what it is")
        hello = hellos[0]
        return Replayer(mine, self._data["files"], hello)

    def _plan(self, scratch: Path) -> Plan:
        """The plan of the verification here; the cases' tensors stay where they were used."""
        stated = self._judge["plan"]
        header = scratch / "cases.safetensors"
        header.write_bytes(SafetensorsWriter().to_bytes({KEY: stated["cases"]}))
        plan = plan_cases(
            Path(stated["artifact"]), Location(header), stated["cases_from"], tuple(stated["only"])
        )
        return replace(plan, proves=stated["proves"])

    def _bench(self, plan: Plan, options: VerifyOptions, launcher: Replayer) -> Report:
        told = self._data["machine"]
        machine = machine_of_texts(told["files"], told["cores"], told["affinity"])
        bench = BenchOptions(
            device=options.device, threads=options.threads, timeout=options.timeout, **self._judge["bench"]
        )
        size = self._judge["integrity"]["size"]
        measured = measured_plan(plan, bool(options.only))
        return bench_plan(measured, bench, launcher, NO_HOOKS, Subject(machine, size))

    def _timed(self, report: T) -> T:
        seconds = float(self._data["ended"] - self._data["started"])
        return replace(report, seconds=seconds)  # type: ignore[type-var]

    def _attempt(self, judge: Callable[[], Report]) -> None:
        try:
            self._reports.append(judge())
        except TsharnessError as error:
            self._errors.append(Problem.of(self._judge["plan"]["artifact"], error))


def _moment(seconds: Any) -> datetime:
    """Seconds since 1970. Raises ValueError for what no clock says."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (TypeError, OverflowError, OSError):
        raise ValueError(f"{seconds!r:.60} is no time") from None


def read_report(path: Path) -> Run:
    """Of what --json has written, or a bundle's run.sh. Raises UsageError for what neither has."""
    data = read_document(path, "what --json wrote, or a bundle's results.json")
    return run_of_results(data, path) if data.get("kind") == KIND else run_of_document(data, path)
