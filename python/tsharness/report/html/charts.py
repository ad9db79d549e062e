"""What of a report can be drawn."""

from __future__ import annotations

from collections.abc import Iterator

from tsharness.report.document import Report
from tsharness.report.html.svg import Chart


def charts_of(report: Report, number: str) -> Iterator[Chart]:
    """All of them; ``number`` is a part of their ids. Raises EnvironmentProblem without matplotlib."""
    from tsharness.bench.compare_report import CompareReport
    from tsharness.bench.report import BenchReport
    from tsharness.report.html.bench_charts import bench_charts
    from tsharness.report.html.compare_charts import compare_charts
    from tsharness.report.html.verify_charts import verify_charts
    from tsharness.verification.report import VerifyReport

    if isinstance(report, VerifyReport):
        yield from verify_charts(report, number)
    elif isinstance(report, BenchReport):
        yield from bench_charts(report, number)
    elif isinstance(report, CompareReport):
        yield from compare_charts(report, number)
