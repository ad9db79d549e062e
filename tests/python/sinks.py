"""Hostile texts, and everything that shows a text: each judged by its own parser."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cmarkgfm
import pyte
from cmarkgfm.cmark import Options
from lxml import etree

from tsharness.report.document import Run

DATA = Path(__file__).parent / "data"
HOSTILE: Mapping[str, str] = {
    "escape sequences": "a\x1b[2J\x1b]0;title\x07\x1b[31mb",
    "C1": "a\x9b2J\x85\x90q\x9cb",
    "lines": "a\n::error title=x::y\nPASS  everything equal\r\nFAIL",
    "GitHub": "::stop-commands::token",
    "GitHub, anywhere": "x ##[error]y",
    "Azure": "x ##vso[task.complete result=Succeeded]y",
    "GitLab": "\x1b[0Ksection_start:1560896352:mine\r\x1b[0Kheader",
    "bidirectional": "a\u202egnp.\u2066x\u2028y\u200fz",
    "rich": "[bold red]x[/bold red] [link=http://a.example]b[/link]",
    "Markdown": "<img src=x onerror=alert(1)> [x](http://a.example) ![i](http://a.example) **b** `c` | d",
    "mentions": "@everyone closes #1 and GH-2, https://a.example www.a.example a@a.example",
    "fence": "```\n# out of it\n```",
    "HTML": "</td></tr></table></summary><script>alert(1)</script><!-- \"'>",
    "XML": "]]></failure><testcase name='x'/>\x00\ufffe",
    "formula": "=cmd|' /C calc'!A0",
    "formula +": "+1+cmd",
    "formula @": "@SUM(1)",
    "formula, behind a tab": "\t=1+1",
    "C++": 'x"); int injected = 1; //\\',
    "C++ comment": "*/ int injected = 1; /*",
    "C++ lines": "??/\nint injected = 1; //",
    "CMake": '") message(FATAL_ERROR injected) # ${x} $ENV{HOME}',
    "shell": "'; touch pwned; '$(touch pwned)`touch pwned`",
    "SQL": "'); DROP TABLE runs; --",
    "half a character": "\ud800",
    "mathematics": "$\\frac{$",
}
PLAIN = "plain"
_KEPT = (
    "kind",
    "document",
    "severity",
    "code",
    "verdict",
    "change",
    "scenario",
    "created",
    "id",
    "exit_code",
)
"""Fields whose texts are this program's own words."""
_VERDICTS = r"PASS|FAIL|ERROR|REFUSED|INCONCLUSIVE|INCOMPLETE"


def poisoned(text: str) -> Run:
    """One report of each kind, in which the text stands wherever somebody else's may."""
    reports: list[Any] = []
    for path in sorted(DATA.glob("*-v1.json")):
        if path.stem.endswith("-v1"):
            reports += _reports(json.loads(path.read_text()))
    problem = {"path": text, "message": f"{text}\n{text}", "exit_code": 2}
    found = {
        "code": "TS203",
        "severity": "warning",
        "seen": text,
        "why": text,
        "do": text,
        "where": f"{text}:3",
    }
    for one in reports:
        _poison(one, text)
        if "findings" in one:
            one["findings"] = [found]
    facts = {"tsharness": "1", "command": "suite", "created": "2026-01-01T00:00:00Z", "exit_code": 2}
    return Run.from_dict(
        {"schema_version": 1, "kind": "run", **facts, "reports": reports, "errors": [problem]}
    )


def _reports(document: dict[str, Any]) -> list[Any]:
    return list(document["reports"]) if "reports" in document else [document]


def _poison(node: Any, text: str) -> None:
    """Dicts keep their keys: of most, the program has chosen them."""
    for key in node if isinstance(node, dict) else range(len(node)):
        if isinstance(node[key], str) and key not in _KEPT and not re.fullmatch(r"-?inf|nan", node[key]):
            node[key] = text
        elif isinstance(node[key], (dict, list)) and key not in ("cpu_capability", "quantiles"):
            _poison(node[key], text)


# ---- judges: each gives what its parser found of structure, and asserts what must never be -----------------


def _no_controls(text: str) -> None:
    bad = re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
    assert not bad, bad


def github_commands(log: str) -> list[str]:
    """As GitHub's runner finds them: https://github.com/actions/runner, ActionCommand.cs."""
    found = []
    for line in re.split(r"\r\n|\r|\n", log):
        command = re.match(r"\s*::([\w-]+)(?: [^:]*)?::", line)
        command = command or re.search(r"##\w*\[([\w.-]+)[^\]]*\]", line)
        found += [command[1]] if command else []
    return found


def terminal(run: Run) -> Any:
    from tsharness.report.console import Terminal
    from tsharness.report.draw import print_report

    log = io.StringIO()
    out = Terminal(log, 500, color=False)
    for report in run.reports:
        print_report(report, out, verbose=True)
        print_report(report, out, quiet=True)
    text = log.getvalue()
    screen = pyte.Screen(500, text.count("\n") + 1)
    stream = pyte.Stream(screen)
    stream.feed(text.replace("\n", "\r\n"))
    shown = [line.rstrip() for line in screen.display[: text.count("\n")]]
    assert (screen.title, screen.icon_name) == ("", "")
    cells = [cell for row in screen.buffer.values() for cell in row.values()]
    assert all(cell.fg == "default" and not cell.bold for cell in cells)
    assert shown == [line.rstrip() for line in text.splitlines()]
    assert not github_commands(text)
    return [found[0] for line in shown if (found := re.match(_VERDICTS, line))]


def errors(run: Run) -> Any:
    from tsharness.printable import error_lines

    text = "\n".join(line for problem in run.errors for line in error_lines(problem.message))
    _no_controls(text)
    text.encode()
    assert not github_commands(text)
    return [line.split()[0] for line in text.splitlines()][:1]


