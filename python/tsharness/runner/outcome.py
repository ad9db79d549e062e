"""What a runner process said and how it ended, as data."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tsharness.runner.event_shape import check_event

Event = Mapping[str, Any]


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


@dataclass
class Progress:
    """Where a process is, by its own word."""

    step: str = "start"
    case: str | None = None
    id: str = ""
    done: bool = False
    events: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """The next thing that it said. Raises ValueError for what no runner says."""
        check_event(event)
        if event["event"] == "step-begin":
            self.step, self.case = event["step"], event.get("case")
            self.id = event.get("id", "")
        self.done = event["event"] == "bye"
        self.events.append(event)

    def outcome(self, code: int, printed: str, problem: tuple[str, str] | None) -> Outcome:
        """After its end: with exit code ``code`` (negative: by a signal), or ended from outside because of
        ``problem``, its kind and its message."""
        return Outcome(tuple(self.events), self._death(code, printed, problem), printed)

    def _death(self, code: int, printed: str, problem: tuple[str, str] | None) -> Death | None:
        if problem is None and code < 0:
            problem = ("signal", _signal_text(-code, printed))
        if problem is None and not self.done:
            said = f": {printed.strip().splitlines()[-1]}" if printed.strip() else ""
            problem = ("exit", f"ended with status {code} before its work was done{said}")
        return None if problem is None else Death(*problem, self.step, self.case, self.id)


def outcome_of(events: Iterable[Event], code: int, printed: str, problem: tuple[str, str] | None) -> Outcome:
    """Of a process that somebody else has watched."""
    progress = Progress()
    for event in events:
        progress.take(event)
    return progress.outcome(code, printed, problem)


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
