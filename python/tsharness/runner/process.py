"""Runs one job in one runner process, and turns whatever happens to it into data."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from tsharness.errors import EnvironmentProblem
from tsharness.runner.find import Runner
from tsharness.runner.job import Job

Event = Mapping[str, Any]

_MAX_LINE = 1 << 28  # bytes of one event: a million samples are a tenth of it
_KEPT_OUTPUT = 8192  # bytes of what the model printed last
_EXIT_GRACE = 10.0  # seconds from the end of the events to the end of the process


@dataclass(frozen=True)
class Death:
    """How a process ended that did not do all its work."""

    kind: str
    """"signal", "exit", "timeout" or "garbage"."""
    message: str
    """In words, with the name of the signal or the limit."""
    step: str
    """The step that was running; "start" before the first."""
    case: str | None
    """The case that was running, if one was."""
    id: str = ""
    """Of that step, if it had one."""


@dataclass(frozen=True)
class Outcome:
    """What a runner process said and how it ended."""

    events: tuple[Event, ...]
    death: Death | None
    printed: str
    """The last of what it wrote to standard output and error."""

    def results(self, step: str) -> tuple[Event, ...]:
        return tuple(e for e in self.events if e["event"] == "result" and e.get("step") == step)

    def errors(self) -> tuple[Event, ...]:
        return tuple(e for e in self.events if e["event"] == "error")

    @property
    def hello(self) -> Event | None:
        return next((e for e in self.events if e["event"] == "hello"), None)


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Hooks:
    """What a caller wants to hear of while a job runs."""

    on_event: Callable[[Event], None] = _ignore
    """Called with every event of the runner."""
    on_start: Callable[[], None] = _ignore
    """Called when a process was started: work that can be done meanwhile."""


NO_HOOKS = Hooks()


class RunnerProcess:
    """A runner that has been started and waits for its job, in a scratch folder of its own."""

    def __init__(self, runner: Runner, environment: Mapping[str, str] | None = None) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="tsharness-")
        read_end, write_end = os.pipe()
        self.events: IO[bytes] = os.fdopen(read_end, "rb", buffering=0)
        try:
            self.popen = subprocess.Popen(
                [runner.path, "--events-fd", str(write_end), "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(write_end,),
                cwd=self._scratch.name,
                env={**os.environ, **environment} if environment else None,
                start_new_session=True,
            )
        except OSError as error:
            self.events.close()
            self._scratch.cleanup()
            message = f"the runner {runner.path} cannot be started: {error.strerror}; reinstall tsharness"
            raise EnvironmentProblem(message) from None
        finally:
            os.close(write_end)

    @property
    def printed(self) -> IO[bytes]:
        """Standard output and error of the process."""
        assert self.popen.stdout is not None
        return self.popen.stdout

    def send(self, job: Job) -> None:
        """Gives the process its job."""
        assert self.popen.stdin is not None
        # A broken pipe: it died already, and its exit status says more.
        with contextlib.suppress(BrokenPipeError):
            self.popen.stdin.write(job.to_json().encode())
            self.popen.stdin.close()

    def kill(self) -> None:
        """Ends the process and everything that it may have started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)

    def close(self) -> None:
        """Leaves nothing of it: neither process nor scratch folder."""
        self.kill()
        self.popen.wait()
        for stream in (self.events, self.printed, self.popen.stdin):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._scratch.cleanup()


class Launcher:
    """Starts runner processes. One may be started ahead of its job: loading LibTorch's libraries takes
    longer than everything that Python does for a small artifact, and both can go on at once."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._ahead: RunnerProcess | None = None

    def start_ahead(self) -> None:
        """Starts one, unless one waits already."""
        self._ahead = self._ahead or RunnerProcess(self._runner)

    def take(self, environment: Mapping[str, str] | None = None) -> RunnerProcess:
        """The process that was started ahead, or a new one; with variables of its own, always a new one."""
        ahead, self._ahead = (self._ahead, None) if not environment else (None, self._ahead)
        return ahead or RunnerProcess(self._runner, environment)

    def close(self) -> None:
        """Ends a process that was started ahead and not needed."""
        if self._ahead is not None:
            self._ahead.close()


def run_job(
    job: Job,
    launcher: Launcher,
    timeout: float,
    hooks: Hooks = NO_HOOKS,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Has a runner do ``job`` and waits for its end.

    ``timeout`` bounds, in seconds, each step and each case by itself; ``environment`` holds variables that
    the process gets besides those of this one.
    """
    process = launcher.take(environment)
    try:
        process.send(job)
        hooks.on_start()
        return _Watch(process, job.nonce, timeout, hooks.on_event).until_end()
    finally:
        process.close()


