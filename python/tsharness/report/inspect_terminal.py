"""An inspection on a terminal, drawn by rich."""

from __future__ import annotations

from tsharness.inspection.report import Inspection
from tsharness.report.console import Terminal, print_facts, print_lines
from tsharness.report.inspect_text import finding_lines, header_lines, module_lines, verdict_line

_STYLES = {"error": "bold red", "warn": "bold yellow", "note": "dim"}


def print_inspection(report: Inspection, out: Terminal, verbose: bool) -> None:
    """What it is, its modules, findings, verdict."""
    modules = enumerate(module_lines(report, verbose))
    tree = [("modules" if number == 0 else "", line) for number, line in modules]
    print_facts([*header_lines(report), *tree], out)
    out.print()
    print_lines(finding_lines(report.findings, verbose), out, _STYLES)
    if report.findings:
        out.print()
    if report.triton is not None:
        print_lines([*report.triton.splitlines(), ""], out)
    print_lines([verdict_line(report)], out)