def annotations(run: Run) -> Any:
    from tsharness.report.annotations import annotation_lines

    lines = list(annotation_lines(run))
    _no_controls("\n".join(lines))
    "\n".join(lines).encode()
    assert all(len(github_commands(line)) == 1 and "\n" not in line for line in lines)
    return sorted({line.partition(" ")[0] for line in lines} - {"::warning"})  # where a line is known


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        assert tag not in ("img", "iframe") and (tag != "a" or "example" not in str(attrs))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.found.append(f"comment {data}")


def _tags(page: str) -> _Tags:
    tags = _Tags()
    tags.feed(page)
    tags.close()
    return tags


def markdown(run: Run) -> Any:
    from tsharness.report.markdown import to_markdown

    text = to_markdown(run)
    _no_controls(text)
    extensions = ["table", "autolink", "tagfilter", "strikethrough"]
    page = cmarkgfm.markdown_to_html_with_extensions(text, Options.CMARK_OPT_UNSAFE, extensions)
    tags = _tags(page)
    outside = re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)  # nobody is told by what is code
    assert not re.search(r"@\w|#\d|\bGH-\d", outside)
    return tags.found


def junit(run: Run) -> Any:
    from tsharness.report.junit import to_junit

    text = to_junit(run)
    _no_controls(text)
    root = etree.fromstring(text.encode())
    return [one.tag for one in root.iter()]


def sarif(run: Run) -> Any:
    from tsharness.report.sarif import to_sarif

    document = json.loads(json.dumps(to_sarif(run)))
    results = document["runs"][0]["results"]
    for result in results:
        _no_controls(result["message"]["text"])
        assert not re.search(r"(?<!\\)\[[^\]\\]*\]\(", result["message"]["text"])
        for place in (*result["locations"], *result.get("relatedLocations", ())):
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            assert re.fullmatch(r"[A-Za-z0-9._~/%:-]*", uri) and not re.match("[a-z]+:(?!///)", uri)
    return len(results)


def page(run: Run) -> Any:
    import base64

    from tsharness.report.html.page import to_html

    text = to_html(run)
    _no_controls(text)
    text.encode()
    for link in re.findall(r'href="data:text/csv;base64,([^"]*)"', text):
        _rows(base64.b64decode(link).decode())
    return [tag for tag in _tags(text).found if tag not in ("path", "g", "use", "text", "tspan", "defs")]


def notebook(run: Run) -> Any:
    texts = [report._repr_html_() for report in run.reports]
    _no_controls("".join(texts))
    return _tags("".join(texts)).found


def _rows(text: str) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(text)))
    for row in rows:
        for cell in row:
            _no_controls(cell)
            assert not re.match(r"\s*[=+@-](?!\d[\d.,e+-]* ?[%\w]{0,4}$)", cell), cell
    return rows


def table(run: Run) -> Any:
    from tsharness.report.csv_text import csv_text
    from tsharness.report.outline import outlines

    return [
        [len(row) for row in _rows(csv_text((one.columns, *one.rows)))]
        for said in outlines(run)
        for one in said.tables
    ]


def as_json(run: Run) -> Any:
    import contextlib

    from tsharness.cli.output import write_json

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        write_json(run.to_dict(), "-")
    assert not github_commands(out.getvalue())
    assert Run.from_dict(json.loads(out.getvalue())) == run
    return None


def history(run: Run, folder: Path) -> Any:
    from tsharness.history.api import append, trends

    path = folder / f"{len(list(folder.iterdir()))}.sqlite"
    append(path, run)
    found = trends(path)
    connection = sqlite3.connect(path)
    assert {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")} == {
        "runs",
        "figures",
    }
    assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    connection.close()
    return len(found)


def exception(run: Run) -> Any:
    from tsharness.errors import VerificationFailed

    text = str(VerificationFailed(run.errors[0].path, run.errors[0].path))
    _no_controls(text)
    return len(text.splitlines())


@dataclass(frozen=True)
class Sink:
    """Something that shows what a report says."""

    judge: Callable[..., Any]
    escapers: tuple[str, ...]
    """Without these, it must be seen that it does not hold."""


SINKS: Mapping[str, Sink] = {
    "terminal": Sink(terminal, ("tsharness.report.console.one_line",)),
    "log of a CI service": Sink(terminal, ("tsharness.report.console.without_commands",)),
    "errors": Sink(errors, ("tsharness.printable.one_line",)),
    "annotations": Sink(annotations, ("tsharness.report.annotations.printable",)),
    "Markdown": Sink(markdown, ("tsharness.report.markdown.escaped",)),
    "Markdown, between tags": Sink(markdown, ("tsharness.report.markdown._in_html",)),
    "Markdown, for GitHub": Sink(markdown, ("tsharness.report.markdown._inert",)),
    "JUnit": Sink(junit, ("tsharness.report.junit.legal",)),
    "SARIF": Sink(sarif, ("tsharness.report.sarif._plain",)),
    "SARIF's addresses": Sink(sarif, ("tsharness.report.sarif.quote",)),
    "HTML": Sink(page, ("tsharness.report.html.page._shown",)),
    "notebook": Sink(notebook, ("tsharness.report.html.page._shown",)),
    "CSV": Sink(table, ("tsharness.report.csv_text._cell",)),
    "JSON": Sink(as_json, ("tsharness.cli.output.without_commands",)),
    "history": Sink(history, ("tsharness.history.store.one_line",)),
    "exception": Sink(exception, ("tsharness.errors.one_line",)),
}


def shell(script: str, folder: Path) -> str:
    done = subprocess.run(["bash", "-c", script], capture_output=True, cwd=folder, check=True)
    return done.stdout.decode("utf-8", "surrogateescape")
