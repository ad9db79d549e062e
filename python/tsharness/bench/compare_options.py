"""How to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class SideOptions:
    """Where one side runs; what is not stated is as for both."""

    device: str | None = None
    threads: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of LibTorch (docs/protocol.md); "dtype" and "memory_format" convert the artifact."""
    runner: str = "installed"
    """A name of the store of runners, or a path."""
    kind: str | None = None
    """As what to run the artifact (docs/kinds.md); ``None``: as what it is."""

    @property
    def all_settings(self) -> dict[str, Any]:
        """As jobs carry them."""
        threads = {} if self.threads is None else {"threads": self.threads}
        return {**threads, **self.settings}


AS_STATED = SideOptions()
"""A side with nothing of its own."""


@dataclass(frozen=True)
class CompareOptions:
    """How to compare."""

    cases: Path | None = None
    only: tuple[str, ...] = ()
    """Cases by name; the first one if empty."""
    device: str = "cpu"
    threads: int | None = None
    base: SideOptions = AS_STATED
    new: SideOptions = AS_STATED
    max_time: float = 10.0
    """Seconds for all of it."""
    margin: float = 0.02
    """Relative change that does not matter."""
    max_regression: float | None = None
    """Relative change from which on it fails; ``None``: any slowdown beyond the margin."""
    error_rate: float = 0.01
    """Of the interval: how often a case that has not changed may be called changed."""
    counter: str | None = None
    """"instructions": they decide, not time; one thread, if nothing else is asked for."""
    tolerance: Mapping[str, Any] = field(default_factory=dict)
    allow_ops: tuple[str, ...] = ()
    libraries: tuple[Path, ...] = ()
    sandbox: str = "auto"
    timeout: float = 600.0
