"""Writes down the jobs of a verification, so that another machine can do them again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tsharness.runner.cage import Sandbox, cage_of
from tsharness.runner.find import Runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Outcome
from tsharness.runner.paths import relocated
from tsharness.runner.process import NO_HOOKS, Hooks

BUNDLE, WORK, SCRATCH = "@bundle@", "@work@", "@scratch@"
"""What stands in a bundle's jobs for folders of the machine that does them."""
_OURS = ("bundle.json", "run.sh", "SHA256SUMS", "results.json", "runtime")
"""What else lies in the folder."""


class Files:
    """Copies into the bundle's folder what jobs read, and gives names to what they write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[str, str] = {}

    def place(self, path: str, written: bool) -> str:
        """Where it lies when the bundle's jobs are done."""
        if path not in self._places:
            self._places[path] = self._written(path) if written else self._copied(path)
        return self._places[path]

    def _written(self, path: str) -> str:
        return f"{WORK}/{len(self._places)}-{Path(path).name}"

    def _copied(self, path: str) -> str:
        name = Path(path).name
        if name in _OURS or (self._folder / name).exists():
            name = f"{len(self._places)}-{name}"
        shutil.copyfile(path, self._folder / name)
        return f"{BUNDLE}/{name}"


class Recorder(Launcher):
    """Runs jobs as any launcher, and from ``begin`` on writes them down, as bundle.json has them."""

    def __init__(
        self, runner: Runner, sandbox: Sandbox, environment: Mapping[str, str], files: Files
    ) -> None:
        super().__init__(runner, sandbox, environment)
        self._files = files
        self.jobs: list[dict[str, Any]] = []
        self._recording = False

    def begin(self) -> None:
        """What came before was looking for inputs, which the bundle has."""
        self._recording = True

    def run(
        self,
        job: Job,
        timeout: float,
        hooks: Hooks = NO_HOOKS,
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        own = {**self._environment, **(environment or {})}
        if self._recording and not self._goes_on(job, own):
            purpose = "verify" if job.steps[1]["id"].startswith("run-") else "checks"
            self.jobs.append(
                entry_of(self.with_judged(job), purpose, own, self.sandbox, timeout, self._files)
            )
        return super().run(job, timeout, hooks, environment)

    def _goes_on(self, job: Job, environment: Mapping[str, str]) -> bool:
        """Whether it is the rest of the job before, whose process has died: the host does that itself."""
        if not self.jobs or self.jobs[-1]["environment"] != environment:
            return False
        before = {step.get("id") for step in self.jobs[-1]["job"]["steps"]}
        return all(step.get("id") in before for step in job.steps)


def entry_of(
    job: Job, purpose: str, environment: Mapping[str, str], sandbox: Sandbox, timeout: float, files: Files
) -> dict[str, Any]:
    """A job as bundle.json has it."""
    cage = cage_of(job, sandbox, Path(SCRATCH), timeout)
    moved = relocated({**job.to_dict(), "cage": cage, "nonce": ""}, files.place)
    return {"purpose": purpose, "environment": dict(environment), "job": moved}
