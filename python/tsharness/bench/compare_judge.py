"""What the processes of a comparison have said, judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from tsharness.bench.compare_options import CompareOptions, SideOptions
from tsharness.bench.compare_outputs import differences, unproven
from tsharness.bench.compare_report import ComparedCase, ComparedSide, CompareReport
from tsharness.bench.instructions import Instructions
from tsharness.bench.statistics import Change, Effect, Pair, paired_effect
from tsharness.report.model import RunnerInfo
from tsharness.runner.outcome import Event, Outcome
from tsharness.verdict import ExitCode, worst
from tsharness.verification.plan import Plan


def report_of(
    base: Path,
    new: Path,
    plan: Plan,
    options: CompareOptions,
    outcomes: Sequence[Outcome],
    counted: tuple[Instructions, ...],
    seconds: float,
) -> CompareReport:
    """Of the outcomes, in the order of the processes, and of each side's instructions, if they were counted;
    ``seconds`` is what all of it took."""
    events = [event for outcome in outcomes for event in outcome.results("ab")]
    by_case = {summary.name: [e for e in events if e["case"] == summary.name] for summary in plan.cases}
    judged = tuple(_judged(_case(name, found, counted, options), options) for name, found in by_case.items())
    codes = [case.exit_code for case in judged]
    hellos = [event for event in outcomes[0].events if event["event"] == "hello"]
    return CompareReport(
        base=_compared(base, options.base, options, _first(events, 0), str(hellos[0]["libtorch"])),
        new=_compared(new, options.new, options, _first(events, 1), str(hellos[-1]["libtorch"])),
        runner=RunnerInfo.from_hello(hellos[0], options.device, options.base.runner),
        cases=judged,
        margin=options.margin,
        max_regression=options.max_regression,
        error_rate=options.error_rate,
        processes=len(outcomes),
        seconds=seconds,
        exit_code=worst(codes),
        verdict=_verdict(judged, codes),
        counter=options.counter,
    )


def _first(events: Sequence[Event], side: int) -> list[Mapping[str, Any]]:
    """What was seen of a side in the processes in which it came first: the other one finds warm what both
    need."""
    return [event["sides"][side] for event in events if event["first"] == side]


def _compared(
    path: Path,
    side: SideOptions,
    options: CompareOptions,
    seen: Sequence[Mapping[str, Any]],
    libtorch: str,
) -> ComparedSide:
    return ComparedSide(
        path=str(path),
        size=path.stat().st_size,
        device=side.device or options.device,
        settings=side.all_settings,
        load_seconds=median(one["load_seconds"] for one in seen),
        load_bytes=int(median(one["load_bytes"] for one in seen)),
        runner=side.runner,
        libtorch=libtorch,
    )


def _case(
    name: str, events: Sequence[Event], counted: tuple[Instructions, ...], options: CompareOptions
) -> ComparedCase:
    processes: list[list[Pair]] = [[(base, new) for base, new in event["pairs"]] for event in events]
    base_instructions, new_instructions = [one.by_case[name] for one in counted] or (None, None)
    pairs = [pair for process in processes for pair in process]
    return ComparedCase(
        case=name,
        base_seconds=median(base for base, _ in pairs),
        new_seconds=median(new for _, new in pairs),
        base_first_seconds=median(one["first_seconds"] for one in _first(events, 0)),
        new_first_seconds=median(one["first_seconds"] for one in _first(events, 1)),
        effect=paired_effect(processes, options.error_rate),
        change="",
        differences=differences(events),
        runs_compared=sum(1 + event["later"]["compared"] for event in events),
        unproven=unproven(events),
        base_instructions=base_instructions,
        new_instructions=new_instructions,
    )


def _judged(case: ComparedCase, options: CompareOptions) -> ComparedCase:
    change = Change.INCONCLUSIVE if case.unproven else case.decisive.change(options.margin)
    word = change.of_instructions if options.counter else change.value
    return replace(case, change=word, exit_code=_exit_code(case, change, options))


def _exit_code(case: ComparedCase, change: Change, options: CompareOptions) -> ExitCode:
    if case.differences:
        return ExitCode.FAILED
    if case.unproven:
        return ExitCode.INCONCLUSIVE
    if options.max_regression is not None:
        return _gate(case.decisive, 1 + options.max_regression)
    codes = {Change.SLOWER: ExitCode.REGRESSION, Change.INCONCLUSIVE: ExitCode.INCONCLUSIVE}
    return codes.get(change, ExitCode.PASS)


def _gate(effect: Effect, limit: float) -> ExitCode:
    """Fails only if the interval says so, and says when it cannot tell."""
    if effect.low > limit:
        return ExitCode.REGRESSION
    return ExitCode.PASS if effect.high <= limit else ExitCode.INCONCLUSIVE


def _verdict(cases: Sequence[ComparedCase], codes: Sequence[ExitCode]) -> str:
    """Of the case that the exit code is of."""
    case = cases[list(codes).index(worst(codes))]
    return "different" if case.differences else case.change
