"""By what outputs are judged, as case files and options state it: rules that judge nothing are refused
(csrc/core/rules.cpp refuses the same)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NO_LIMIT = math.inf


@dataclass(frozen=True)
class Statistic:
    """A figure of a comparison. Outputs of zeros have cosine 0, snr 0 dB, psnr at least 0 dB and relative
    errors of 1: a bound that these meet would accept anything."""

    means: str
    larger_is_better: bool = False
    """Bounded by ``>=``, or by ``<=``."""
    most: float = _NO_LIMIT
    """Of the bound; below it for what is better if smaller."""

    @property
    def sense(self) -> str:
        return ">=" if self.larger_is_better else "<="

    @property
    def bounds(self) -> str:
        """In words, what the number of a bound must be."""
        if self.larger_is_better:
            return "above 0" + ("" if self.most == _NO_LIMIT else f" and at most {self.most:g}")
        return "at least 0" + ("" if self.most == _NO_LIMIT else f" and below {self.most:g}")

    def takes(self, bound: float) -> bool:
        """Whether such a bound judges anything."""
        if not math.isfinite(bound):
            return False
        return 0 < bound <= self.most if self.larger_is_better else 0 <= bound < self.most


STATISTICS: Mapping[str, Statistic] = {
    "max_abs": Statistic("largest absolute error"),
    "mean_abs": Statistic("mean absolute error"),
    "median_abs": Statistic("absolute error that half of the elements keep below"),
    "p90_abs": Statistic("absolute error that 90% of the elements keep below"),
    "p99_abs": Statistic("absolute error that 99% of the elements keep below"),
    "p999_abs": Statistic("absolute error that 99.9% of the elements keep below"),
    "max_rel": Statistic("largest relative error", most=1),
    "mean_rel": Statistic("mean relative error, over expected values other than 0", most=1),
    "max_ulp": Statistic("largest distance in steps between neighbouring floats of the dtype"),
    "cosine": Statistic("cosine similarity of the flattened tensors", larger_is_better=True, most=1),
    "l2": Statistic("square root of the sum of squared errors"),
    "relative_l2": Statistic("l2 over that of the expected values", most=1),
    "snr": Statistic("signal to noise in dB: squares of the expected values over squared errors", True),
    "psnr": Statistic(
        "peak signal to noise in dB: largest expected magnitude, squared, over mean squared error", True
    ),
    "mismatched": Statistic("share of elements beyond the tolerance, 0 to 1", most=1),
}
"""By name."""


def bound_problem(name: str, sense: str, value: object) -> str:
    """Why a bound judges nothing, in words; empty if it judges."""
    statistic = STATISTICS.get(name)
    if statistic is None:
        return f"no statistic '{name}'; there are: {', '.join(STATISTICS)}"
    if sense not in (">=", "<="):
        return f"{name} '{sense}': the operators are >= (at least) and <= (at most)"
    if sense != statistic.sense:
        return f"{name} {sense} judges nothing; state it with {statistic.sense}"
    if not _is_number(value) or not statistic.takes(float(value)):  # type: ignore[arg-type]
        return f"{name} {sense} {value} judges nothing; the number must be {statistic.bounds}"
    return ""


def rules_problem(rules: Mapping[str, Any], *, of_output: bool = False) -> str:
    """Why rules judge nothing, in words; empty if they do: ``{"rtol", "atol", "exact", "normwise", "topk",
    "accept", "outputs": {NAME: {...}}}``."""
    for name, value in rules.items():
        problem = _rule_problem(name, value, of_output)
        if problem:
            return problem
    return ""


def _rule_problem(name: str, value: Any, of_output: bool) -> str:
    if name in ("rtol", "atol"):
        right = _is_number(value) and 0 <= value < math.inf
        return "" if right else f"{name} is no number of at least 0"
    if name in ("exact", "normwise"):
        return "" if isinstance(value, bool) else f"{name} is neither true nor false"
    if name == "topk":
        right = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        return "" if right else "topk is no number of at least 1"
    if name == "accept":
        return _accept_problem(value)
    if name == "outputs" and not of_output and isinstance(value, dict):
        found = (
            rules_problem(one, of_output=True) if isinstance(one, dict) else "is no object"
            for one in value.values()
        )
        return next(filter(None, found), "")
    return f"there is no rule '{name:.60}'"


def _accept_problem(accepted: Any) -> str:
    form = 'accept has [STATISTIC, ">=" or "<=", NUMBER] in it, and nothing else'
    if not isinstance(accepted, list):
        return "accept is no list"
    for one in accepted:
        if not isinstance(one, list) or len(one) != 3 or not all(isinstance(text, str) for text in one[:2]):
            return form
        problem = bound_problem(*one)
        if problem:
            return problem
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
