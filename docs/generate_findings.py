"""Writes docs/findings.md: every rule of the catalogue, with the model of examples/pitfalls that earns it and
what export says of it. Run by ``make docs``; a test compares the page with what would be written now."""

from __future__ import annotations

import inspect
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples"))

from pitfalls import PITFALLS, Pitfall  # noqa: E402

from tsharness.exporting.inputs import examples_of  # noqa: E402
from tsharness.exporting.options import ExportOptions  # noqa: E402
from tsharness.exporting.pitfalls import version_findings  # noqa: E402
from tsharness.exporting.report import ExportReport  # noqa: E402
from tsharness.exporting.run import export_model  # noqa: E402
from tsharness.findings import RULES, Rule  # noqa: E402
from tsharness.report.export_text import finding_lines  # noqa: E402
from tsharness.report.model import Finding  # noqa: E402

PAGE = ROOT / "docs" / "findings.md"

INTRODUCTION = """# Findings

A finding is a fact worth a person's time: a code, what was seen and where, why it matters, what to do.
`tsharness export` prints TS1xx, `tsharness verify` TS2xx. This page is made from the catalogue
(`python/tsharness/findings/`) and from the models in `examples/pitfalls/`, each of which earns the finding
that it stands under: `make docs`.

An *error* stops the export. A *warning* is likely to hurt in production. A *note* is good to know;
`--verbose` prints its reasons.

"""


def found_in(report: ExportReport, code: str) -> Finding | None:
    """The finding of that code, of the model or of any candidate."""
    every = [*report.findings, *(f for c in report.candidates for f in c.findings)]
    return next((found for found in every if found.code == code), None)


def export_pitfall(pitfall: Pitfall, folder: Path) -> ExportReport:
    """Exports the model of a pitfall as a user would."""
    options = ExportOptions(**{"families": ("values",), **pitfall.options})
    return export_model(pitfall.model(), examples_of(pitfall.inputs()), folder / "model.pt", options)


def all_findings() -> Mapping[str, Finding | None]:
    """What each pitfall earned, by the code that it should earn."""
    with tempfile.TemporaryDirectory() as folder:
        found = {
            code: found_in(export_pitfall(pitfall, Path(folder)), code) for code, pitfall in PITFALLS.items()
        }
    return {**found, "TS162": next(version_findings((3, 14)), None)}


def render(findings: Mapping[str, Finding | None]) -> str:
    """The whole page."""
    sections = [_section(RULES[code], findings.get(code)) for code in sorted(RULES)]
    return INTRODUCTION + "\n".join(sections)


def _section(rule: Rule, found: Finding | None) -> str:
    lines = [f"## {rule.code}: {rule.title}", "", f"*{rule.severity}*", ""]
    pitfall = PITFALLS.get(rule.code)
    if pitfall is not None:
        options = ", ".join(f"{name}={value!r}" for name, value in pitfall.options.items())
        lines += ["```python", inspect.getsource(pitfall.model).strip(), "```", ""]
        lines += [f"Exported with `{options}`:", ""] if options else []
    if found is not None:
        lines += ["```text", *finding_lines(found), "```"]
    else:
        lines += [f"Why: {rule.why}.", "", f"Do: {rule.do}."]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(render(all_findings()))
