"""Asks the runner about inputs: what an artifact says of its arguments, and whether it runs with some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsharness.cases.specs import InputCase
from tsharness.errors import ArtifactError, DeviceError, InputError, RunnerCrash, UsageError
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Event
from tsharness.runner.process import Hooks
from tsharness.runner.steps import StepOutcome, default_memory_limit, refused, run_steps
from tsharness.verification.inputs.demands import Trial
from tsharness.verification.inputs.extents import elements_of
from tsharness.verification.plan import VerifyOptions

PROBE_SECONDS = 10.0
"""For one candidate: what takes longer is not the likely one."""
_ERRORS = {"artifact": ArtifactError, "device": DeviceError, "usage": UsageError, "execution": ArtifactError}


@dataclass(frozen=True)
class Prober:
    """An artifact, and what runs it."""

    artifact: Path
    options: VerifyOptions
    launcher: Launcher
    hooks: Hooks

    def describe(self) -> Event:
        """Its methods, with what their first operators say of the arguments. Raises ArtifactError and
        DeviceError if it cannot be loaded."""
        (event,) = self._run({"step": "describe"}, self.options.timeout).results
        return event

    def trials(self, tried: Sequence[InputCase]) -> list[Trial]:
        """Calls with each, until one runs: that is the last of what is returned. A call that kills the
        process is one that does not work: the next ones go on in another. Where one took too long, those
        that are as large are left out."""
        done: list[Trial] = []
        left = {case.name: case for case in tried}
        while left:
            outcome = self._probe(list(left.values()))
            before = len(done)
            for name, event in outcome.by_case().items():
                error = event["error"]
                done.append(Trial(left.pop(name), error, event["operators"], event["raised"]))
                if error is None:
                    return done
            for name, error in outcome.errors.items():
                done.append(Trial(case := left.pop(name), error.message))
                if error.kind == "timeout":
                    left = {key: one for key, one in left.items() if elements_of(one) < elements_of(case)}
            if len(done) == before:
                break
        return done

    def running(self, tried: Sequence[InputCase]) -> list[InputCase]:
        """Those that run."""
        if not tried:
            return []
        outcome = self._probe(tried, all=True)
        good = {name for name, event in outcome.by_case().items() if event["error"] is None}
        return [case for case in tried if case.name in good and case.name not in outcome.errors]

    def record(self, cases: Sequence[InputCase], output: Path) -> None:
        """Writes a case file whose outputs are the artifact's own, in the runner. Raises InputError if none
        of the inputs works."""
        outcome = self._probe(cases, all=True, save=str(output))
        bad = [event["error"] for event in outcome.results if event["error"]]
        bad += [error.message for error in outcome.errors.values()]
        if not output.is_file() or len(bad) == len(cases):
            said = str(bad[0]).strip().splitlines()[-1] if bad else "no answer"
            raise InputError(f"{self.artifact}: it does not run with these inputs: {said}")

    def _probe(self, tried: Sequence[InputCase], **more: Any) -> StepOutcome:
        step = {"step": "probe", "candidates": [case.to_dict() for case in tried], **more}
        return self._run(step, min(self.options.timeout, PROBE_SECONDS))

    def _run(self, step: Mapping[str, Any], timeout: float) -> StepOutcome:
        job = Job(
            self.artifact,
            ({**step, "id": "probe"},),
            kind=self.options.kind or "",
            device=self.options.device,
            threads=self.options.threads,
            libraries=self.options.libraries,
            memory_limit=self.options.memory_limit or default_memory_limit(),
        )
        done = run_steps(job, self.launcher, timeout, self.hooks)
        outcome = done.steps["probe"]
        error = done.load_error or outcome.error
        if error is not None and error.kind == "refused":
            raise refused(self.artifact, error.message)
        if error is not None:
            raise _ERRORS.get(error.kind, RunnerCrash)(f"{self.artifact}: {error.message}")
        return outcome
