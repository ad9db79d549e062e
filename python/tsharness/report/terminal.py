"""Reports on a terminal, drawn by rich."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tsharness.report.console import PlainTable, Terminal, fold, print_facts, print_lines, words
from tsharness.report.model import Check
from tsharness.report.profile_text import profile_lines
from tsharness.report.progress import Bar
from tsharness.report.text import header_lines, passes_from, place, verdict_lines
from tsharness.report.units import error, seconds
from tsharness.runner.steps import calls_of_step
from tsharness.verdict import Verdict
from tsharness.verification.plan import Plan, VerifyOptions
from tsharness.verification.report import CaseResult, VerifyReport

if TYPE_CHECKING:
    from tsharness.runner.outcome import Event

_VERDICT_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.SKIPPED: "dim",
}


class VerifyProgress:
    """A bar that moves with every call: of the cases, then of what the checks ask for."""

    def __init__(self, options: VerifyOptions, bar: Bar) -> None:
        self._calls, self._bar = options.calls, bar
        self._passes = sum(rule.passes for rule in options.checks)
        self._done, self._total, self._said = 0, 0, "starting"
        self._starts: dict[str, int] = {}

    def plan(self, plan: Plan) -> None:
        again = len(plan.cases) > 1 and self._calls > 1  # after the other cases
        self._done, self._said = 0, plan.artifact.name
        one_pass = sum(summary.calls for summary in plan.cases)
        # What the checks will ask for is known once the cases have passed: until then, it is estimated.
        self._total = (self._calls + again) * one_pass + round(self._passes * one_pass)
        self._bar.to(0, self._said, self._total)

    def more(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """What the checks ask for, in its order."""
        self._total = self._done
        for step in steps:
            self._starts[step["id"]] = self._total
            self._total += calls_of_step(step)
        self._bar.to(self._done, self._said, self._total)

    def event(self, event: Event) -> None:
        identity = str(event.get("id", ""))
        if event["event"] == "progress" and "calls" in event:
            self._done = self._starts.get(identity, self._done) + int(event["calls"])
        elif event["event"] == "progress" and "case" in event:
            self._done, self._said = self._done + 1, event["case"]
        elif event["event"] == "step-begin" and identity:
            self._said = identity
            self._done = max(self._done, self._starts.get(identity, 0))
        self._bar.to(self._done, self._said)


def print_verify(report: VerifyReport, out: Terminal, verbose: bool = False) -> None:
    """Header, tables, verdict; ``verbose``: every figure of every output, and where failed ones differ."""
    with fold(f"verify {report.artifact.path}", out):
        _print_details(report, out, verbose)
    print_verdict(report, out)


def _print_details(report: VerifyReport, out: Terminal, verbose: bool) -> None:
    print_facts(header_lines(report), out)
    if any(case.outputs for case in report.cases):
        out.print()
        out.print(_case_table(report.cases))
    if verbose:
        _print_figures(report, out)
    out.print()
    out.print(_check_table(report.checks))
    out.print()


_FIGURES = ("mean_abs", "max_ulp", "cosine", "relative_l2", "snr", "psnr")


def _print_figures(report: VerifyReport, out: Terminal) -> None:
    table = PlainTable()
    for name in (
        "case",
        "output",
        *(name.replace("_", " ") for name in _FIGURES),
        "p50",
        "p90",
        "p99",
        "p99.9",
    ):
        table.add_column(name, justify="left" if name in ("case", "output") else "right")
    for case in report.cases:
        for output in case.outputs:
            figures = [*(getattr(output, name) for name in _FIGURES), *(output.quantiles or [None] * 4)]
            table.add_row(
                words(case.name), words(output.name), *("" if f is None else f"{f:.4g}" for f in figures)
            )
    out.print()
    out.print(table)
    for case in report.cases:
        for line in profile_lines(case):
            out.print(words(line))


def print_verdict(report: VerifyReport, out: Terminal) -> None:
    print_lines(verdict_lines(report), out)
    if report.verdict is not Verdict.PASS and report.printed.strip():
        out.print(words(f"      printed by the model: {report.printed.strip().splitlines()[-1][:120]}"))


def _case_table(cases: Sequence[CaseResult]) -> PlainTable:
    table = PlainTable()
    for name in ("case", "calls", "output", "max abs", "max rel", "worst at", "passes from", "verdict"):
        table.add_column(name, justify="right" if name in ("calls", "max abs", "max rel") else "left")
    for case in cases:
        if not case.outputs:
            verdict = words(case.verdict.value, _VERDICT_STYLES[case.verdict])
            table.add_row(case.name, str(case.calls), "", "", "", "", "", verdict)
        for position, output in enumerate(case.outputs):
            table.add_row(
                words(case.name if position == 0 else ""),
                str(output.compared),
                words(output.name),
                error(output.max_abs),
                error(output.max_rel),
                words(place("", output.worst) if output.worst and (output.max_abs or output.failed) else ""),
                passes_from(output),
                words(output.verdict.value, _VERDICT_STYLES[output.verdict]),
            )
    return table


def _check_table(checks: Sequence[Check]) -> PlainTable:
    table = PlainTable()
    table.add_column("check")
    table.add_column("verdict")
    table.add_column("cost", justify="right")
    table.add_column("seen")
    for check in checks:
        cost = "" if check.seconds is None else seconds(check.seconds)
        verdict = words(check.verdict.value, _VERDICT_STYLES[check.verdict])
        table.add_row(check.id, verdict, cost, words(next(iter(check.message.strip().splitlines()), "")))
    return table
