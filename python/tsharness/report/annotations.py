"""What GitHub Actions reads from a job's output: groups that fold, and annotations beside files.

The format: https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tsharness.printable import printable
from tsharness.report.outline import Outline, outlines
from tsharness.verdict import Verdict

if TYPE_CHECKING:
    from tsharness.report.document import Problem, Run

_PLACE = re.compile(r"(?P<file>[^:\s][^:]*):(?P<line>[0-9]{1,9})")
_LEVELS = {
    Verdict.FAIL: "error",
    Verdict.ERROR: "error",
    Verdict.INCONCLUSIVE: "warning",
}


def in_github_actions(environment: Mapping[str, str] = os.environ) -> bool:
    return environment.get("GITHUB_ACTIONS") == "true"


def annotation_lines(run: Run) -> Iterator[str]:
    """One for each thing that is not in order, at the line of the model if that is known."""
    for one in outlines(run):
        yield from _of_outline(one)
    for problem in run.errors:
        yield _of_problem(problem)


def _of_outline(one: Outline) -> Iterator[str]:
    for item in one.items:
        if item.verdict in _LEVELS:
            title = f"{one.name}: {item.group} {item.name}"
            text = "\n".join(item.lines) or item.said
            yield command(_LEVELS[item.verdict], text, title=title, file=one.path)
    for found in one.findings:
        place = _PLACE.fullmatch(found.where or "")
        if place and found.severity != "note":
            text = f"{found.seen}: {found.why}. {found.do}"
            yield command(found.severity, text, title=found.code, file=place["file"], line=place["line"])


def _of_problem(problem: Problem) -> str:
    return command("error", problem.message, title=problem.path, file=problem.path)


def command(name: str, text: str, **properties: str) -> str:
    """A workflow command: what would end a line or a property is escaped."""
    stated = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name}{' ' if stated else ''}{stated}::{_data(text)}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
