"""Reports as Markdown (GitHub's): for a pull request's comment, or the summary of a CI job."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from tsharness.printable import one_line
from tsharness.report.document import Problem, Run
from tsharness.report.matrix import matrices
from tsharness.report.outline import Outline, Table, outlines
from tsharness.verdict import ExitCode

_MARKS = {"PASS": "✅", "FAIL": "❌", "ERROR": "❌", "REFUSED": "⛔", "INCONCLUSIVE": "⚠️", "INCOMPLETE": "⚠️"}
_MOST = 60_000
"""Characters; a comment of a pull request holds 65,536."""
_ROWS = 50  # of a table
_FOUND = re.compile(r"(?<=[@#])|(?<=\bGH-)|(?=://)|(?<=\bwww)(?=\.)", re.IGNORECASE)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~$&])")


def to_markdown(run: Run) -> str:
    """Verdicts first, in a table if there are several; then each report, folded if it passed. What does not
    fit is left out, and said to be."""
    made = outlines(run)
    head = "\n".join(_head(run, made))
    blocks = [head] if head else []
    blocks += ["\n".join(_report(one, alone=len(made) == 1)) for one in made]
    blocks += ["\n".join(_problem(problem)) for problem in run.errors]
    kept, length = [], 0
    for number, block in enumerate(blocks):
        if length + len(block) > _MOST:
            kept.append(f"*{len(blocks) - number} more reports do not fit here.*\n")
            break
        kept.append(block)
        length += len(block)
    return "\n".join(kept)


def _head(run: Run, made: Sequence[Outline]) -> Iterator[str]:
    total = len(made) + len(run.errors)
    if total == 1:
        return
    passed = sum(one.exit_code is ExitCode.PASS for one in made)
    word = "PASS" if run.exit_code == 0 else "FAIL"
    yield f"## {_MARKS[word]} {passed} of {total} pass"
    yield ""
    rows = [(f"{_mark(one)} {one.word}", one.name, one.kind, one.summary) for one in made]
    rows += [(f"{_MARKS['ERROR']} ERROR", one.path, "", one.message) for one in run.errors]
    rows.sort(key=lambda row: row[0].startswith(_MARKS["PASS"]))
    columns = ("verdict", "artifact", "what", "seen")
    yield from _table(Table("", columns, tuple(rows), columns))
    for table in matrices(run):
        yield f"**{escaped(table.title)}**"
        yield ""
        yield from _table(table)


def _report(one: Outline, alone: bool) -> Iterator[str]:
    folded = not alone and one.exit_code is ExitCode.PASS
    name = one.title if alone else one.name
    if folded:
        said = f"{_in_html(name)} ({one.kind}): {_in_html(one.summary)}"
        yield f"<details><summary>{_mark(one)} {one.word} {said}</summary>"
    else:
        yield f"## {_mark(one)} {one.word} {escaped(name)} ({one.kind})"
        yield ""
        yield from _code(one.lines)
    yield ""
    yield from (f"- **{escaped(label)}** {escaped(text)}" for label, text in one.facts if text)
    yield ""
    yield from (f"> **warning** {escaped(text)}\n" for text in one.warnings)
    for table in one.tables:
        yield f"**{escaped(table.title)}**"
        yield ""
        yield from _table(table)
    if folded:
        yield "</details>"
        yield ""


def _problem(problem: Problem) -> Iterator[str]:
    yield f"## {_MARKS['ERROR']} ERROR {escaped(problem.path)}"
    yield ""
    yield from _code(problem.message.splitlines())
    yield ""


def _mark(one: Outline) -> str:
    return _MARKS.get(one.word, _MARKS["FAIL"])


def _code(lines: Sequence[str]) -> Iterator[str]:
    """A fence longer than any run of backticks in it."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield fence + "text"
    yield from map(one_line, lines)
    yield fence


def _table(table: Table) -> Iterator[str]:
    yield _row(table.columns)
    yield _row([":---" if name in table.words else "---:" for name in table.columns], raw=True)
    for row in table.rows[:_ROWS]:
        yield _row(row)
    yield ""
    if len(table.rows) > _ROWS:
        yield f"*and {len(table.rows) - _ROWS} more rows*"
        yield ""


def _row(texts: Sequence[str], raw: bool = False) -> str:
    return "| " + " | ".join(text if raw else escaped(text) for text in texts) + " |"


def escaped(text: str) -> str:
    """Names of cases and messages are anybody's: nothing in them is markup, or a line's end."""
    return _SPECIAL.sub(r"\\\1", _inert(text))


def _in_html(text: str) -> str:
    """Between tags, where a backslash escapes nothing."""
    return html.escape(_inert(text))


def _inert(text: str) -> str:
    """One line in which GitHub finds nobody to tell, no issue to refer to, and no address to link to: it
    looks for these after Markdown, whatever was escaped."""
    return _FOUND.sub("\u200b", " ".join(one_line(text).split()))
