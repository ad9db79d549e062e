"""Percentiles with intervals that assume nothing of the distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Samples = NDArray[float64]

CONFIDENCE = 0.99
"""That each bound of an interval holds; both together hold at 0.98."""
LEVELS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
"""That are reported, as far as the samples bear them."""


@dataclass(frozen=True)
class Quantile:
    """A percentile of the samples, in seconds."""

    seconds: float
    """By nearest rank."""
    low: float
    high: float
    """Samples between which the distribution's own percentile lies (order statistics: David and Nagaraja,
    Order Statistics, 7.1)."""


def quantile(ordered: Sequence[float] | Samples, level: float) -> Quantile | None:
    """Of sorted samples; ``None`` if there are too few of them: then the upper bound would be the largest
    sample, which is an accident, or none at all."""
    count = len(ordered)
    if count < samples_needed(level):
        return None
    low, high = _ranks(count, level)
    rank = max(0, math.ceil(level * count) - 1)
    return Quantile(float(ordered[rank]), float(ordered[max(0, low - 1)]), float(ordered[high - 1]))


def samples_needed(level: float) -> int:
    """The smallest count whose second largest sample bounds the percentile from above: 662 for p99, as
    MLPerf LoadGen has it, too."""
    count = max(2, math.ceil(math.log(1 - CONFIDENCE) / math.log(level)))
    while _at_most_one_above(count, level) > 1 - CONFIDENCE:
        count += 1
    return count


def _at_most_one_above(count: int, level: float) -> float:
    return level**count + count * (1 - level) * level ** (count - 1)


def _ranks(count: int, level: float) -> tuple[int, int]:
    """Ranks, from 1, of the samples that bound the percentile."""
    from scipy.special import bdtr, bdtrik

    def smallest(probability: float) -> int:
        """The smallest k such that so many of the samples lie below with at least that probability."""
        k = max(0, int(bdtrik(probability, count, level)) - 1)
        while bdtr(k, count, level) < probability:
            k += 1
        return k

    return smallest(1 - CONFIDENCE), min(count, smallest(CONFIDENCE) + 1)
