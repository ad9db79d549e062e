"""A report that was kept, and another one of today: what became of the latency since then."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsharness.bench.budget import INSTRUCTIONS
from tsharness.bench.statistics import ERROR_RATE, Change, Effect, exactly
from tsharness.errors import UsageError
from tsharness.json_text import read_document
from tsharness.verdict import ExitCode

if TYPE_CHECKING:
    from tsharness.bench.instructions import Instructions
    from tsharness.bench.report import BenchReport, Latency

INTERLEAVED = (
    "two measurements at different times differ by what else the machine did; `tsharness compare` runs both "
    "interleaved, and finds smaller changes"
)


@dataclass(frozen=True)
class Since:
    """A case at one combination of parameters, then and now."""

    case: str
    parameters: dict[str, Any]
    effect: Effect
    """Of the processes' medians; no pairs: they were measured at different times."""
    change: str
    """"faster", "slower", "same" or "inconclusive"; of instructions "fewer", "more" or "same"."""
    counter: str | None = None
    """"instructions", if it is of them, not of the latency."""


def read_baseline(path: Path) -> BenchReport:
    """Raises UsageError for what is none."""
    from tsharness.bench.report import BenchReport

    document = read_document(path, "what --save-baseline wrote")
    if document.get("kind") != "bench":
        raise UsageError(f"--baseline {path} is no report of bench; --save-baseline makes one")
    try:
        return BenchReport.from_dict(document)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"--baseline {path} is of another version of tsharness ({error!s:.200}); save it anew"
        ) from None


def compare_with(
    baseline: BenchReport, report: BenchReport, margin: float, across: bool
) -> tuple[Since, ...]:
    """What became of each case and combination that both have, and of the instructions that both counted
    without noise.

    Raises UsageError if the machines, or how they were used, are not the same, unless ``across`` says that
    they may differ; and if nothing is in both."""
    differing = list(_differing(baseline, report))
    if differing and not across:
        raise UsageError(
            f"the baseline was measured elsewhere or otherwise: {'; '.join(differing)}.\n"
            "Measure it anew here, or say --across-machines to compare in spite of that"
        )
    known = {_key(one): one for one in baseline.latencies}
    found = tuple(_since(known[_key(one)], one, margin) for one in report.latencies if _key(one) in known)
    if not found:
        raise UsageError("the baseline has none of these cases and parameters; measure it anew")
    return (*found, *_of_instructions(baseline.extras.instructions, report.extras.instructions, margin))


def exit_code(since: tuple[Since, ...]) -> ExitCode:
    """The worst of them."""
    changes = {one.change for one in since}
    if changes & {Change.SLOWER.value, Change.SLOWER.of_instructions}:
        return ExitCode.REGRESSION
    return ExitCode.INCONCLUSIVE if Change.INCONCLUSIVE.value in changes else ExitCode.PASS


def _since(then: Latency, now: Latency, margin: float) -> Since:
    """Welch's interval for the difference of two means, of the logarithms of the processes' medians."""
    center, half = _welch([math.log(m) for m in now.processes], [math.log(m) for m in then.processes])
    effect = Effect(
        ratio=math.exp(center),
        low=math.exp(center - half),
        high=math.exp(center + half) if math.isfinite(half) else math.inf,
        processes=tuple(m / then.median for m in now.processes),
        pairs=0,
    )
    change = effect.change(margin)
    if change is Change.FASTER and now.changed and not then.changed:
        # It may be so because it does less: what it gives is not what it gave then.
        change = Change.INCONCLUSIVE
    return Since(now.case, dict(now.parameters), effect, change.value)


def _of_instructions(then: Instructions | None, now: Instructions | None, margin: float) -> Iterator[Since]:
    """Of the same counter and number of threads alone."""
    if then is None or now is None or (then.counter, then.threads) != (now.counter, now.threads):
        return
    if now.exact:
        for case, number in now.by_case.items():
            if case in then.by_case:
                effect = exactly(number / then.by_case[case])
                change = effect.change(margin).of_instructions
                yield Since(case, {}, effect, change, INSTRUCTIONS)


def _welch(new: list[float], old: list[float]) -> tuple[float, float]:
    """Difference of the means, and half the width of its interval (Welch, Biometrika 34, 1947)."""
    from statistics import fmean, variance

    center = fmean(new) - fmean(old)
    if min(len(new), len(old)) < 2:
        return center, math.inf
    parts = [variance(new) / len(new), variance(old) / len(old)]
    if sum(parts) == 0:
        return center, 0.0
    from scipy.special import stdtrit

    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(new) - 1) + parts[1] ** 2 / (len(old) - 1))
    return center, float(stdtrit(freedom, 1 - ERROR_RATE / 2)) * math.sqrt(sum(parts))


def _differing(baseline: BenchReport, report: BenchReport) -> Iterator[str]:
    facts = (
        *(("machine", name) for name in ("cpu", "cores", "affinity", "quota", "governor")),
        *(("runner", name) for name in ("libtorch", "device", "threads", "cpu_capability")),
    )
    for part, name in facts:
        then, now = getattr(getattr(baseline, part), name), getattr(getattr(report, part), name)
        if then != now:
            yield f"{name.replace('_', ' ')} {then}, now {now}"
    for name in ("scenario", "inputs"):
        if getattr(baseline, name) != getattr(report, name):
            yield f"{name} {getattr(baseline, name)}, now {getattr(report, name)}"


def _key(latency: Latency) -> tuple[str, str]:
    return latency.case, json.dumps(dict(latency.parameters), sort_keys=True)
