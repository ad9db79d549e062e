"""Runners by the names that users give."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tsharness.errors import EnvironmentProblem, UsageError
from tsharness.runner.find import Runner, find_runner
from tsharness.runners.store import EXECUTORCH, INSTALLED, built_runner, built_runners

_SECONDS = 60  # for a runner to say what it is


def runner_named(name: str) -> Runner:
    """The installed one (or what stands in for it), one of the store, or the executable at a path. Raises
    UsageError, EnvironmentProblem."""
    if name == INSTALLED:
        return find_runner()
    path = Path(name)
    if "/" in name and path.is_file():
        return Runner(path.absolute(), str(describe(path.absolute())["libtorch"]))
    return built_runner(name).runner


def names_of(stated: Sequence[str]) -> list[str]:
    """``all`` is the installed one and every LibTorch of the store; each name once. Raises UsageError."""
    found: list[str] = []
    for text in stated:
        for name in text.split(","):
            found += (
                [INSTALLED, *(one.name for one in built_runners() if one.name != EXECUTORCH)]
                if name == "all"
                else [name.strip()]
            )
    if "" in found:
        raise UsageError(f"--runner '{','.join(stated)}': expected NAME,NAME or all")
    return list(dict.fromkeys(found))


CAPABILITIES = {
    "default": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "avx512": {"ATEN_CPU_CAPABILITY": "avx512"},
}
"""What makes a process use no better instructions. oneDNN's own switch goes with ATen's: neither covers the
other."""


def capability_environment(name: str | None) -> dict[str, str]:
    """What makes a process use no better instructions than these. Raises UsageError."""
    if name is None:
        return {}
    if name not in CAPABILITIES:
        raise UsageError(f"--cpu-capability '{name}': expected {', '.join(CAPABILITIES)}")
    return dict(CAPABILITIES[name])


def describe(path: Path) -> dict[str, Any]:
    """What a runner says of itself. Raises EnvironmentProblem if it does not start."""
    try:
        done = subprocess.run(
            [path, "--describe"], capture_output=True, text=True, check=True, timeout=_SECONDS
        )
        return dict(json.loads(done.stdout))
    except subprocess.CalledProcessError as error:
        raise EnvironmentProblem(f"{path} does not start: {error.stderr.strip()[-300:]}") from None
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise EnvironmentProblem(f"{path} does not start: {error}") from None
