"""An export report on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tsharness.exporting.report import ExportReport
from tsharness.exporting.saying import Say
from tsharness.report.console import Description, PlainTable, Terminal, console, print_lines, words
from tsharness.report.export_text import (
    candidate_row,
    finding_lines,
    other_findings,
    sizes_line,
    stage_row,
    verdict_lines,
)

_VERDICTS = {"pass": "green", "fail": "bold red", "error": "bold red", "cannot": "bold red"}
_MARKS = {"error": "bold red", "warn": "yellow", "note": "dim"}


@contextmanager
def saying(first: str, color: bool, visible: bool) -> Iterator[Say]:
    """A line that says what is being done, how far it is and how long it will take, as far as that is known;
    nothing where nobody sees it."""
    progress = Progress(
        SpinnerColumn(),
        Description(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TimeElapsedColumn(),
        console=console(color, stderr=True),
        transient=True,
        disable=not visible,
    )
    with progress:
        task = progress.add_task(first, total=None)

        def say(text: str, done: int = 0, total: int | None = None) -> None:
            if done == 0:
                progress.reset(task, total=total)
            progress.update(task, description=text, completed=done, total=total)

        yield say


def print_export(
    report: ExportReport, model: str, out: Terminal, *, quiet: bool = False, verbose: bool = False
) -> None:
    """What was tried, what was chosen and why, what was found, the verdict; ``quiet``: one line."""
    if quiet:
        word, _, said = verdict_lines(report)[0].partition(" ")
        named = said.strip() if report.path in said else f"{report.path}: {said.strip()}"
        print_lines([f"{word}  {named}"], out)
        return
    _print_header(report, model, out)
    out.print(_candidate_table(report))
    if report.stages:
        out.print()
        out.print(_stage_table(report))
    _print_findings(report, out, verbose)
    out.print()
    print_lines(verdict_lines(report), out)


def _print_header(report: ExportReport, model: str, out: Terminal) -> None:
    name = report.path.rpartition("/")[2]
    facts = f"{model} · {len(report.cases)} cases"
    if report.dropped:
        facts += f", {len(report.dropped)} families left out"
    out.print(words(f"{name}  ", "bold").append(facts, "not bold"))
    check = report.check
    if check is not None and check.runner is not None:
        runner = check.runner
        text = f"LibTorch {runner.libtorch} · no Python in the process · {runner.where()}"
        out.print(words(f"{'runner':<{len(name)}}  ", "bold").append(text, "not bold"))
    if report.free:
        out.print(words(f"{'sizes':<{len(name)}}  ", "bold").append(sizes_line(report), "not bold"))
    out.print()


def _candidate_table(report: ExportReport) -> PlainTable:
    table = _table("method", "cases", "verdict", "")
    for candidate in report.candidates:
        method, families, verdict, note = candidate_row(candidate, report)
        mark = "bold" if candidate.method == report.method else ""
        table.add_row(words(method, mark), families, words(verdict, _VERDICTS[verdict]), words(note))
    return table


def _stage_table(report: ExportReport) -> PlainTable:
    table = _table("stage", "max abs", "max rel", "verdict", "")
    for stage in report.stages:
        name, max_abs, max_rel, verdict, note = stage_row(stage)
        table.add_row(words(name), max_abs, max_rel, words(verdict, _VERDICTS[verdict]), words(note))
    return table


def _table(*columns: str) -> PlainTable:
    table = PlainTable()
    for column in columns:
        table.add_column(column)
    return table


def _print_findings(report: ExportReport, out: Terminal, verbose: bool) -> None:
    others = list(other_findings(report))
    if others:
        out.print()
    for candidate, found in others:
        out.print(words(f"{candidate.method}, not chosen:", "dim"))
        _print_finding(finding_lines(found), out)
    loud = [found for found in report.findings if verbose or found.severity != "note"]
    quiet = [found for found in report.findings if found not in loud]
    if loud or quiet:
        out.print()
    for found in loud:
        _print_finding(finding_lines(found), out)
    for found in quiet:
        out.print(words(finding_lines(found)[0], "dim"))
    if quiet:
        out.print(words("      (--verbose says why notes matter and what to do)", "dim"))


def _print_finding(lines: list[str], out: Terminal) -> None:
    mark = lines[0].split(" ", 1)[0]
    out.print(words(mark, _MARKS[mark]).append(lines[0][len(mark) :], "not bold default"))
    for line in lines[1:]:
        out.print(words(line))
