"""Instructions of both sides of a comparison: what no other load of the machine moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsharness.bench.compare_options import CompareOptions, SideOptions
from tsharness.bench.instructions import Instructions, count_exactly
from tsharness.bench.options import BenchOptions
from tsharness.bench.valgrind import find_valgrind
from tsharness.runner.cage import parse_sandbox
from tsharness.runner.find import Runner
from tsharness.runner.launch import Launcher
from tsharness.runner.process import Hooks
from tsharness.verification.plan import Plan

_WHY = "a comparison of instructions needs a counter that says the same each time"
Count = Callable[[Plan], Instructions]
"""Of the plan's cases."""


def counter_of(
    path: Path,
    side: SideOptions,
    kind: str,
    runner: Runner,
    options: CompareOptions,
    hooks: Hooks,
    judged: Mapping[Path, Mapping[str, Any]],
) -> Count:
    """What counts a side; ``judged`` as a Launcher has it. Raises as ``find_valgrind``."""
    settings = side.all_settings
    own = BenchOptions(
        kind=kind,
        device=side.device or options.device,
        threads=settings.pop("threads", options.threads),
        libraries=options.libraries,
        timeout=options.timeout,
        sweep={name: (value,) for name, value in settings.items()},
    )
    launcher = Launcher(runner, parse_sandbox(options.sandbox))
    launcher.judged |= judged
    valgrind = find_valgrind(_WHY)
    return lambda plan: count_exactly(replace(plan, artifact=path), own, launcher, valgrind, hooks)
