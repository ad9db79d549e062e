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

    @property
    def meaning(self) -> str:
        """In a few words."""
        return _TOLD[self][0]

    @property
    def examples(self) -> str:
        """What it is said of."""
        return _TOLD[self][1]


_TOLD = {
    ExitCode.PASS: ("pass", "every output of every call within its tolerance"),
    ExitCode.FAILED: (
        "verification failed",
        "an output differs, of `bench` too, which looks at some; a record of the archive fails its CRC; a "
        "model that cannot be exported, or comes out wrong; for `inspect`, a file that is damaged or "
        "not the one that was expected",
    ),
    ExitCode.USAGE: (
        "usage",
        "an unknown option, case or output name; nothing to compare; a damaged case file, suite file or "
        "report",
    ),
    ExitCode.INCONCLUSIVE: (
        "inconclusive or unstable",
        "a check that could not tell, such as memory that may grow; a comparison, a limit or a precision "
        "that the samples do not decide",
    ),
    ExitCode.REGRESSION: (
        "performance regression or SLO missed",
        "`compare`: slower beyond the margin, or more instructions if they decide; `bench --budget`: a limit "
        "exceeded; `--slo`: no rate keeps it; `--baseline`: slower, or more instructions",
    ),
    ExitCode.CANNOT_RUN: (
        "the artifact cannot be loaded or run on the target",
        "no such file, another format, an exception in the model",
    ),
    ExitCode.CRASH: (
        "crash, timeout or limit exceeded",
        "SIGSEGV, a loop without end, an allocation beyond the limit",
    ),
    ExitCode.REFUSED: (
        "refused for safety",
        "an operator that writes files, or that nobody knows; code that cannot be read, or that LibTorch "
        "reads otherwise than it was judged (docs/security.md)",
    ),
    ExitCode.ENVIRONMENT: (
        "environment",
        "no runner, torch of another version than it was built against, no such device, `--html` without "
        "matplotlib",
    ),
}


def verdict_of(exit_code: ExitCode) -> Verdict:
    """What a run came to that ended with this code."""
    plain = {ExitCode.PASS: Verdict.PASS, ExitCode.INCONCLUSIVE: Verdict.INCONCLUSIVE}
    failed = (ExitCode.FAILED, ExitCode.REGRESSION)
    return plain.get(exit_code, Verdict.FAIL if exit_code in failed else Verdict.ERROR)


WORST_FIRST = (
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
    return min((ExitCode(code) for code in codes), key=WORST_FIRST.index, default=ExitCode.PASS)
