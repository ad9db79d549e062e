"""Two LibTorches cannot be in one process: each side has its own, and they take turns."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tsharness.runner.cage import Sandbox
from tsharness.runner.find import Runner
from tsharness.runner.job import Job
from tsharness.runner.launch import RunnerProcess
from tsharness.runner.outcome import Event, Outcome
from tsharness.runner.process import Hooks, Watch

_MIN_PAIRS = 3
_MOST_SECONDS = 20.0
"""For the side that ran less often, to run as often as the other one."""
_NAMES = ("base", "new")


@dataclass(frozen=True)
class Seat:
    """One of the two: who runs it, and what."""

    runner: Runner
    job: Job
    """Whose only step is "turns", of one case."""


@dataclass(frozen=True)
class Manner:
    """How both are run."""

    sandbox: Sandbox
    timeout: float
    seconds: float
    """Of taking turns, in each pair of processes."""


class _Half:
    """A side that has been started, and a thread that listens to it."""

    def __init__(self, seat: Seat, manner: Manner, hooks: Hooks) -> None:
        self._hooks = hooks
        self._said: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._process = RunnerProcess(seat.runner, {})
        watch = Watch(self._process, seat.job, manner.timeout, self._hear)
        self._outcome: Outcome | None = None
        self._stands: Event = {}
        self._process.write_job(seat.job, manner.sandbox, manner.timeout)
        self._thread = threading.Thread(target=self._listen, args=(watch,), daemon=True)
        self._thread.start()

    def _hear(self, event: Event) -> None:
        self._hooks.on_event(event)
        if event["event"] == "progress":
            self._said.put(event)

    def _listen(self, watch: Watch) -> None:
        try:
            self._outcome = watch.until_end()
        finally:
            self._said.put(None)

    def heard(self) -> Event | None:
        """Its next word; ``None`` if it has ended."""
        said = self._said.get()
        if said is None:
            self._said.put(None)  # whoever asks again is told again
        else:
            self._stands = said
        return said

    @property
    def runs(self) -> int:
        """That it has made of the case."""
        return int(self._stands["runs"])

    @property
    def keeps_state(self) -> bool:
        """Whether what it gives may depend on how often it ran."""
        return bool(self._stands["keeps_state"])

    def seconds_until(self, runs: int) -> float:
        """That it takes to have run so often."""
        return float(self._stands["seconds_per_run"]) * (runs - self.runs)

    def catch_up(self, runs: int) -> None:
        """Runs until there were so many."""
        self._process.tell(str(runs))
        self.heard()

    def turn(self) -> float | None:
        """Seconds that the case takes in a block of it; ``None`` if it has ended."""
        self._process.tell()
        said = self.heard()
        return None if said is None else float(said["seconds"])

    def finish(self) -> Outcome:
        """No more turns: what it says then, and how it ends."""
        self._process.finish()
        self._thread.join()
        assert self._outcome is not None
        return self._outcome

    def close(self) -> None:
        self._process.kill()
        self._thread.join()
        self._process.close()


@contextmanager
def _halves(seats: tuple[Seat, Seat], manner: Manner, hooks: Hooks) -> Iterator[list[_Half]]:
    """Both, ready for their turns: warm, and the second with the first one's outputs before it."""
    with ExitStack() as stack:
        halves = []
        for seat in seats:
            half = _Half(seat, manner, hooks)
            stack.callback(half.close)
            halves.append(half)
            if half.heard() is None:
                break  # how it ended says more
        yield halves


def take_turns(
    seats: tuple[Seat, Seat], manner: Manner, hooks: Hooks, first: int
) -> tuple[list[Outcome], Event | None]:
    """What became of the processes, and what the step "ab" would have said of the case; ``None`` if one of
    them did not get to its end. ``first`` is whose load counts (docs/protocol.md)."""
    pairs: list[tuple[float, float]] = []
    problem = ""
    with _halves(seats, manner, hooks) as halves:
        if len(halves) == 2:
            pairs = _pairs(halves, manner.seconds)
            problem = _level(halves)
        outcomes = [half.finish() for half in halves]
    found = [next(iter(outcome.results("turns")), None) for outcome in outcomes]
    if len(found) < 2 or found[0] is None or found[1] is None:
        return outcomes, None
    return outcomes, _event((found[0], found[1]), pairs, first, problem)


def _level(halves: list[_Half]) -> str:
    """Sides that keep state can be compared only where both ran as often. Why that cannot be; empty if it
    can, or need not."""
    if not all(half.keeps_state for half in halves):
        return ""
    behind = 0 if halves[0].runs < halves[1].runs else 1
    late, runs = halves[behind], halves[1 - behind].runs
    if late.seconds_until(runs) > _MOST_SECONDS:
        return (
            f"both keep state from run to run, and {_NAMES[behind]} is too slow to run as often as the other "
            f"one did ({runs} times)"
        )
    late.catch_up(runs)
    return ""


def _pairs(halves: list[_Half], seconds: float) -> list[tuple[float, float]]:
    pairs: list[tuple[float, float]] = []
    started = time.monotonic()
    while len(pairs) < _MIN_PAIRS or time.monotonic() - started < seconds:
        taken: dict[int, float] = {}
        for side in random.sample((0, 1), 2):
            said = halves[side].turn()
            if said is None:
                return pairs
            taken[side] = said
        pairs.append((taken[0], taken[1]))
    return pairs


def _event(found: tuple[Event, Event], pairs: list[tuple[float, float]], first: int, problem: str) -> Event:
    sides: list[Mapping[str, Any]] = [
        {name: event[name] for name in ("load_seconds", "load_bytes", "first_seconds")} for event in found
    ]
    return {
        "event": "result",
        "step": "ab",
        "case": found[0]["case"],
        "first": first,
        "sides": sides,
        "calls_per_block": [event["calls_per_block"] for event in found],
        "pairs": pairs,
        "outputs": found[1]["outputs"],
        "later": {**_later(found), "problem": problem},
    }


def _later(found: tuple[Event, Event]) -> dict[str, Any]:
    """What the runs behind the turns gave. Of other numbers of runs nothing is said."""
    later = [event["later"] for event in found]
    changed = [name for name, one in zip(_NAMES, later, strict=True) if one["changed"]]
    return {**later[1], "changed": changed}
