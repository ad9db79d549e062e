"""Launchers that keep what runners say, and that say it again."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tsharness.runner.cage import Sandbox
from tsharness.runner.excess import Excess
from tsharness.runner.find import Runner, find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher, Process
from tsharness.runner.outcome import Outcome
from tsharness.runner.process import NO_HOOKS, Hooks, Watch


class Recording(Launcher):
    """Runs jobs as any launcher, and keeps the events of each."""

    def __init__(self) -> None:
        super().__init__(find_runner())
        self.said: list[dict[str, Any]] = []

    def run(
        self,
        job: Job,
        timeout: float,
        hooks: Hooks = NO_HOOKS,
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        outcome = super().run(job, timeout, hooks, environment)
        self.said.append({"steps": list(job.steps), "events": [dict(event) for event in outcome.events]})
        return outcome


class Repeating(Launcher):
    """Starts nothing: each process says what another one has said."""

    def __init__(self, said: Any) -> None:
        super().__init__(Runner(Path("repeated"), "2.13.0"))
        self._said = iter(said if isinstance(said, list) else [said])

    def start_ahead(self, environment: Mapping[str, str] | None = None) -> None:
        """Nothing is started here."""

    def run(
        self,
        job: Job,
        timeout: float,
        hooks: Hooks = NO_HOOKS,
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        said = next(self._said, None)
        events = said.get("events") if isinstance(said, dict) else said
        process = _Said(events if isinstance(events, list) else [events], job.nonce)
        with contextlib.closing(process):
            return Watch(process, job, timeout, hooks.on_event).until_end()


class _Nothing(Excess):
    def __init__(self) -> None:
        pass

    def seen(self, printed: int) -> str | None:
        return None


class _Said(Process):
    def __init__(self, events: list[Any], nonce: str) -> None:
        self._events, events_in = os.pipe()
        self._printed, printed_in = os.pipe()
        lines = [_line(event, nonce) for event in events]
        self._writer = threading.Thread(target=_write, args=(events_in, printed_in, b"".join(lines)))
        self._writer.start()

    @property
    def events(self) -> IO[bytes]:
        return os.fdopen(self._events, "rb", buffering=0, closefd=False)

    @property
    def printed(self) -> IO[bytes]:
        return os.fdopen(self._printed, "rb", buffering=0, closefd=False)

    @property
    def ended(self) -> bool:
        return True

    def excess(self, job: Job) -> Excess:
        return _Nothing()

    def send(self, job: Job, sandbox: Sandbox, timeout: float) -> None:
        """It knows what to say."""

    def wait(self, timeout: float | None) -> int:
        return 0

    def kill(self) -> None:
        """It is nothing."""

    def close(self) -> None:
        os.close(self._events)
        os.close(self._printed)
        self._writer.join()


def _line(event: Any, nonce: str) -> bytes:
    from documents import text_of

    said = {**event, "nonce": nonce} if isinstance(event, dict) else event
    return text_of(said).encode() + b"\n"


def _write(events: int, printed: int, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), os.fdopen(events, "wb") as file:
        file.write(data)
    os.close(printed)
