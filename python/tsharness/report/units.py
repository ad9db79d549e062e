"""Numbers for people. Units exist only here, at the edge."""

from __future__ import annotations

import math


def many(number: int, noun: str, plural: str = "s") -> str:
    """ "1 thread", "2 threads"."""
    return f"{number} {noun}{'' if number == 1 else plural}"


def seconds(value: float) -> str:
    """A duration with three digits: "2.81 µs", "143 ms"."""
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= factor:
            return f"{_three_digits(value / factor)} {unit}"
    return f"{_three_digits(value / 1e-9)} ns"


def _three_digits(value: float) -> str:
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}"


def time_unit(value: float) -> tuple[float, str]:
    """Seconds in the unit that suits such a duration, and its name: what an axis is divided by."""
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= factor:
            return factor, unit
    return 1e-9, "ns"


def size(count: int) -> str:
    """Bytes: "46.8 MB"."""
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


def amount(count: int) -> str:
    """A count: "11.7 M"."""
    for factor, unit in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if count >= factor:
            return f"{count / factor:.1f}{unit}"
    return str(count)


def error(value: float | None) -> str:
    """An error or a tolerance: "2.4e-07", "0.73", "0"."""
    if value is None:
        return ""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.2g}"


def rounded_up(value: float) -> str:
    """A tolerance that is enough: rounded towards the larger side, two digits."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{math.ceil(value / step) * step:.2g}"
