"""Runs one job in one runner process, and turns whatever happens to it into data."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tsharness.runner.cage import Excess
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher, RunnerProcess

Event = Mapping[str, Any]

_MAX_LINE = 1 << 28  # bytes of one event: a million samples are a tenth of it
_KEPT_OUTPUT = 8192  # bytes of what the model printed last
_LOOK_EVERY = 0.25  # seconds between looks at what the process takes
_EXIT_GRACE = 10.0  # seconds from the end of the events to the end of the process


@dataclass(frozen=True)
class Death:
    """How a process ended that did not do all its work."""

    kind: str
    """"signal", "exit", "timeout", "limit", "garbage" or "interrupted"."""
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


def run_job(
    job: Job,
    launcher: Launcher,
    timeout: float,
    hooks: Hooks = NO_HOOKS,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Has a runner do ``job`` and waits for its end.

    ``timeout`` bounds, in seconds, each step and each case by itself; ``environment`` holds variables that
    the process gets besides those of this one. An interrupt (Ctrl-C) ends the process, and what it has said
    so far is the outcome.
    """
    process = launcher.take(environment)
    try:
        watch = _Watch(process, job, timeout, hooks.on_event)
        try:
            process.send(job, launcher.sandbox, timeout)
            hooks.on_start()
            return watch.until_end()
        except KeyboardInterrupt:
            launcher.interrupted = True
            return watch.interrupted()
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
        self, process: RunnerProcess, job: Job, timeout: float, on_event: Callable[[Event], None]
    ) -> None:
        self._process = process
        self._excess = Excess(process.scratch, process.popen.pid, job)
        self._nonce = job.nonce
        self._on_event = on_event
        self._timeout = timeout
        self._progress = _Progress()
        self._line = bytearray()
        self._printed = bytearray()
        self._printed_bytes = 0
        self._problem: tuple[str, str] | None = None
        self._deadline = time.monotonic() + timeout
        self._next_look = time.monotonic() + _LOOK_EVERY

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

    def interrupted(self) -> Outcome:
        """What there is, after an interrupt."""
        self._problem = ("interrupted", "was interrupted")
        printed = self._printed.decode(errors="replace")
        return Outcome(tuple(self._progress.events), self._death(0, printed), printed)

    def _read_all(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.events, selectors.EVENT_READ, self._take_events)
            selector.register(self._process.printed, selectors.EVENT_READ, self._take_printed)
            while selector.get_map() and self._problem is None:
                left = max(0.0, self._deadline - time.monotonic())
                ready = selector.select(min(left, _LOOK_EVERY))
                self._look()
                for key, _ in ready:
                    chunk = os.read(key.fd, 1 << 16)
                    key.data(chunk)
                    if not chunk:
                        selector.unregister(key.fileobj)

    def _look(self) -> None:
        """Ends what takes too long or too much."""
        now = time.monotonic()
        if now >= self._deadline:
            self._problem = ("timeout", f"took longer than {self._timeout:g} s")
        if now < self._next_look or self._problem is not None:
            return
        self._next_look = now + _LOOK_EVERY
        excess = self._excess.seen(self._printed_bytes)
        if excess:
            self._problem = ("limit", excess)

    def _take_printed(self, chunk: bytes) -> None:
        self._printed += chunk
        self._printed_bytes += len(chunk)
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


_LIMITS: Mapping[int, str] = {
    signal.SIGXFSZ: "wrote a larger file than it may (SIGXFSZ)",
    signal.SIGXCPU: "took more processor time than it may (SIGXCPU)",
}


def _signal_text(number: int, printed: str) -> str:
    known = {member.value: member.name for member in signal.Signals}
    name = known.get(number, f"signal {number}")
    if number == signal.SIGKILL:
        return "was killed (SIGKILL), as the system does when memory runs out"
    if number in _LIMITS:
        return _LIMITS[number]
    if number == signal.SIGABRT and "terminate called" in printed:
        return f"ended by an uncaught C++ exception ({name}): {_exception_text(printed)}"
    return f"crashed ({name})"


def _exception_text(printed: str) -> str:
    lines = printed[printed.index("terminate called") :].splitlines()
    return " ".join(line.strip() for line in lines[:2])
