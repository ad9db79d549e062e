"""Time by operator, and whether a model is bound by memory or by arithmetic."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsharness.bench.options import BenchOptions
from tsharness.bench.own_step import run_step
from tsharness.report.units import seconds
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Event
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.scratch import ScratchFolder
from tsharness.verification.plan import Plan

_CALLS = 10


@dataclass(frozen=True)
class OperatorTime:
    """One operator with inputs of the same shapes at one line of the model; figures are of one call of the
    case."""

    name: str
    shapes: str
    where: str
    """The line of the model's source; empty if it is not known."""
    calls: float
    seconds: float
    """On the host, without the operators that it called itself."""
    device_seconds: float
    """Of its kernels on an accelerator."""
    flops: int
    """0 where LibTorch has no formula."""
    bytes: int
    """Of the tensors that it took and gave."""


@dataclass(frozen=True)
class Roofline:
    """What the device can do, measured, and what the model asks of it (Williams, Waterman and Patterson,
    "Roofline", CACM 52, 2009)."""

    bytes_per_second: float
    flops_per_second: float
    bytes: int
    """Of all operators of a call."""
    flops: int
    seconds: float
    """Of a call, without the profiler."""

    @property
    def memory_seconds(self) -> float:
        """That moving its bytes takes at least."""
        return self.bytes / self.bytes_per_second

    @property
    def arithmetic_seconds(self) -> float:
        """That computing takes at least."""
        return self.flops / self.flops_per_second

    def sentence(self) -> str:
        """What bounds it, in words."""
        memory, arithmetic = self.memory_seconds, self.arithmetic_seconds
        floor = max(memory, arithmetic)
        told = (
            f"arithmetic takes at least {seconds(arithmetic)}, memory {seconds(memory)} "
            f"({self.bytes_per_second / 1e9:.3g} GB/s and {self.flops_per_second / 1e9:.4g} GFLOP/s were "
            "measured here)"
        )
        if floor < _LOW * self.seconds:
            return (
                f"bound by neither: {told}, and it takes {seconds(self.seconds)}; the rest is overhead of "
                "operators that are too small, or of kernels that do not reach the ceilings"
            )
        what = "arithmetic" if arithmetic >= memory else "memory"
        return f"bound by {what}: {told} of {seconds(self.seconds)}"


_LOW = 0.3  # of the time: a floor so low explains nothing


@dataclass(frozen=True)
class OperatorProfile:
    """Of one case."""

    case: str
    operators: tuple[OperatorTime, ...]
    """The most time first."""
    roofline: Roofline


def profile_operators(
    plan: Plan, options: BenchOptions, trace: Path | None, launcher: Launcher, hooks: Hooks = NO_HOOKS
) -> tuple[OperatorProfile, ...]:
    """Has LibTorch's own profiler look at each case in the runner. ``trace``: a file for the last case's
    Chrome trace. Raises UsageError if the profiler does not work there, and as ``raise_for_process``."""
    with ScratchFolder() as folder:
        written = Path(folder) / "trace.json"
        step: dict[str, Any] = {"step": "profile", "calls": _CALLS}
        if trace is not None:
            step["trace"] = str(written)
        events = run_step(plan, options, step, launcher, hooks)
        if trace is not None:
            shutil.copy(written, trace)
    return tuple(map(_profile, events))


def _profile(event: Event) -> OperatorProfile:
    rounds = event["rounds"]
    operators = tuple(
        OperatorTime(
            name=one["name"],
            shapes=one["shapes"],
            where=one["where"],
            calls=one["calls"] / rounds,
            seconds=one["seconds"] / rounds,
            device_seconds=one["device_seconds"] / rounds,
            flops=one["flops"] // rounds,
            bytes=one["bytes"] // rounds,
        )
        for one in event["operators"]
    )
    roofline = Roofline(
        bytes_per_second=event["bytes_per_second"],
        flops_per_second=event["flops_per_second"],
        bytes=sum(one.bytes for one in operators),
        flops=sum(one.flops for one in operators),
        seconds=event["seconds_per_call"],
    )
    return OperatorProfile(event["case"], operators, roofline)
