"""pytest, and an account of what was skipped: ``python tests/run.py ARGUMENTS OF PYTEST``.

The reason of a skip says what is missing and how to get it; the closing lines name each reason, also those of
earlier runs that ``TSHARNESS_SKIPPED``, a file, has kept (``make test`` is several). Where
``TSHARNESS_REQUIRE_TOOLS=1`` says that everything was installed, a skip is a failure, but for tests that need
a CUDA device."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest


class Account:
    """Of the tests that were skipped; a plugin of the process that prints, not of xdist's workers."""

    def __init__(self, file: Path | None, required: bool) -> None:
        self._file, self._required = file, required
        self._reasons: list[str] = []
        self._unexcused = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._add(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._add(report)

    def _add(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        assert isinstance(report.longrepr, tuple)
        self._reasons.append(report.longrepr[2].removeprefix("Skipped: "))
        # A module that is skipped whole has no keywords, and its tests no say.
        self._unexcused += "cuda" not in getattr(report, "keywords", ())

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._file is not None and self._reasons:
            with self._file.open("a") as kept:
                kept.writelines(f"{reason}\n" for reason in self._reasons)
        if self._required and self._unexcused and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        reasons = self._reasons
        if self._file is not None and self._file.exists():
            reasons = self._file.read_text().splitlines()
        if reasons:
            terminalreporter.section("skipped here, because something is missing")
        for reason, count in Counter(reasons).most_common():
            terminalreporter.line(f"{count:4d}  {reason}")
        if self._required and self._unexcused:
            text = (
                f"FAILED: {self._unexcused} skipped, where TSHARNESS_REQUIRE_TOOLS=1 allows only CUDA's tests"
            )
            terminalreporter.line(text, red=True)


def main() -> int:
    """The exit code of pytest, or 1 for a skip that is not excused."""
    kept = os.environ.get("TSHARNESS_SKIPPED")
    required = os.environ.get("TSHARNESS_REQUIRE_TOOLS") == "1"
    return int(pytest.main(sys.argv[1:], plugins=[Account(Path(kept) if kept else None, required)]))


if __name__ == "__main__":
    sys.exit(main())
