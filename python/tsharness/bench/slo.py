"""The highest rate of requests at which a percentile keeps its limit."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tsharness.bench.capacity import capacity
from tsharness.bench.measure import Measurer, pooled
from tsharness.bench.points import Point, points_of
from tsharness.bench.quantiles import LEVELS, Quantile, quantile, samples_needed

_NARROW = 1.05
"""Ratio of the lowest rate that does not hold to the highest that does, from which on it is enough."""
_MORE = 1.3  # times the samples that the percentile needs at least
_TRIES = 3  # processes for a rate at which the interval contains the limit


@dataclass(frozen=True)
class Slo:
    """A limit, and what came of the search."""

    statistic: str
    """"p99", ..."""
    most: float
    """Seconds."""
    rate: float | None
    """Requests a second, the highest that was seen to hold it; ``None`` if none was."""
    above: float | None
    """The lowest that was seen not to; ``None`` if none was."""


def search_rate(measurer: Measurer, statistic: str, most: float) -> Slo:
    """Adds a point to the measurer for each rate that it tries, by bisection between none and what the
    artifact can serve at all; the rate that it finds holds in several processes. Each case must hold."""
    options = measurer.options
    deadline = time.monotonic() + options.max_seconds
    limit = capacity(measurer)
    search = _Search(measurer, statistic, most, deadline)
    low, high = 0.0, limit
    while low == 0 or high > _NARROW * low:
        rate = float(f"{(low + high) / 2 if low else high / 2:.4g}")
        verdict = search.holds(rate, 1)
        if verdict is None or rate < limit / 1000:
            break
        low, high = (rate, high) if verdict else (low, rate)
    while low and search.holds(low, options.processes) is False:
        high, low = low, float(f"{0.9 * low:.4g}")
    return Slo(statistic, most, low or None, high if high < limit else None)


@dataclass(frozen=True)
class _Search:
    measurer: Measurer
    statistic: str
    most: float
    deadline: float

    def holds(self, rate: float, processes: int) -> bool | None:
        """``None`` if there is no time to tell; the first rate is tried in any case. What cannot be told in
        several processes does not hold."""
        number = self._number(rate)
        seconds = _MORE * samples_needed(LEVELS[self.statistic]) / rate
        for process in range(max(processes, _TRIES)):
            if self._processes(number) <= process:
                late = time.monotonic() + seconds > self.deadline and self.measurer.measured.outcomes
                if late or self.measurer.launcher.interrupted:
                    return None
                self.measurer.one(number, seconds)
            if process + 1 < processes:
                continue
            found = [self._quantile(number, case.name) for case in self.measurer.plan.cases]
            if all(one is not None and one.high <= self.most for one in found):
                return True
            if any(one is not None and one.low > self.most for one in found):
                return False
        return False

    def _number(self, rate: float) -> int:
        base = next(points_of(self.measurer.options))
        point = Point({**base.values, "rate": rate})
        if point not in self.measurer.points:
            self.measurer.points.append(point)
        return self.measurer.points.index(point)

    def _processes(self, number: int) -> int:
        first = self.measurer.plan.cases[0].name
        return len(self.measurer.measured.samples.get((number, first), ()))

    def _quantile(self, number: int, case: str) -> Quantile | None:
        samples = self.measurer.measured.samples.get((number, case))
        return quantile(pooled(samples), LEVELS[self.statistic]) if samples else None
