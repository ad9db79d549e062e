"""What pairs of timings say, with their uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean, median, stdev

ERROR_RATE = 0.01
"""Of intervals, where nobody states another one."""
Pair = tuple[float, float]
"""Seconds of two neighbouring blocks."""


class Change(Enum):
    """What became of the latency."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    """Inside the margin."""
    INCONCLUSIVE = "inconclusive"

    @property
    def of_instructions(self) -> str:
        """In the words for what is counted."""
        return {Change.SLOWER: "more", Change.FASTER: "fewer"}.get(self, self.value)


@dataclass(frozen=True)
class Effect:
    """How the second of two compares with the first: a ratio of times, above 1 if it is slower."""

    ratio: float
    low: float
    high: float
    """Of the interval at the stated error rate; infinite if there are too few processes to tell."""
    processes: tuple[float, ...]
    """The median ratio in each process."""
    pairs: int
    """Of all processes."""

    def change(self, margin: float) -> Change:
        """A change is one whose interval is wholly beyond no change, and whose size is beyond the margin;
        "same" is an interval that is wholly within the margin."""
        low, high = 1 / (1 + margin), 1 + margin
        if low <= self.low and self.high <= high:
            return Change.SAME
        if self.low > 1 and self.ratio > high:
            return Change.SLOWER
        if self.high < 1 and self.ratio < low:
            return Change.FASTER
        return Change.INCONCLUSIVE


def exactly(ratio: float) -> Effect:
    """Of two numbers that are known without noise."""
    return Effect(ratio, ratio, ratio, (ratio,), 0)


def mean_with_interval(values: Sequence[float], error_rate: float) -> tuple[float, float]:
    """The mean and half the width of Student's interval; infinite for a single value. What differs between
    processes is a part of it if each value is of one."""
    if len(values) < 2:
        return fmean(values), math.inf
    from scipy.special import stdtrit

    quantile = float(stdtrit(len(values) - 1, 1 - error_rate / 2))
    return fmean(values), quantile * stdev(values) / math.sqrt(len(values))


def paired_effect(processes: Sequence[Sequence[Pair]], error_rate: float) -> Effect:
    """Of the median log ratio of each process, the mean with Student's interval.

    What a pair shares (the other load of the machine, the clock) cancels in its ratio, the median leaves out
    the pairs that something came between; where memory lies differs between processes, and is a part of the
    interval because each process counts once. Raises ValueError without pairs."""
    logs = [median(math.log(new / base) for base, new in pairs) for pairs in processes if pairs]
    if not logs:
        msg = "there are no pairs"
        raise ValueError(msg)
    center, half = mean_with_interval(logs, error_rate)
    return Effect(
        ratio=math.exp(center),
        low=math.exp(center - half),
        high=math.exp(center + half) if math.isfinite(half) else math.inf,
        processes=tuple(math.exp(value) for value in logs),
        pairs=sum(len(pairs) for pairs in processes),
    )
