"""What a bench report says."""

from __future__ import annotations

from collections.abc import Iterator

from tsharness.bench.report import BenchReport, Latency
from tsharness.report import bench_text as text
from tsharness.report.outline import Item, Outline, Table, where_of
from tsharness.report.units import seconds, size
from tsharness.verdict import ExitCode, Verdict

_VERDICTS = {ExitCode.PASS: Verdict.PASS, ExitCode.INCONCLUSIVE: Verdict.INCONCLUSIVE}


def outline(report: BenchReport) -> Outline:
    (title, what), *facts = text.header_lines(report)
    verdict = text.verdict_line(report)
    more = (
        *text.error_lines(report),
        *(f"FAIL  {line}" for line in text.difference_lines(report)),
        *([text.slo_line(report.slo)] if report.slo else []),
        *(text.limit_line(limit) for limit in report.limits),
        *text.note_lines(report),
        *text.beside_lines(report),
    )
    return Outline(
        kind="bench",
        title=title,
        path=report.path,
        where=where_of(report.runner),
        exit_code=report.exit_code,
        lines=(verdict, *(line for line in more if line != verdict)),
        facts=(("runner", what), *facts),
        tables=tuple(_tables(report)),
        items=tuple(_items(report)),
        findings=(),
        warnings=tuple(text.warning_lines(report)),
        seconds=report.seconds,
    )


def _tables(report: BenchReport) -> Iterator[Table]:
    if report.latencies:
        rows = tuple(text.row(report, number) for number in range(len(report.latencies)))
        yield Table("Latency", text.columns(report), rows, ("case", *report.latencies[0].parameters))
    for profile in report.extras.operators:
        slowest = sorted(profile.operators, key=lambda one: -(one.seconds + one.device_seconds))[:20]
        yield Table(
            f"Operators of case {profile.case}",
            ("operator", "shapes", "line", "calls", "time", "on the device", "moved"),
            tuple(
                (
                    one.name,
                    one.shapes,
                    one.where,
                    f"{one.calls:g}",
                    seconds(one.seconds),
                    seconds(one.device_seconds) if one.device_seconds else "",
                    size(one.bytes),
                )
                for one in slowest
            ),
            ("operator", "shapes", "line"),
        )


def _items(report: BenchReport) -> Iterator[Item]:
    for latency in report.latencies:
        yield _measured(latency)
    for name, problem in report.errors.items():
        yield Item("case", name, Verdict.ERROR, problem.message.splitlines()[0], (problem.message,))
    for missing in report.extras.missing:
        said = missing.message.splitlines()[0]
        yield Item("limit", missing.what, Verdict.ERROR, said, (missing.message,))
    for limit in report.limits:
        line = text.limit_line(limit)
        name = f"{limit.name} of {limit.case}" if limit.case else limit.name
        verdict = _VERDICTS.get(limit.exit_code, Verdict.FAIL)
        yield Item("limit", name, verdict, line.partition("  ")[2], (line,))
    if report.slo is not None:
        line = text.slo_line(report.slo)
        verdict = {"PASS": Verdict.PASS, "FAIL": Verdict.FAIL}.get(line.split()[0], Verdict.INCONCLUSIVE)
        yield Item("limit", f"slo {report.slo.statistic}", verdict, line.partition("  ")[2], (line,))
    for since in report.since:
        said = text.since_text(since)
        what = f"{since.counter or 'latency'} of {since.case} since the baseline"
        verdict = Verdict(text.CHANGES.get(since.change, "PASS").lower())
        yield Item("limit", what, verdict, said, (said,))


def _measured(latency: Latency) -> Item:
    wrong = latency.differences
    said = f"{seconds(latency.median)} a call, median of {latency.count} samples"
    verdict = Verdict.FAIL if wrong else Verdict.PASS
    name = text.point_name(latency).removeprefix("case ")
    return Item("case", name, verdict, wrong[0] if wrong else said, wrong, latency.median)
