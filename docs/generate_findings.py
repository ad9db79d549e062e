"""Writes docs/findings/: a page for every rule of the catalogue, with what earns it and what is then said.
Run by ``make docs``; a test compares the pages with what would be written now."""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples"))
sys.path.insert(0, str(ROOT / "tests" / "python"))

from pitfalls import PITFALLS, Pitfall  # noqa: E402

from corpus import BAD  # noqa: E402
from lint_models import LINTS  # noqa: E402
from tsharness.exporting.inputs import examples_of  # noqa: E402
from tsharness.exporting.options import ExportOptions  # noqa: E402
from tsharness.exporting.pitfalls import version_findings  # noqa: E402
from tsharness.exporting.report import ExportReport  # noqa: E402
from tsharness.exporting.run import export_model  # noqa: E402
from tsharness.findings import RULES, Rule  # noqa: E402
from tsharness.findings.sources import SOURCES  # noqa: E402
from tsharness.inspection.api import InspectOptions, inspect_file  # noqa: E402
from tsharness.report.export_text import finding_lines  # noqa: E402
from tsharness.report.inspect_text import finding_lines as inspect_lines  # noqa: E402
from tsharness.report.model import Finding  # noqa: E402

PAGES = ROOT / "docs" / "findings"

INTRODUCTION = """# Findings

A finding is a fact worth a person's time: a code, what was seen and where, why it matters, what to do.
`tsharness export` prints TS1xx, `verify` TS2xx, `inspect` TS3xx; `tsharness explain CODE` tells of one on a
terminal. These pages are made from the catalogue (`python/tsharness/findings/`), from the models in
`examples/pitfalls/` and from the files that `tests/python/corpus.py` makes, each of which earns the finding
that it stands under: `make docs`.

An *error* stops an export, and fails an inspection. A *warning* is likely to hurt in production. A *note* is
good to know; `--verbose` prints its reasons.

| code | | |
|---|---|---|
"""


@dataclass(frozen=True)
class Example:
    """What earns a finding."""

    source: str
    """Python."""
    how: str
    """What was done with it."""
    lines: tuple[str, ...]
    """What was said."""


def found_in(report: ExportReport, code: str) -> Finding | None:
    """The finding of that code, of the model or of any candidate."""
    every = [*report.findings, *(f for c in report.candidates for f in c.findings)]
    return next((found for found in every if found.code == code), None)


def export_pitfall(pitfall: Pitfall, folder: Path) -> ExportReport:
    """Exports the model of a pitfall as a user would."""
    options = ExportOptions(**{"families": ("values",), **pitfall.options})
    return export_model(pitfall.model(), examples_of(pitfall.inputs()), folder / "model.pt", options)


def all_findings() -> Mapping[str, Finding | None]:
    """What each pitfall earned when it was exported, by the code that it should earn."""
    with tempfile.TemporaryDirectory() as folder:
        found = {
            code: found_in(export_pitfall(pitfall, Path(folder)), code) for code, pitfall in PITFALLS.items()
        }
    return {**found, "TS162": next(version_findings((3, 14)), None)}


def examples(findings: Mapping[str, Finding | None]) -> Mapping[str, Example]:
    """By code, what earns it."""
    found = {code: _of_pitfall(code, one) for code, one in findings.items() if one is not None}
    return {**found, **{code: _of_file(code, make) for code, make in sorted(_files().items())}}


def _of_pitfall(code: str, found: Finding) -> Example:
    pitfall = PITFALLS.get(code)
    source = inspect.getsource(pitfall.model).strip() if pitfall else ""
    options = ", ".join(f"{name}={value!r}" for name, value in pitfall.options.items()) if pitfall else ""
    how = f"`tsharness.export` of it{f' with `{options}`' if options else ''} says:"
    return Example(source, how, tuple(finding_lines(found)))


def _files() -> dict[str, Callable[[Path], Path | None]]:
    """What makes a file that earns a finding: the first one of each code."""
    first: dict[str, Callable[[Path], Path | None]] = {}
    for bad in BAD.values():
        if bad.code and not bad.options:
            first.setdefault(bad.code, bad.make)
    return {**first, **LINTS}


def _of_file(code: str, make: Callable[[Path], Path | None]) -> Example:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "model.pt"
        report = inspect_file(make(path) or path, InspectOptions())
    found = [one for one in report.findings if one.code == code][:1]
    # Hashes and sizes depend on where the sources lie: their paths are in the archives.
    lines = [re.sub(r"\b([0-9a-f]{8,64}|\d{4,})\b", "…", line) for line in inspect_lines(found, True)]
    return Example(inspect.getsource(make).strip(), "`tsharness inspect` of that file says:", tuple(lines))


def render(found: Mapping[str, Example]) -> dict[str, str]:
    """Every page by its name."""
    rows = [
        f"| [{code}]({code}.md) | {RULES[code].severity} | {RULES[code].title} |" for code in sorted(RULES)
    ]
    pages = {f"{code}.md": _page(RULES[code], found.get(code)) for code in sorted(RULES)}
    return {"README.md": INTRODUCTION + "\n".join(rows) + "\n", **pages}


def _page(rule: Rule, example: Example | None) -> str:
    lines = [f"# {rule.code}: {rule.title}", "", f"*{rule.severity}*", ""]
    lines += [
        f"Why: {rule.why}.",
        "",
        f"Do: {rule.do.replace('{do}', 'what the finding says').replace('{op}', 'NAME')}.",
        "",
    ]
    if example is not None:
        lines += ["```python", example.source, "```", ""] if example.source else []
        lines += [example.how, "", "```text", *example.lines, "```", ""]
    sources = SOURCES.get(rule.code)
    lines += [f"Met by users: {', '.join(sources)}.", ""] if sources else []
    return "\n".join(lines)


def main() -> None:
    PAGES.mkdir(exist_ok=True)
    for old in PAGES.glob("*.md"):
        old.unlink()
    for name, text in render(examples(all_findings())).items():
        (PAGES / name).write_text(text)


if __name__ == "__main__":
    main()
