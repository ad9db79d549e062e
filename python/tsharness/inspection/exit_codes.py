"""What a finding means for the process, in ``inspect`` and in the gate alike."""

from __future__ import annotations

from tsharness.artifact.container import AMBIGUOUS
from tsharness.report.model import Finding
from tsharness.verdict import ExitCode

_BY_BEGINNING = {
    "TS30": ExitCode.CANNOT_RUN,
    "TS33": ExitCode.CANNOT_RUN,
    "TS36": ExitCode.REFUSED,
    "TS37": ExitCode.REFUSED,
    "TS38": ExitCode.CANNOT_RUN,
}
"""Of errors, by the beginning of their codes; every other error is a failed check."""


def exit_code_of(found: Finding, runtime: str = "") -> ExitCode:
    """What a finding means for the process. What two readers read in two ways is a way past whoever judges
    it; of machine code (``runtime`` "aoti") nothing is judged, and such a file is only damaged."""
    if found.severity != "error":
        return ExitCode.PASS
    if found.code in AMBIGUOUS:
        return ExitCode.CANNOT_RUN if runtime == "aoti" else ExitCode.REFUSED
    return _BY_BEGINNING.get(found.code[:4], ExitCode.FAILED)
