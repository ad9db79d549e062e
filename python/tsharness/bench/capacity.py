"""How many requests a second one artifact can serve at most, and rates that are shares of it."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import Any

from tsharness.bench.measure import Measured, Measurer
from tsharness.bench.options import BenchOptions
from tsharness.bench.points import points_of
from tsharness.bench.scenarios import THROUGHPUT
from tsharness.errors import UsageError

_SECONDS = 0.5  # of measuring it


def with_rates(measurer: Measurer) -> BenchOptions:
    """The options with rates in requests a second: "70%" is of what the first case's artifact serves without
    a pause, as many callers as there are workers. Raises UsageError for a rate that is none."""
    options = measurer.options
    if "rate" not in options.scenario.parameters:
        return options
    stated = options.sweep.get("rate", options.scenario.parameters["rate"])
    shares = [_share(rate) for rate in stated]
    if any(share is not None for share in shares):
        most = capacity(measurer)
        stated = tuple(
            rate if share is None else float(f"{share * most:.4g}")
            for rate, share in zip(stated, shares, strict=True)
        )
    if any(not isinstance(rate, int | float) or rate <= 0 for rate in stated):
        raise UsageError(f"rate {list(stated)}: expected requests a second, or a share such as 70%")
    return replace(options, sweep={"rate": stated, **{k: v for k, v in options.sweep.items() if k != "rate"}})


def capacity(measurer: Measurer) -> float:
    """Requests a second of the first case, as many callers as workers asking again at once."""
    options, plan = measurer.options, measurer.plan
    workers: tuple[Any, ...] = options.sweep.get("workers", options.scenario.parameters["workers"])
    sweep = {name: values for name, values in options.sweep.items() if name not in ("rate", "workers")}
    closed = replace(
        options, scenario=THROUGHPUT, sweep={"callers": workers[:1], "module": ("shared",), **sweep}
    )
    only = replace(plan, cases=plan.cases[:1])
    points = list(points_of(closed))[:1]
    trial = replace(measurer, plan=only, options=closed, points=points, measured=Measured())
    trial.rounds(1, _SECONDS)
    samples = trial.measured.samples.get((0, only.cases[0].name))
    if not samples:
        if trial.measured.errors:
            raise UsageError(next(iter(trial.measured.errors.values())).message)
        raise KeyboardInterrupt
    return median(one.sampled.per_second for one in samples)


def _share(rate: Any) -> float | None:
    """0.7 of "70%"; ``None`` of a number. Raises UsageError."""
    if not isinstance(rate, str):
        return None
    try:
        return float(rate.removesuffix("%")) / 100
    except ValueError:
        raise UsageError(f"rate '{rate}': expected requests a second, or a share such as 70%") from None
