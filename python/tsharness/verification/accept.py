"""Figures of a comparison that decide instead of the tolerance: ``psnr>=40``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tsharness.errors import UsageError

STATISTICS = {
    "max_abs": "largest absolute error",
    "mean_abs": "mean absolute error",
    "median_abs": "absolute error that half of the elements keep below",
    "p90_abs": "absolute error that 90% of the elements keep below",
    "p99_abs": "absolute error that 99% of the elements keep below",
    "p999_abs": "absolute error that 99.9% of the elements keep below",
    "max_rel": "largest relative error",
    "mean_rel": "mean relative error, over expected values other than 0",
    "max_ulp": "largest distance in steps between neighbouring floats of the dtype",
    "cosine": "cosine similarity of the flattened tensors",
    "l2": "square root of the sum of squared errors",
    "relative_l2": "l2 over that of the expected values",
    "snr": "signal to noise in dB: squares of the expected values over squared errors",
    "psnr": "peak signal to noise in dB: largest expected magnitude, squared, over mean squared error",
    "mismatched": "share of elements beyond the tolerance, 0 to 1",
}
"""By name, what it is. csrc/core/requirement.cpp knows the same names."""

_TEXT = re.compile(r"(?:(?P<output>.+):)?\s*(?P<name>\w+)\s*(?P<sense><=|>=)\s*(?P<value>[^<>=]+)")


def parse_accept(texts: Sequence[str]) -> dict[str, list[list[Any]]]:
    """``["psnr>=40", "logits:max_rel<=0.01"]`` by the name of the output, "" for all others, as jobs carry
    them. Raises UsageError."""
    found: dict[str, list[list[Any]]] = {}
    for text in texts:
        match = _TEXT.fullmatch(text.strip())
        if match is None or match["name"] not in STATISTICS:
            names = ", ".join(STATISTICS)
            raise UsageError(
                f"--accept '{text}': expected [OUTPUT:]STATISTIC>=NUMBER or <=NUMBER; statistics: {names}"
            )
        try:
            value = float(match["value"])
        except ValueError:
            raise UsageError(f"--accept '{text}': '{match['value']}' is no number") from None
        found.setdefault(match["output"] or "", []).append([match["name"], match["sense"], value])
    return found
