"""What a report says, whatever it is drawn with: Markdown, JUnit and HTML are made of this."""

from __future__ import annotations

import importlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tsharness.report.model import Finding, RunnerInfo, kind_of
from tsharness.verdict import ExitCode, Verdict

if TYPE_CHECKING:
    from tsharness.report.document import Report, Run


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
    where: str
    """Device and threads; empty where nothing ran."""
    exit_code: ExitCode
    lines: tuple[str, ...]
    """The closing lines; the first begins with the verdict in capitals."""
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    items: tuple[Item, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    seconds: float
    name: str = ""
    """The path; with where it ran, if the run has several of them (``outlines``)."""

    @property
    def word(self) -> str:
        """The verdict in capitals."""
        return self.lines[0].split(" ", 1)[0]

    @property
    def summary(self) -> str:
        """What the verdict line says besides."""
        return self.lines[0].partition(" ")[2].strip()


def outlines(run: Run) -> list[Outline]:
    """Of all reports, each under a name that no other one of its kind has, as far as they differ."""
    made = list(map(outline, run.reports))
    often = Counter((one.kind, one.path) for one in made)
    return [
        replace(one, name=f"{one.path} on {one.where}" if often[one.kind, one.path] > 1 else one.path)
        for one in made
    ]


def where_of(runner: RunnerInfo | None) -> str:
    """Device, threads and instructions in words, and the runner if it is not the installed one."""
    if runner is None:
        return ""
    where = runner.where()
    return where if runner.name == "installed" else f"{where}, {runner.name} {runner.libtorch}"


def outline(report: Report) -> Outline:
    """Of a report of any kind; the modules of the others are not loaded."""
    module = importlib.import_module(f"tsharness.report.outlines.{kind_of(report)}")
    made: Outline = module.outline(report)
    return made
