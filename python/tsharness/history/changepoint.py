"""Where a series of figures has changed its level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

FEWEST = 10
"""Values below which no arrangement of them would be unlikely enough."""
_ERROR_RATE = 0.01
_MARGIN = 0.02
"""A change of level below this is no change, however certain it is."""
_PERMUTATIONS = 4999
_LAST = 200
"""Values that are looked at: what was long ago does not matter today."""


@dataclass(frozen=True)
class ChangePoint:
    """The values from this one on have another level."""

    index: int
    before: float
    after: float
    """Medians up to the change points beside it."""
    p_value: float

    @property
    def ratio(self) -> float:
        return self.after / self.before if self.before else float("inf")


def change_points(values: Sequence[float]) -> tuple[ChangePoint, ...]:
    """By Pettitt's statistic (Applied Statistics 28, 1979), on ranks, so that an outlier counts for no more
    than any other value; its p-value by permutation. Where there is a change, both parts are looked at again.
    """
    offset = max(0, len(values) - _LAST)
    recent = list(values[offset:])
    cuts = sorted(_cuts(recent, 0))
    bounds = [0, *(index for index, _ in cuts), len(recent)]
    found = []
    for number, (index, p_value) in enumerate(cuts):
        before = median(recent[bounds[number] : index])
        after = median(recent[index : bounds[number + 2]])
        if before and abs(after / before - 1) > _MARGIN:
            found.append(ChangePoint(offset + index, before, after, p_value))
    return tuple(found)


def _cuts(values: Sequence[float], offset: int) -> list[tuple[int, float]]:
    import numpy as np
    from scipy.stats import rankdata

    count = len(values)
    if count < FEWEST or len(set(values)) == 1:
        return []
    ranks = rankdata(values) - (count + 1) / 2
    sums = np.abs(np.cumsum(ranks)[:-1])
    cut, largest = int(np.argmax(sums)) + 1, float(sums.max())
    shuffled = np.random.default_rng(0).permuted(np.tile(ranks, (_PERMUTATIONS, 1)), axis=1)
    beyond = int((np.abs(np.cumsum(shuffled, axis=1)[:, :-1]).max(axis=1) >= largest - 1e-9).sum())
    p_value = (beyond + 1) / (_PERMUTATIONS + 1)
    if p_value > _ERROR_RATE:
        return []
    left, right = _cuts(values[:cut], offset), _cuts(values[cut:], offset + cut)
    return [*left, (offset + cut, p_value), *right]
