"""Errors, calls and memory of a verify report, drawn."""

from __future__ import annotations

from collections.abc import Iterator

from tsharness.report.html.svg import BAD, SERIES, Chart, drawing, log_axis
from tsharness.report.model import Check
from tsharness.report.units import error, seconds
from tsharness.verification.profile import Profile
from tsharness.verification.report import CaseResult, OutputResult, VerifyReport

_MOST = 6
"""Outputs that are drawn: those with the largest share of what is allowed first."""


def verify_charts(report: VerifyReport, number: str) -> Iterator[Chart]:
    drawn = [(case, one) for case in report.cases for one in case.outputs if one.profile is not None]
    drawn.sort(key=lambda pair: -_share(pair[1]))
    for position, (case, output) in enumerate(drawn[:_MOST]):
        assert output.profile is not None
        yield _errors(case, output, output.profile, f"{number}-e{position}")
        if output.profile.magnitudes:
            yield _magnitudes(case, output, output.profile, f"{number}-m{position}")
    timed = [case for case in report.cases if len(case.seconds) > 1]
    if timed:
        yield _calls(timed[:_MOST], f"{number}-calls")
    for position, check in enumerate(report.checks):
        if check.curves:
            yield _curves(check, f"{number}-c{position}")


def _share(output: OutputResult) -> float:
    worst = output.worst
    return worst.error / worst.allowed if worst and worst.allowed else float("inf") if worst else 0.0


def _errors(case: CaseResult, output: OutputResult, profile: Profile, number: str) -> Chart:
    total = sum(one.count for one in profile.errors)
    says = (
        f"Absolute errors of {total} elements by power of ten; {profile.equal} more are equal. "
        f"The largest is {error(output.max_abs)}, of {error(output.atol)} that are allowed near 0."
    )
    with drawing(f"{case.name}: errors of {output.name}", says, number) as canvas:
        axes = canvas.axes
        decades = [one.decade for one in profile.errors]
        axes.bar(decades, [one.count for one in profile.errors], width=0.9, align="edge", color=SERIES[0])
        if output.atol > 0:
            from math import log10

            axes.axvline(log10(output.atol), color=BAD, linestyle="--", label=f"atol {output.atol:g}")
            axes.legend()
        log_axis(axes, "y", kind="symlog")
        axes.xaxis.set_major_formatter(lambda value, _: f"1e{value:.0f}" if value == int(value) else "")
        axes.set_xlabel("absolute error")
        axes.set_ylabel("elements")
    return canvas.chart


def _magnitudes(case: CaseResult, output: OutputResult, profile: Profile, number: str) -> Chart:
    bad = sum(one.mismatched for one in profile.magnitudes)
    says = (
        "The largest error among the elements of each magnitude of the reference, with what the tolerance "
        f"allows there; {bad} elements are beyond it."
    )
    with drawing(f"{case.name}: error of {output.name} against magnitude", says, number) as canvas:
        axes = canvas.axes
        middles = [10.0 ** (one.decade + 0.5) for one in profile.magnitudes]
        axes.plot(middles, [one.max_abs for one in profile.magnitudes], "o-", label="largest error")
        if not output.exact:
            allowed = [output.atol + output.rtol * middle for middle in middles]
            axes.plot(middles, allowed, "--", color=BAD, label="allowed")
        log_axis(axes, "x", "y")
        axes.set_xlabel("magnitude of the reference")
        axes.set_ylabel("absolute error")
        axes.legend()
    return canvas.chart


def _calls(cases: list[CaseResult], number: str) -> Chart:
    slowest = max(cases, key=lambda case: case.seconds[0])
    says = (
        f"Time of each call in order: the first takes up to {seconds(slowest.seconds[0])} "
        f"(case {slowest.name}), since the executor compiles then."
    )
    with drawing("Time by call", says, number) as canvas:
        for case in cases:
            numbers = range(1, len(case.seconds) + 1)
            canvas.axes.plot(numbers, [1e3 * value for value in case.seconds], "o-", label=case.name)
        log_axis(canvas.axes, "y")
        canvas.axes.set_xticks(range(1, max(len(case.seconds) for case in cases) + 1))
        canvas.axes.set_xlabel("call")
        canvas.axes.set_ylabel("ms")
        canvas.axes.legend(fontsize=8)
    return canvas.chart


def _curves(check: Check, number: str) -> Chart:
    says = f"{check.message}."
    with drawing(f"Check {check.id}", says, number) as canvas:
        for curve in check.curves:
            canvas.axes.plot(curve.x, curve.y, label=curve.name)
        canvas.axes.set_xlabel(check.curves[0].x_name)
        canvas.axes.set_ylabel(check.curves[0].y_name)
        canvas.axes.legend(fontsize=8)
    return canvas.chart
