"""An inspection on a terminal, drawn by rich."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from tsharness.inspection.report import Inspection
from tsharness.report.console import VERDICTS, styled
from tsharness.report.inspect_text import finding_lines, header_lines, module_lines, verdict_line

_STYLES = {"error": "bold red", "warn": "bold yellow", "note": "dim"}


def print_inspection(report: Inspection, out: Console, verbose: bool) -> None:
    """What it is, its modules, findings, verdict."""
    closing = styled(verdict_line(report), VERDICTS)
    lines = list(header_lines(report))
    width = max(len(label) for label, _ in lines)
    for label, text in lines:
        out.print(Text(f"{label:<{width}}  ", "bold").append(text, "not bold"))
    for number, line in enumerate(module_lines(report, verbose)):
        out.print(Text(f"{'modules' if number == 0 else '':<{width}}  ", "bold").append(line, "not bold"))
    out.print()
    for line in finding_lines(report.findings, verbose):
        out.print(styled(line, _STYLES))
    if report.findings:
        out.print()
    if report.triton is not None:
        out.print(Text(report.triton))
    out.print(closing)
