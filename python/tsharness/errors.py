"""Every error that tsharness raises, with the exit code that each one means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsharness.printable import one_line

if TYPE_CHECKING:
    from tsharness.exporting.report import ExportReport


class TsharnessError(Exception):
    """Root of the tree. Its text is one or two lines: what was given, what was expected, what to do."""

    exit_code = 2


class UsageError(TsharnessError):
    """The request is wrong: an unknown case, method or option, or nothing to compare."""


class CaseFileError(TsharnessError):
    """A case file is damaged or malformed."""


class ArtifactError(TsharnessError):
    """The artifact cannot be loaded on the target."""

    exit_code = 5


class InputError(TsharnessError):
    """The inputs do not fit the method's schema, or a value cannot be stored."""

    exit_code = 5


class ExecutionError(TsharnessError):
    """The model raised while it ran."""

    exit_code = 5


class RunnerCrash(TsharnessError):
    """A process that ran the model crashed, hung, or exceeded a limit."""

    exit_code = 6


class MemoryLimitError(RunnerCrash):
    """An allocation failed or exceeded the limit."""


class RefusedError(TsharnessError):
    """The artifact can do more than compute, and nobody has allowed it."""

    exit_code = 7


class EnvironmentProblem(TsharnessError):
    """Nothing is wrong with the artifact: no runner, another torch, no such device."""

    exit_code = 8


class DeviceError(EnvironmentProblem):
    """The device is not available to this LibTorch."""


class ExportError(TsharnessError):
    """The model could not be exported, or what came of it is wrong."""

    exit_code = 1

    def __init__(self, message: str, report: ExportReport | None = None) -> None:
        super().__init__(message)
        self.report = report
        """What was tried and found, if the export got so far."""
        if report is not None:
            self.exit_code = int(report.exit_code)


class VerificationFailed(TsharnessError):
    """Raised by ``raise_for_verdict`` of a report that is not a pass."""

    exit_code = 1

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(one_line, lines)))


_BY_KIND: dict[str, type[TsharnessError]] = {
    "usage": UsageError,
    "case-file": CaseFileError,
    "artifact": ArtifactError,
    "input": InputError,
    "execution": ExecutionError,
    "memory": MemoryLimitError,
    "device": DeviceError,
    "refused": RefusedError,
}


def error_of_kind(kind: str) -> type[TsharnessError]:
    """The class for a kind as the C++ core names it (csrc/core/error.h)."""
    return _BY_KIND.get(kind, ExecutionError)
