"""What a report says, whatever it is drawn with: Markdown, JUnit and HTML are made of this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tsharness.report.model import Finding
from tsharness.verdict import ExitCode, Verdict

if TYPE_CHECKING:
    from tsharness.report.document import Report


@dataclass(frozen=True)
class Item:
    """Something that was judged."""

    group: str
    """"check", "case", "limit" or "finding"."""
    name: str
    verdict: Verdict
    said: str
    """In one line."""
    lines: tuple[str, ...] = ()
    """What, where and what to do, if it is not in order."""
    seconds: float | None = None


@dataclass(frozen=True)
class Table:
    """Texts in rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[str, ...] = ()
    """Columns of words; the others hold numbers."""


@dataclass(frozen=True)
class Outline:
    """One report."""

    kind: str
    """"verify", "bench", "compare" or "inspect"."""
    title: str
    """The artifact's name, or both."""
    path: str
    exit_code: ExitCode
    lines: tuple[str, ...]
    """The closing lines; the first begins with the verdict in capitals."""
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    items: tuple[Item, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    seconds: float

    @property
    def word(self) -> str:
        """The verdict in capitals."""
        return self.lines[0].split(" ", 1)[0]

    @property
    def summary(self) -> str:
        """What the verdict line says besides."""
        return self.lines[0].partition(" ")[2].strip()


def outline(report: Report) -> Outline:
    """Of a report of any kind."""
    from tsharness.bench.compare_report import CompareReport
    from tsharness.bench.report import BenchReport
    from tsharness.report.outlines.bench import outline_bench
    from tsharness.report.outlines.compare import outline_compare
    from tsharness.report.outlines.inspect import outline_inspect
    from tsharness.report.outlines.verify import outline_verify
    from tsharness.verification.report import VerifyReport

    if isinstance(report, VerifyReport):
        return outline_verify(report)
    if isinstance(report, BenchReport):
        return outline_bench(report)
    if isinstance(report, CompareReport):
        return outline_compare(report)
    return outline_inspect(report)
