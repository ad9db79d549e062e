"""A migration in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tsharness.migration.report import MigrateReport
from tsharness.migration.stage import Construct, Divergence, Stage
from tsharness.report.kind_text import kind_facts, kind_name
from tsharness.report.units import error, many, seconds, size
from tsharness.verdict import ExitCode

COLUMNS = ("stage", "verdict", "max abs", "worst at", "took")
TABLE_COLUMNS = ("model", "target", "verdict", "cases", "new/old", "load", "size", "why")
_UNKNOWN = 4
"""Upper end of an interval, of its lower end, from which on it says nothing."""
_SEVERITIES = {"error": "error", "warning": "warn ", "note": "note "}
_TARGETS = {
    "aoti": "AOTInductor (.pt2)",
    "executorch": "ExecuTorch (.pte)",
    "onnx": "ONNX",
    "lite": "lite interpreter (.ptl)",
}


def header_lines(report: MigrateReport) -> Iterator[tuple[str, str]]:
    """Label and text of what was done."""
    yield "from", f"{report.source} · cases {report.facts.get('cases', '')}"
    made = [_TARGETS[report.to], report.path if report.written else f"{report.path} (not left there)"]
    verification = report.verification
    if verification is not None:
        artifact = verification.artifact
        made += [*kind_facts(artifact.runtime, artifact.facts), size(artifact.size)]
    yield "to", " · ".join(made)
    if "converter" in report.facts:
        cage = f" · cage: {report.facts['cage']}" if "cage" in report.facts else ""
        yield "by", f"{report.facts['converter']} · dynamic: {report.facts['dynamic']}{cage}"
    if verification is not None and verification.runner is not None:
        where = "in Python" if report.to == "onnx" else "no Python in the process"
        yield "runner", f"{kind_name(report.to)}, {where} · {verification.runner.where()}"


def row(stage: Stage) -> tuple[str, ...]:
    """Texts below COLUMNS."""
    return (stage.name, stage.verdict.value, error(stage.max_abs), stage.where, seconds(stage.seconds))


def gain_lines(report: MigrateReport) -> Iterator[tuple[str, str]]:
    """Old against new: what it brings."""
    comparison = report.comparison
    if comparison is None or not comparison.cases:
        return
    case, old, new = comparison.cases[0], comparison.base, comparison.new
    took = f"{seconds(case.base_seconds)}, then {seconds(case.new_seconds)} (case {case.case})"
    known = ratio_text(report)
    yield "latency", f"new takes {known} of old: {took}" if known else f"too unsteady to compare: {took}"
    yield "first call", f"{seconds(case.base_first_seconds)}, then {seconds(case.new_first_seconds)}"
    yield "load", f"{seconds(old.load_seconds)}, then {seconds(new.load_seconds)}"
    yield "memory", f"{size(max(0, old.load_bytes))} of heap, then {size(max(0, new.load_bytes))}"
    yield "size", f"{size(old.size)}, then {size(new.size)}"


def ratio_text(report: MigrateReport) -> str:
    """New of old with its interval; empty without one, or where it says nothing."""
    comparison = report.comparison
    if comparison is None or not comparison.cases:
        return ""
    effect = comparison.cases[0].effect
    if effect.high > _UNKNOWN * effect.low:
        return ""
    return f"{effect.ratio:.3g} ({effect.low:.3g} to {effect.high:.3g})"


def construct_lines(one: Construct) -> Iterator[str]:
    """What blocks the way, where, why, and what helps."""
    yield f"BLOCKED  {one.what}"
    if one.where:
        yield f"      where  {one.where}" + (f": {one.text}" if one.text else "")
    yield f"      why    {one.why}"
    yield f"      do     {one.do}"


def divergence_line(found: Divergence) -> str:
    """The operator that a stage computes otherwise."""
    at = f" ({found.source})" if found.source else ""
    became = f"; in its place: {found.became}" if found.became else ""
    by = f", off by {error(found.max_abs)}" if found.max_abs is not None else ""
    return f"operator {found.number + 1} of {found.operators}: {found.operator}{at}{by}{became}"


def problem_lines(report: MigrateReport) -> Iterator[str]:
    """Stages that are not in order, and what blocks."""
    for stage in report.stages:
        if stage.reason and not (report.constructs and stage is report.stages[-1]):
            yield f"{stage.verdict.value.upper()}  stage {stage.name}: {stage.reason}"
            if stage.divergence:
                yield f"      place  {divergence_line(stage.divergence)}"
    for one in report.constructs:
        yield from construct_lines(one)
    checks = report.verification.checks if report.verification else ()
    for check in checks:
        if check.verdict.value in ("fail", "inconclusive"):
            yield f"      check  {check.id}: {check.message}"


def note_lines(report: MigrateReport) -> Iterator[str]:
    """Findings; of warnings also what to do."""
    for one in report.findings:
        yield f"{_SEVERITIES[one.severity]} {one.code} {one.seen}"
        if one.severity != "note":
            yield f"      do     {one.do}"


def verdict_line(report: MigrateReport) -> str:
    """The closing line."""
    if report.verdict == "blocked":
        return f"BLOCKED  by {report.reason}"
    faster = _speed(report)
    if report.verdict == "safe":
        old, new = Path(report.source).name, Path(report.path).name
        alone = f", {report.scope}" if report.scope else ""
        return f"SAFE  {new} may replace {old}{alone}{faster}: {_proved(report)}"
    if report.verdict == "unproved":
        return f"UNPROVED  nothing differs, but {report.reason}{faster}"
    return f"DIFFERS  {report.reason}{faster}"


def _proved(report: MigrateReport) -> str:
    calls = report.verification.calls if report.verification else 0
    return f"{many(len(report.cases), 'case')}, {many(calls, 'call')}"


def _speed(report: MigrateReport) -> str:
    if report.comparison is None or not report.comparison.cases:
        return ""
    case = report.comparison.cases[0]
    if case.change == "inconclusive":
        return ""
    word = {"faster": "faster", "slower": "slower", "same": "as fast"}[case.change]
    return f", {word} ({case.effect.ratio:.2f} of its time)"


def table_row(report: MigrateReport) -> tuple[str, ...]:
    """Texts below TABLE_COLUMNS."""
    comparison = report.comparison
    return (
        Path(report.source).name,
        report.to,
        report.verdict,
        str(len(report.cases)) if report.cases else "",
        ratio_text(report),
        _pair(comparison.base.load_seconds, comparison.new.load_seconds, seconds) if comparison else "",
        size(report.verification.artifact.size) if report.verification else "",
        report.reason,
    )


def _pair(old: float, new: float, text: object) -> str:
    assert callable(text)
    return f"{text(old)} -> {text(new)}"


def summary_line(reports: Sequence[MigrateReport]) -> str:
    """Of several: how many may be replaced, by what."""
    models = {report.source for report in reports}
    safe = {report.source for report in reports if report.exit_code is ExitCode.PASS}
    none = sorted(Path(name).name for name in models - safe)
    rest = f"; no way yet for {', '.join(none)}" if none else ""
    return f"{len(safe)} of {many(len(models), 'model')} may be replaced{rest}"