@dataclass
class _Progress:
    """Where the process is, by its own word."""

    step: str = "start"
    case: str | None = None
    id: str = ""
    done: bool = False
    events: list[Event] = field(default_factory=list)


class _Watch:
    def __init__(
        self, process: RunnerProcess, nonce: str, timeout: float, on_event: Callable[[Event], None]
    ) -> None:
        self._process = process
        self._nonce = nonce
        self._on_event = on_event
        self._timeout = timeout
        self._progress = _Progress()
        self._line = bytearray()
        self._printed = bytearray()
        self._problem: tuple[str, str] | None = None
        self._deadline = time.monotonic() + timeout

    def until_end(self) -> Outcome:
        self._read_all()
        try:
            code = self._process.popen.wait(timeout=_EXIT_GRACE if self._problem is None else 0)
        except subprocess.TimeoutExpired:
            if self._problem is None:
                self._problem = ("timeout", f"did not end within {_EXIT_GRACE:g} s after its work")
            self._process.kill()
            code = self._process.popen.wait()
        printed = self._printed.decode(errors="replace")
        return Outcome(tuple(self._progress.events), self._death(code, printed), printed)

    def _read_all(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.events, selectors.EVENT_READ, self._take_events)
            selector.register(self._process.printed, selectors.EVENT_READ, self._take_printed)
            while selector.get_map() and self._problem is None:
                ready = selector.select(max(0.0, self._deadline - time.monotonic()))
                if time.monotonic() >= self._deadline:
                    self._problem = ("timeout", f"took longer than {self._timeout:g} s")
                for key, _ in ready:
                    chunk = os.read(key.fd, 1 << 16)
                    key.data(chunk)
                    if not chunk:
                        selector.unregister(key.fileobj)

    def _take_printed(self, chunk: bytes) -> None:
        self._printed += chunk
        del self._printed[:-_KEPT_OUTPUT]

    def _take_events(self, chunk: bytes) -> None:
        self._line += chunk
        if b"\n" not in chunk:
            if len(self._line) > _MAX_LINE or (not chunk and self._line):
                self._garbage(self._line)
            return
        *lines, rest = self._line.split(b"\n")
        self._line = bytearray(rest)
        for line in lines:
            self._take_line(line)

    def _take_line(self, line: bytes | bytearray) -> None:
        if self._problem is not None:
            return
        try:
            event = json.loads(line)
            name = event["event"]
            step = event.get("step", self._progress.step)
            genuine = event.pop("nonce", "") == self._nonce
        except (ValueError, TypeError, KeyError, AttributeError):
            genuine = False
        if not genuine:
            self._garbage(line)
            return
        if name == "step-begin":
            self._progress.step, self._progress.case = step, event.get("case")
            self._progress.id = event.get("id", "")
            self._deadline = time.monotonic() + self._timeout
        event["received"] = time.monotonic()
        self._progress.done = name == "bye"
        self._progress.events.append(event)
        self._on_event(event)

    def _garbage(self, line: bytes | bytearray) -> None:
        shown = bytes(line[:60]).decode(errors="replace")
        self._problem = ("garbage", f"wrote something that is no event to the event stream: {shown!r}")

    def _death(self, code: int, printed: str) -> Death | None:
        step, case, identity = self._progress.step, self._progress.case, self._progress.id
        if self._problem is not None:
            return Death(*self._problem, step, case, identity)
        if code < 0:
            return Death("signal", _signal_text(-code, printed), step, case, identity)
        if not self._progress.done:
            said = f": {printed.strip().splitlines()[-1]}" if printed.strip() else ""
            return Death(
                "exit", f"ended with status {code} before its work was done{said}", step, case, identity
            )
        return None


def _signal_text(number: int, printed: str) -> str:
    known = {member.value: member.name for member in signal.Signals}
    name = known.get(number, f"signal {number}")
    if number == signal.SIGKILL:
        return "was killed (SIGKILL), as the system does when memory runs out"
    if number == signal.SIGABRT and "terminate called" in printed:
        return f"ended by an uncaught C++ exception ({name}): {_exception_text(printed)}"
    return f"crashed ({name})"


def _exception_text(printed: str) -> str:
    lines = printed[printed.index("terminate called") :].splitlines()
    return " ".join(line.strip() for line in lines[:2])
