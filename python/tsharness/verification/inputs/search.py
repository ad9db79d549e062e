"""Looks for inputs that run: proposals, what their failures ask for, the next proposals."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tsharness.cases.specs import InputCase, Spec
from tsharness.verification.inputs.demands import Trial
from tsharness.verification.inputs.messages import demands_of, distance, essence
from tsharness.verification.inputs.repair import repaired

MOST_CALLS = 240
MOST_ROUNDS = 24
MOST_SECONDS = 120.0
"""Bounds of a search, whatever it finds: calls, processes, and the time after which no process is started."""
_IN_A_ROUND = 12
"""Calls in one process."""
_OF_THE_FIRST = 4
"""Of a round, those that are first proposals still, so that one lead does not take all."""

TryAll = Callable[[Sequence[InputCase]], Sequence[Trial]]
"""Calls with each, until one runs."""


@dataclass(order=True)
class _Lead:
    """A proposal; those come first whose origin came furthest, then nearest to what was asked for."""

    key: tuple[float, ...]
    case: InputCase = field(compare=False)


@dataclass
class Search:
    """One search. The same inputs are never tried twice, so no proposal is one that has just failed."""

    try_all: TryAll
    clock: Callable[[], float] = time.monotonic
    failures: list[str] = field(default_factory=list)
    """What the calls raised that did not work, in their order."""
    _seen: set[tuple[Spec, ...]] = field(default_factory=set)
    _leads: list[_Lead] = field(default_factory=list)
    _depth: dict[str, int] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def find(self, first: Sequence[InputCase]) -> InputCase | None:
        """Inputs that run: one of the first proposals, or what their failures lead to."""
        end = self.clock() + MOST_SECONDS
        waiting = iter(first)
        for _ in range(MOST_ROUNDS):
            tried = self._next(waiting)
            if not tried or self.clock() > end:
                return None
            for trial in self.try_all(tried):
                if trial.error is None:
                    return trial.case
                self.failures.append(essence(trial.error))
                self._learn(trial)
        return None

    def _next(self, waiting: Iterator[InputCase]) -> list[InputCase]:
        room = min(_IN_A_ROUND, MOST_CALLS - len(self.failures))
        chosen: list[InputCase] = []
        while self._leads and len(chosen) < room - _OF_THE_FIRST:
            chosen += self._unseen(heapq.heappop(self._leads).case)
        for case in waiting:
            if len(chosen) >= room:
                break
            chosen += self._unseen(case)
        while self._leads and len(chosen) < room:
            chosen += self._unseen(heapq.heappop(self._leads).case)
        return chosen

    def _unseen(self, case: InputCase) -> list[InputCase]:
        if case.inputs in self._seen:
            return []
        self._seen.add(case.inputs)
        name = f"{next(self._numbers)}"
        self._depth[name] = self._depth.get(case.name, 0)
        return [replace(case, name=name)]

    def _learn(self, trial: Trial) -> None:
        """Adds what follows from a failure."""
        demands = demands_of(trial)
        depth = self._depth[trial.case.name] + 1
        order = itertools.count()
        for way, demand in enumerate(demands):
            for case in repaired(trial.case, demand):
                if case.inputs in self._seen:
                    continue
                key = (-trial.operators, distance(demands), depth, way + next(order) / 8, next(self._numbers))
                self._depth[lead := f"lead {key[-1]}"] = depth
                heapq.heappush(self._leads, _Lead(key, replace(case, name=lead)))
