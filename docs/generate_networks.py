"""Writes docs/networks.md: how the networks of examples/networks.py export. Run by ``make networks``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples"))

from networks import NETWORKS, make  # noqa: E402

from tsharness.exporting.inputs import examples_of  # noqa: E402
from tsharness.exporting.options import ExportOptions  # noqa: E402
from tsharness.exporting.report import CandidateResult, ExportReport  # noqa: E402
from tsharness.exporting.run import export_model  # noqa: E402
from tsharness.report.units import amount, error  # noqa: E402

PAGE = ROOT / "docs" / "networks.md"

INTRODUCTION = """# Networks

Networks from `transformers` and `monai`, made from a configuration with seeded weights
(`examples/networks.py`), exported by `--method auto` and verified by the C++ runner on every case: examples
of several shapes, every dim that they vary at its edges, and families of values. This page is written by
`make networks`.

| network | parameters | trace | script | chosen | cases | worst error |
|---|---|---|---|---|---|---|
"""


def export_network(name: str, folder: Path, attention: str | None = None) -> ExportReport:
    """Exports one network as a user would; ``attention``: an implementation that transformers has."""
    network = make(name, attention)
    options = ExportOptions(families=("sizes", "dims", "values"), fixed=network.fixed)
    return export_model(network.model, examples_of(dict(network.inputs)), folder / f"{name}.pt", options)


def render(reports: Mapping[str, ExportReport]) -> str:
    """The whole page."""
    rows = "\n".join(_row(name, report) for name, report in reports.items())
    reasons = "\n".join(line for name, report in reports.items() for line in _reasons(name, report))
    return f"{INTRODUCTION}{rows}\n\n## Why not\n\n{reasons}\n"


def _row(name: str, report: ExportReport) -> str:
    trace, script = report.candidates
    check = report.check
    parameters = check.artifact.parameters if check is not None else None
    outputs = [output for case in check.cases for output in case.outputs] if check is not None else []
    worst = error(max((output.max_abs or 0.0 for output in outputs), default=0.0))
    chosen = report.method if report.written else "none"
    cells = (
        name,
        amount(parameters or 0),
        _said(trace),
        _said(script),
        chosen,
        str(len(report.cases)),
        worst,
    )
    return f"| {' | '.join(cells)} |"


def _said(candidate: CandidateResult) -> str:
    if candidate.check is None:
        return "cannot"
    return f"{candidate.passed} of {candidate.families}"


def _reasons(name: str, report: ExportReport) -> list[str]:
    lines = []
    for candidate in report.candidates:
        if candidate.passed == candidate.families:
            continue
        lines.append(f"- **{name}**, {candidate.method}: {candidate.reason}")
        lines += [f"  - {f.code}: {f.seen}" for f in candidate.findings if f.severity != "note"]
    return lines


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        reports = {}
        for name in NETWORKS:
            print(f"exporting {name}", file=sys.stderr)
            reports[name] = export_network(name, Path(folder))
    PAGE.write_text(render(reports))


if __name__ == "__main__":
    main()
