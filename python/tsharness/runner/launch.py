"""Starts runner processes, each with a scratch folder and an environment of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from tsharness.errors import EnvironmentProblem
from tsharness.runner.cage import Sandbox, cage_of, clean_environment
from tsharness.runner.excess import Excess, FilesExcess
from tsharness.runner.find import Runner
from tsharness.runner.job import Job
from tsharness.runner.outcome import Outcome
from tsharness.runner.process import NO_HOOKS, Hooks, Watch
from tsharness.scratch import ScratchFolder


class Process(ABC):
    """A runner that does one job, wherever it runs."""

    @property
    @abstractmethod
    def events(self) -> IO[bytes]:
        """What it says, a JSON object a line."""

    @property
    @abstractmethod
    def printed(self) -> IO[bytes]:
        """Its standard output and error."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether somebody has seen its end."""

    @abstractmethod
    def excess(self, job: Job) -> Excess:
        """What it takes too much of."""

    @abstractmethod
    def send(self, job: Job, sandbox: Sandbox, timeout: float) -> None:
        """Gives it its job, and the cage that it locks itself into before it does it."""

    @abstractmethod
    def wait(self, timeout: float | None) -> int:
        """Its exit code; negative: the signal that ended it. Raises subprocess.TimeoutExpired."""

    @abstractmethod
    def kill(self) -> None:
        """Ends the process and everything that it may have started."""

    @abstractmethod
    def close(self) -> None:
        """Leaves nothing of it, but what it was asked to write."""


class RunnerProcess(Process):
    """One on this machine, in a scratch folder of its own. It has been started and waits for its job."""

    def __init__(self, runner: Runner, environment: Mapping[str, str]) -> None:
        self._scratch = ScratchFolder()
        read_end, write_end = os.pipe()
        self._events: IO[bytes] = os.fdopen(read_end, "rb", buffering=0)
        try:
            self.popen = subprocess.Popen(
                [*runner.prefix, runner.path, "--events-fd", str(write_end), "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(write_end,),
                cwd=self._scratch.name,
                env={**clean_environment(os.environ, self._scratch.name), **environment},
                start_new_session=True,
            )
        except OSError as error:
            self._events.close()
            self._scratch.cleanup()
            message = f"the runner {runner.path} cannot be started: {error.strerror}; reinstall tsharness"
            raise EnvironmentProblem(message) from None
        finally:
            os.close(write_end)

    @property
    def events(self) -> IO[bytes]:
        return self._events

    @property
    def ended(self) -> bool:
        return self.popen.returncode is not None

    @property
    def printed(self) -> IO[bytes]:
        assert self.popen.stdout is not None
        return self.popen.stdout

    @property
    def scratch(self) -> Path:
        """The folder that it may write to."""
        return Path(self._scratch.name)

    def send(self, job: Job, sandbox: Sandbox, timeout: float) -> None:
        self.write_job(job, sandbox, timeout)
        self.finish()

    def write_job(self, job: Job, sandbox: Sandbox, timeout: float) -> None:
        """As ``send``, but the process may be told more."""
        assert self.popen.stdin is not None
        message = {**job.to_dict(), "cage": cage_of(job, sandbox, self.scratch, timeout)}
        # A broken pipe: it died already, and its exit status says more.
        with contextlib.suppress(BrokenPipeError):
            self.popen.stdin.write(json.dumps(message).encode())
            self.popen.stdin.flush()

    def tell(self, line: str = "") -> None:
        """A line more (docs/protocol.md, "turns")."""
        assert self.popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.popen.stdin.write(f"{line}\n".encode())
            self.popen.stdin.flush()

    def finish(self) -> None:
        """Nothing more."""
        assert self.popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.popen.stdin.close()

    def excess(self, job: Job) -> Excess:
        return FilesExcess(self.scratch, self.popen.pid, job)

    def wait(self, timeout: float | None) -> int:
        return self.popen.wait(timeout)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        self.popen.wait()
        for stream in (self.events, self.printed, self.popen.stdin):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._scratch.cleanup()


class Launcher:
    """Starts runner processes. They may be started ahead of their jobs: loading LibTorch's libraries takes
    longer than everything that Python does for a small artifact, and both can go on at once."""

    def __init__(
        self,
        runner: Runner,
        sandbox: Sandbox = Sandbox.AUTO,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.runner = runner
        """Which it starts."""
        self.sandbox = sandbox
        self.place = ""
        """Where the processes run, in a word; empty: here."""
        self._environment = environment or {}
        """That every process has."""
        self.judged: dict[Path, Mapping[str, Any]] = {}
        """By artifact, what the inspection has judged of it, as jobs carry it."""
        self.interrupted = False
        """Whether somebody pressed Ctrl-C: then nothing more is started."""
        self._ahead: dict[tuple[tuple[str, str], ...], Process] = {}
        self._taken: list[Process] = []

    def start_ahead(self, environment: Mapping[str, str] | None = None) -> None:
        """Starts one with these variables besides those that every one has, unless one waits already."""
        key = _key(environment)
        if key not in self._ahead:
            self._ahead[key] = self.start({**self._environment, **(environment or {})})

    def start(self, environment: Mapping[str, str]) -> Process:
        """A new process, with these variables besides those that every one has."""
        return RunnerProcess(self.runner, environment)

    def run(
        self,
        job: Job,
        timeout: float,
        hooks: Hooks = NO_HOOKS,
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Has a runner do ``job`` and waits for its end.

        ``timeout`` bounds, in seconds, each step and each case by itself; ``environment`` holds variables
        that the process gets besides those of this one. An interrupt (Ctrl-C) ends the process, and what it
        has said so far is the outcome.
        """
        job = self.with_judged(job)
        process = self.take(environment)
        try:
            watch = Watch(process, job, timeout, hooks.on_event)
            try:
                process.send(job, self.sandbox, timeout)
                hooks.on_start()
                return watch.until_end()
            except KeyboardInterrupt:
                self.interrupted = True
                return watch.interrupted()
        finally:
            process.close()

    def with_judged(self, job: Job) -> Job:
        """The job, with what was judged of the artifacts that it and its steps name."""

        def judged(step: Mapping[str, Any]) -> Mapping[str, Any]:
            more: dict[str, Any] = {}
            if "artifact" in step:
                more["judged"] = self.judged.get(Path(step["artifact"]))
            if "sides" in step:
                more["sides"] = [judged(side) for side in step["sides"]]
            return {**step, **more}

        own = self.judged.get(job.artifact.absolute())
        return replace(job, judged=own, steps=tuple(map(judged, job.steps)))

    def take(self, environment: Mapping[str, str] | None = None) -> Process:
        """The process that was started ahead with these variables, or a new one."""
        ahead = self._ahead.pop(_key(environment), None)
        process = ahead or self.start({**self._environment, **(environment or {})})
        self._taken = [one for one in self._taken if not one.ended] + [process]
        return process

    def interrupt(self) -> None:
        """From another thread: ends what runs, and nothing more is started."""
        self.interrupted = True
        for process in self._taken:
            process.kill()

    def texts(self, paths: Sequence[str]) -> dict[str, str] | None:  # noqa: ARG002
        """Of files of the machine that the processes run on, those that there are; ``None``: it is this
        one."""
        return None

    def close(self) -> None:
        """Ends processes that were started ahead and not needed."""
        while self._ahead:
            self._ahead.popitem()[1].close()


def _key(environment: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((environment or {}).items()))
