"""A bar with an estimate, for what takes long; nothing at all where standard error is no terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tsharness.report.console import Description, console


def shows_progress() -> bool:
    """Whether somebody watches: not in a log, and not on a CI service that pretends to be a terminal."""
    return sys.stderr.isatty() and not os.environ.get("CI")


class Bar:
    """Moves towards ``total`` of some unit."""

    def __init__(self, total: float, unit: str, color: bool) -> None:
        self._progress = Progress(
            Description(),
            BarColumn(),
            TextColumn(f"{{task.completed:.0f}}/{{task.total:.0f}} {unit}"),
            TimeRemainingColumn(),
            console=console(color, stderr=True),
            transient=True,
            disable=not shows_progress(),
        )
        self._total = total
        self._task = self._progress.add_task("starting", total=total)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def to(self, completed: float, description: str, total: float | None = None) -> None:
        """Where it is now; ``total`` if that has only become known."""
        self._total = self._total if total is None else total
        self._progress.update(
            self._task, completed=min(completed, self._total), total=self._total, description=description
        )

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Out of the way, while something else is printed."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()
