"""Comparing two outputs of 400 MB: the core against ``torch.testing.assert_close``, time and memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

import torch
from common import Row, interleaved, main

from tsharness.session import load_core

ELEMENTS = 100_000_000  # float32: 400 MB
ROUNDS = 5


def measure() -> list[Row]:
    core = load_core()
    torch.manual_seed(0)
    expected = torch.randn(ELEMENTS)
    actual = torch.add(expected, torch.randn(ELEMENTS), alpha=1e-7)

    def compare() -> None:
        core.compare_json(actual, expected, '{"rtol": 1e-5, "atol": 1e-5}', "cpu")

    def assert_close() -> None:
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)

    extra = _extra_memory(compare)
    seconds = interleaved(
        {
            "core": _timed(compare),
            "assert_close": _timed(
                lambda: torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)
            ),
        },
        ROUNDS,
    )
    ratio = seconds["assert_close"] / seconds["core"]
    return [
        Row(
            "comparing two 400 MB outputs, times faster than `assert_close`",
            f"{ratio:.1f}",
            "at least 10",
            ratio >= 10,
        ),
        Row("memory that comparing them takes", f"{extra / 1e6:.1f} MB", "at most 16 MB", extra <= 16e6),
    ]


def _timed(action: Callable[[], None]) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return run


def _extra_memory(action: Callable[[], None]) -> int:
    """Bytes by which the highest resident set grows: it is brought back to the present one first."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident()
    action()
    high = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return int(high.split()[1]) * 1024 - before


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main("comparison", measure)
