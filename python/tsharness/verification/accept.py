"""Figures of a comparison that decide instead of the tolerance: ``psnr>=40``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tsharness.cases.rules import STATISTICS, bound_problem
from tsharness.errors import UsageError

_TEXT = re.compile(r"(?:(?P<output>.+):)?\s*(?P<name>\w+)\s*(?P<sense><=|>=)\s*(?P<value>[^<>=]+)")


def parse_accept(texts: Sequence[str]) -> dict[str, list[list[Any]]]:
    """``["psnr>=40", "logits:max_rel<=0.01"]`` by the name of the output, "" for all others, as jobs carry
    them. Raises UsageError, for a bound that judges nothing, too."""
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
        problem = bound_problem(match["name"], match["sense"], value)
        if problem:
            raise UsageError(f"--accept '{text}': {problem}")
        found.setdefault(match["output"] or "", []).append([match["name"], match["sense"], value])
    return found
