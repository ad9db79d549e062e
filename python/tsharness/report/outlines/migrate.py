"""What a migration says."""

from __future__ import annotations

from pathlib import Path

from tsharness.migration.report import MigrateReport
from tsharness.migration.stage import Stage
from tsharness.report.migrate_text import (
    COLUMNS,
    divergence_line,
    gain_lines,
    header_lines,
    problem_lines,
    row,
    verdict_line,
)
from tsharness.report.outline import Item, Outline, Table, where_of


def outline(report: MigrateReport) -> Outline:
    rows = tuple(map(row, report.stages))
    return Outline(
        kind="migrate",
        title=f"{Path(report.source).name} to {report.to}",
        path=report.path,
        where=where_of(report.verification.runner if report.verification else None),
        exit_code=report.exit_code,
        lines=(verdict_line(report), *problem_lines(report)),
        facts=(*header_lines(report), *gain_lines(report)),
        tables=(Table("Stages", COLUMNS, rows, ("stage", "verdict", "worst at")),) if rows else (),
        items=tuple(map(_item, report.stages)),
        findings=report.findings,
        warnings=(),
        seconds=report.seconds,
    )


def _item(stage: Stage) -> Item:
    lines = [stage.reason] if stage.reason else []
    if stage.divergence:
        lines.append(divergence_line(stage.divergence))
    said = stage.reason or "as the reference"
    return Item("stage", stage.name, stage.verdict, said, tuple(lines), stage.seconds)
