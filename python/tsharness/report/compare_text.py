"""A comparison in words."""

from __future__ import annotations

from collections.abc import Iterator

from tsharness.bench.compare_report import ComparedCase, ComparedSide, CompareReport
from tsharness.report.units import many, seconds, size
from tsharness.verdict import ExitCode

_WORDS = {
    ExitCode.PASS: "PASS",
    ExitCode.FAILED: "FAIL",
    ExitCode.REGRESSION: "FAIL",
    ExitCode.INCONCLUSIVE: "INCONCLUSIVE",
}
_COLUMNS = ("case", "base", "new", "new/base", "interval", "first call", "verdict")
_OF_INSTRUCTIONS = ("case", "base", "new", "new/base", "time", "first call", "verdict")


def columns(report: CompareReport) -> tuple[str, ...]:
    """Of the table of cases."""
    return _OF_INSTRUCTIONS if report.counter else _COLUMNS


def header_lines(report: CompareReport) -> Iterator[tuple[str, str]]:
    """Label and text of what is compared."""
    yield "base", _side(report.base)
    yield "new", _side(report.new)
    runner, apart = report.runner, report.base.runner != report.new.runner
    which = "a process for each, in turns" if apart else f"LibTorch {runner.libtorch}"
    yield "runner", f"{which} · no Python in the process · {many(runner.threads, 'thread')}"
    yield "method", _method(report)
    if any(case.runs_compared for case in report.cases):
        yield "outputs", _outputs(report)


def _method(report: CompareReport) -> str:
    processes = f"{report.processes} fresh processes"
    if report.counter:
        return (
            "instructions of a call decide, counted by valgrind without the memory allocator's; "
            f"outputs compared, and times taken, in {processes}; {report.seconds:.1f} s"
        )
    return (
        f"pairs of short blocks in random order, {processes} in {report.seconds:.1f} s; "
        f"intervals at {1 - report.error_rate:.4g}"
    )


def _outputs(report: CompareReport) -> str:
    count = sum(case.runs_compared for case in report.cases)
    return f"compared {many(count, 'time')}: at first, between the timed blocks, and behind them"


def _side(side: ComparedSide) -> str:
    facts = [side.path, size(side.size), side.device]
    facts += [f"{name} {value}" for name, value in side.settings.items()]
    if side.runner != "installed":
        facts.append(f"{side.runner}, LibTorch {side.libtorch}")
    facts.append(f"loaded in {seconds(side.load_seconds)}, {size(max(0, side.load_bytes))} of heap")
    return " · ".join(facts)


def row(case: ComparedCase) -> tuple[str, ...]:
    """Texts below the columns."""
    base, new = seconds(case.base_seconds), seconds(case.new_seconds)
    compared = (base, new, f"{case.effect.ratio:.4f}", f"{case.effect.low:.4f} to {case.effect.high:.4f}")
    if case.base_instructions is not None and case.new_instructions is not None:
        counts = (f"{case.base_instructions:,.0f}", f"{case.new_instructions:,.0f}")
        compared = (*counts, f"{case.decisive.ratio:.4f}", f"{base}, {new}")
    first_calls = f"{seconds(case.base_first_seconds)}, {seconds(case.new_first_seconds)}"
    return (case.case, *compared, first_calls, "different" if case.differences else case.change)


def effect_text(case: ComparedCase) -> str:
    """What decides."""
    if case.base_instructions is not None:
        return f"{case.decisive.ratio:.4f} of base's instructions"
    return f"{case.effect.ratio:.4f} of base, {case.effect.low:.4f} to {case.effect.high:.4f}"


def difference_lines(report: CompareReport) -> Iterator[str]:
    """Outputs that are not the same, by case."""
    for case in report.cases:
        for line in case.differences:
            yield f'case "{case.case}": {line}'
        if case.unproven:
            yield f'case "{case.case}": outputs of later calls not compared: {case.unproven}'


def verdict_line(report: CompareReport) -> str:
    """The closing line."""
    if report.incomplete:
        return f"INCOMPLETE  interrupted after {report.processes} processes; so far {report.verdict}"
    word = _WORDS.get(report.exit_code, "ERROR")
    case = next((c for c in report.cases if _is_of(c, report)), next(iter(report.cases), None))
    if case is None:
        return f"{word}  {report.verdict}: no case was compared"
    if report.exit_code is ExitCode.FAILED:
        count = sum(bool(one.differences) for one in report.cases)
        return (
            f"{word}  outputs differ in {count} of {len(report.cases)} cases; verify says which one is right"
        )
    effect, allowed = case.effect, report.max_regression
    more = "more" if report.counter else "slower"
    limit = f"margin {report.margin:.3g}" if allowed is None else f"at most {allowed:.3g} {more}"
    if report.counter:
        return f"{word}  {report.verdict}: new executes {effect_text(case)} ({limit})"
    if case.unproven:
        return f"{word}  outputs of later calls could not be compared, so times say nothing"
    interval = f"{effect.low:.3f} to {effect.high:.3f}"
    said = f"{word}  {report.verdict}: new takes {effect.ratio:.3f} of base, {interval} ({limit})"
    if report.exit_code is ExitCode.INCONCLUSIVE:
        return f"{said}; more time tells more: --max-time {_more(report)}"
    return said


def _is_of(case: ComparedCase, report: CompareReport) -> bool:
    return report.verdict == ("different" if case.differences else case.change)


def _more(report: CompareReport) -> str:
    return f"{4 * max(report.seconds, 5):.0f}"
