"""Listens to a runner process while it does its job."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tsharness.runner.outcome import Event, Outcome, Progress

if TYPE_CHECKING:
    from tsharness.runner.job import Job
    from tsharness.runner.launch import Process

_MAX_LINE = 1 << 28  # bytes of one event: a million samples are a tenth of it
_KEPT_OUTPUT = 8192  # bytes of what the model printed last
_LOOK_EVERY = 0.25  # seconds between looks at what the process takes
_EXIT_GRACE = 10.0  # seconds from the end of the events to the end of the process


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Hooks:
    """What a caller wants to hear of while a job runs."""

    on_event: Callable[[Event], None] = _ignore
    """Called with every event of the runner."""
    on_start: Callable[[], None] = _ignore
    """Called when a process was started: work that can be done meanwhile."""
    on_more: Callable[[Sequence[Mapping[str, Any]]], None] = _ignore
    """Called with steps that come besides those known before, in the order in which they will be done."""


NO_HOOKS = Hooks()


class Watch:
    """Listens to a process until it ends, or until it takes too long or too much."""

    def __init__(self, process: Process, job: Job, timeout: float, on_event: Callable[[Event], None]) -> None:
        self._process = process
        self._excess = process.excess(job)
        self._nonce = job.nonce
        self._on_event = on_event
        self._timeout = timeout
        self._progress = Progress()
        self._line = bytearray()
        self._printed = bytearray()
        self._printed_bytes = 0
        self._problem: tuple[str, str] | None = None
        self._deadline = time.monotonic() + timeout
        self._next_look = time.monotonic() + _LOOK_EVERY

    def until_end(self) -> Outcome:
        """To be called when the process has its job: from then on it has ``timeout`` for each step."""
        self._deadline = time.monotonic() + self._timeout
        self._read_all()
        try:
            code = self._process.wait(_EXIT_GRACE if self._problem is None else 0)
        except subprocess.TimeoutExpired:
            if self._problem is None:
                self._problem = ("timeout", f"did not end within {_EXIT_GRACE:g} s after its work")
            self._process.kill()
            code = self._process.wait(None)
        return self._outcome(code)

    def interrupted(self) -> Outcome:
        """What there is, after an interrupt."""
        self._problem = ("interrupted", "was interrupted")
        return self._outcome(0)

    def _outcome(self, code: int) -> Outcome:
        return self._progress.outcome(code, self._printed.decode(errors="replace"), self._problem)

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
            genuine = event.pop("nonce", "") == self._nonce
            if genuine:
                self._progress.take({**event, "received": time.monotonic()})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            genuine = False
        if not genuine:
            self._garbage(line)
            return
        if name == "step-begin":
            self._deadline = time.monotonic() + self._timeout
        self._on_event(self._progress.events[-1])

    def _garbage(self, line: bytes | bytearray) -> None:
        shown = bytes(line[:60]).decode(errors="replace")
        self._problem = ("garbage", f"wrote something that is no event to the event stream: {shown!r}")
