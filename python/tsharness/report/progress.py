"""A bar with an estimate, for what takes long; nothing at all where standard error is no terminal."""

from __future__ import annotations

import sys

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tsharness.report.console import console


class Bar:
    """Moves towards ``total`` of some unit."""

    def __init__(self, total: float, unit: str, color: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn(f"{{task.completed:.0f}}/{{task.total:.0f}} {unit}"),
            TimeRemainingColumn(),
            console=console(color, stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._total = total
        self._task = self._progress.add_task("starting", total=total)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def to(self, completed: float, description: str) -> None:
        """Where it is now."""
        self._progress.update(self._task, completed=min(completed, self._total), description=description)
