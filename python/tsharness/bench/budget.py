"""Limits that an artifact must keep: ``p99=20ms,memory=500MB,load=2s,size=50MB,instructions=5M``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tsharness.bench.quantiles import LEVELS
from tsharness.errors import UsageError
from tsharness.report.units import seconds, size
from tsharness.verdict import ExitCode

if TYPE_CHECKING:
    from tsharness.bench.report import Latency

INSTRUCTIONS = "instructions"
_TIMES = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_NUMBERS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_UNITS: Mapping[str, Mapping[str, float]] = {
    **dict.fromkeys((*LEVELS, "first", "load"), _TIMES),
    **dict.fromkeys(("memory", "size"), _BYTES),
    INSTRUCTIONS: _NUMBERS,
}
_VALUE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Zµ]*)")


@dataclass(frozen=True)
class Limit:
    """A limit, and what was measured."""

    name: str
    """"p99", "first", "load", "memory", "size" or "instructions"."""
    most: float
    """Seconds, bytes, or a number."""
    case: str | None
    """``None`` for what is of the artifact as a whole."""
    seen: str
    """In words."""
    exit_code: ExitCode
    """``PASS``, ``REGRESSION``, or ``INCONCLUSIVE`` if the samples do not tell."""


def parse_budget(text: str) -> dict[str, float]:
    """Seconds, bytes, or numbers by name. Raises UsageError."""
    found = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name not in _UNITS:
            raise UsageError(f"--budget '{part}': there is {', '.join(_UNITS)}, for example p99=20ms")
        match = _VALUE.fullmatch(value.strip())
        if match is None or match[2] not in _UNITS[name]:
            units = ", ".join(unit or "nothing" for unit in _UNITS[name])
            raise UsageError(f"--budget '{part}': expected a number and {units}, as in p99=20ms")
        found[name] = float(match[1]) * _UNITS[name][match[2]]
    return found


def parse_slo(text: str) -> tuple[str, float]:
    """A percentile and its limit in seconds. Raises UsageError."""
    found = list(parse_budget(text).items())
    if len(found) != 1 or found[0][0] not in LEVELS:
        raise UsageError(f"--slo '{text}': expected one percentile, as in p99=20ms")
    return found[0]


def amount_text(name: str, value: float) -> str:
    """A value of a limit of that name, with its unit."""
    if _UNITS[name] is _NUMBERS:
        return f"{value:,.0f}"
    return size(int(value)) if _UNITS[name] is _BYTES else seconds(value)


def judge(
    budget: Mapping[str, float],
    latencies: Sequence[Latency],
    load_seconds: float,
    memory: int,
    file_size: int,
    instructions: Mapping[str, float],
) -> Iterator[Limit]:
    """Each limit, of each case that it is of. A percentile fails if its interval lies beyond the limit, and
    is inconclusive if the limit lies in it. ``instructions``: of a call, by case."""
    whole = {"load": load_seconds, "memory": float(memory), "size": float(file_size)}
    for name, most in budget.items():
        if name in whole:
            yield _exact(name, most, None, whole[name])
        elif name == INSTRUCTIONS:
            yield from (_exact(name, most, case, number) for case, number in instructions.items())
        else:
            yield from (_of_case(name, most, latency) for latency in latencies)


def _exact(name: str, most: float, case: str | None, seen: float) -> Limit:
    code = ExitCode.REGRESSION if seen > most else ExitCode.PASS
    return Limit(name, most, case, amount_text(name, seen), code)


def _of_case(name: str, most: float, latency: Latency) -> Limit:
    if name == "first":
        return _exact(name, most, latency.case, latency.first)
    found = latency.quantiles.get(name)
    if found is None:
        seen = f"{name} needs {latency.needed[name]} samples, have {latency.count}: --min-time"
        return Limit(name, most, latency.case, seen, ExitCode.INCONCLUSIVE)
    seen = f"{seconds(found.seconds)}, {seconds(found.low)} to {seconds(found.high)}"
    if found.low > most:
        return Limit(name, most, latency.case, seen, ExitCode.REGRESSION)
    inside = found.high > most
    return Limit(name, most, latency.case, seen, ExitCode.INCONCLUSIVE if inside else ExitCode.PASS)
