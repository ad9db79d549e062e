"""A second real environment: a runner built against the LibTorch in /usr (Debian: libtorch-dev)."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from conftest import Ran, tsharness

ROOT = Path(__file__).parents[2]
STORE = ROOT / "build" / "runners"
"""For all groups of tests: the same sources and LibTorch are built once."""

SECOND = Path("/usr/include/torch").is_dir()
needs_second_libtorch = pytest.mark.skipif(
    not SECOND,
    reason="no second LibTorch here (Debian: apt-get install libtorch-dev)",
)


def on_both(*arguments: str | Path) -> Ran:
    """A command that knows both runners, "installed" and "debian"."""
    return tsharness(*arguments, env={**os.environ, "TSHARNESS_RUNNERS": str(STORE)}, timeout=600)


@pytest.fixture(scope="session")
def debian() -> str:
    """The name of the runner, once it is there."""
    STORE.mkdir(parents=True, exist_ok=True)
    with (STORE / ".building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other worker waits, and finds it there
        ran = on_both("runner", "build", "--libtorch", "/usr", "--name", "debian")
    assert ran.code == 0, ran.text
    return "debian"
