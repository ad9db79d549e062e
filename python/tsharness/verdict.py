"""Verdicts and exit codes, one meaning each (docs/exit-codes.md)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, IntEnum


class Verdict(Enum):
    """What a check, a case or a whole run came to."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    ERROR = "error"


class ExitCode(IntEnum):
    """What the process says to its caller."""

    PASS = 0
    FAILED = 1
    USAGE = 2
    INCONCLUSIVE = 3
    REGRESSION = 4
    CANNOT_RUN = 5
    CRASH = 6
    REFUSED = 7
    ENVIRONMENT = 8


def verdict_of(exit_code: ExitCode) -> Verdict:
    """What a run came to that ended with this code."""
    plain = {ExitCode.PASS: Verdict.PASS, ExitCode.INCONCLUSIVE: Verdict.INCONCLUSIVE}
    failed = (ExitCode.FAILED, ExitCode.REGRESSION)
    return plain.get(exit_code, Verdict.FAIL if exit_code in failed else Verdict.ERROR)


_WORST_FIRST = (
    ExitCode.REFUSED,
    ExitCode.CRASH,
    ExitCode.CANNOT_RUN,
    ExitCode.FAILED,
    ExitCode.REGRESSION,
    ExitCode.INCONCLUSIVE,
    ExitCode.ENVIRONMENT,
    ExitCode.USAGE,
    ExitCode.PASS,
)


def worst(codes: Iterable[int]) -> ExitCode:
    """The code that stands for several runs; ``PASS`` for none."""
    return min((ExitCode(code) for code in codes), key=_WORST_FIRST.index, default=ExitCode.PASS)
