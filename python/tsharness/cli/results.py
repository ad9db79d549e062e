"""What a command leaves: reports and errors as they come, and in the end files and an exit code."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tsharness.cli.interrupts import INTERRUPTED
from tsharness.cli.options import path_of
from tsharness.cli.output import obey, say_error, write_json, write_text
from tsharness.errors import TsharnessError, UsageError
from tsharness.verdict import worst

if TYPE_CHECKING:
    from tsharness.report.document import Problem, Report, Run
    from tsharness.report.html.svg import Chart

    T = TypeVar("T", bound=Report)


@dataclass(frozen=True)
class Renderings:
    """Files that were asked for, "-" for standard output; written when all is done."""

    json: str | None = None
    junit: str | None = None
    markdown: str | None = None
    html: str | None = None
    sarif: str | None = None
    history: Path | None = None

    def __post_init__(self) -> None:
        if self._files.count("-") > 1:
            raise UsageError("two reports cannot both go to standard output ('-'); name a file for one")

    @property
    def _files(self) -> tuple[str | None, ...]:
        return (self.json, self.junit, self.markdown, self.html, self.sarif)

    @property
    def take_standard_output(self) -> bool:
        """Then what people read goes to standard error."""
        return "-" in self._files

    def write(self, run: Run) -> None:
        """All of them, and the history first, which the page shows. Raises UsageError for a file that cannot
        be written, EnvironmentProblem without what draws the page."""
        trends: tuple[Chart, ...] = ()
        if self.history is not None:
            from tsharness.history.api import append

            trends = append(self.history, run, draw=self.html is not None)
        if self.json is not None:
            write_json(run.to_dict(), self.json)
        if self.junit is not None:
            from tsharness.report.junit import to_junit

            write_text(to_junit(run), self.junit)
        if self.markdown is not None:
            from tsharness.report.markdown import to_markdown

            write_text(to_markdown(run), self.markdown)
        if self.sarif is not None:
            from tsharness.report.sarif import to_sarif

            write_json(to_sarif(run), self.sarif)
        if self.html is not None:
            from tsharness.report.html.page import to_html

            write_text(to_html(run, trends), self.html)


def renderings_of(params: Mapping[str, Any]) -> Renderings:
    """Of the values of a command's parameters, as far as it has them."""
    return Renderings(
        json=params.get("json_file"),
        junit=params.get("junit"),
        markdown=params.get("markdown"),
        html=params.get("html"),
        sarif=params.get("sarif"),
        history=path_of(params.get("history")),
    )


class Results:
    """The reports of one command."""

    def __init__(self, command: str, renderings: Renderings) -> None:
        self.command, self.renderings = command, renderings
        self.reports: list[Report] = []
        self.errors: list[Problem] = []
        self.interrupted = False

    @property
    def done(self) -> int:
        """Artifacts of which something is known."""
        return len(self.reports) + len(self.errors)

    def attempt(self, path: Path, make: Callable[[], T]) -> T | None:
        """The report that ``make`` gives; an error is told, and kept in its place."""
        try:
            report = make()
        except TsharnessError as error:
            self.fail(path, error)
            return None
        self.reports.append(report)
        self.interrupted |= bool(getattr(report, "incomplete", False))
        return report

    def fail(self, path: Path, error: TsharnessError) -> None:
        """There is no report of it."""
        from tsharness.report.document import Problem

        self.errors.append(Problem.of(path, error))
        say_error(error)

    @property
    def exit_code(self) -> int:
        """The worst of all; the shell's own after an interrupt."""
        if self.interrupted:
            return INTERRUPTED
        return worst([*(one.exit_code for one in self.reports), *(one.exit_code for one in self.errors)])

    def run(self) -> Run:
        """All of it as a document."""
        from tsharness import __version__
        from tsharness.report.document import Run, now

        return Run(
            tsharness=__version__,
            command=self.command,
            created=now(),
            exit_code=int(self.exit_code),
            reports=tuple(self.reports),
            errors=tuple(self.errors),
            incomplete=self.interrupted,
            revision=_revision(),
        )

    def finish(self) -> int:
        """Writes the files, tells a CI service, and gives the exit code. What cannot be written is an error
        of its own, which loses nothing else."""
        from tsharness.report.annotations import annotation_lines, in_github_actions

        code = self.exit_code
        run = None
        if self.renderings != Renderings():
            run = self.run()
            try:
                self.renderings.write(run)
            except TsharnessError as error:
                say_error(error)
                code = code if self.interrupted else worst([code, error.exit_code])
        if in_github_actions():
            for line in annotation_lines(run or self.run()):
                obey(line, err=self.renderings.take_standard_output)
        return code


def _revision() -> str:
    """Of the repository that this runs in; empty outside of one."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
