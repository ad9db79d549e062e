"""What a comparison says."""

from __future__ import annotations

from pathlib import Path

from tsharness.bench.compare_report import ComparedCase, CompareReport
from tsharness.report.compare_text import (
    columns,
    difference_lines,
    effect_text,
    header_lines,
    row,
    verdict_line,
)
from tsharness.report.outline import Item, Outline, Table, where_of
from tsharness.verdict import ExitCode, Verdict

_VERDICTS = {
    ExitCode.PASS: Verdict.PASS,
    ExitCode.REGRESSION: Verdict.FAIL,
    ExitCode.INCONCLUSIVE: Verdict.INCONCLUSIVE,
}


def outline(report: CompareReport) -> Outline:
    base, new = Path(report.base.path), Path(report.new.path)
    both = f"{base.name} and {new.name}" if base.name != new.name else f"{base} and {new}"
    return Outline(
        kind="compare",
        title=both if base != new else f"{new.name}, twice",
        path=report.new.path,
        where=where_of(report.runner),
        exit_code=report.exit_code,
        lines=(verdict_line(report), *difference_lines(report)),
        facts=tuple(header_lines(report)),
        tables=(Table("Cases", columns(report), tuple(map(row, report.cases)), ("case", "verdict")),),
        items=tuple(_item(case) for case in report.cases),
        findings=(),
        warnings=(),
        seconds=report.seconds,
    )


def _item(case: ComparedCase) -> Item:
    said = f"{case.change}: {effect_text(case)}"
    if case.differences:
        return Item("case", case.case, Verdict.FAIL, "outputs differ", case.differences)
    return Item("case", case.case, _VERDICTS[case.exit_code], said, (said,), case.new_seconds)
