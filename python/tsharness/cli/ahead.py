"""What can begin before the command line is read: importing what reads it takes its time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsharness.errors import TsharnessError

if TYPE_CHECKING:
    from tsharness.artifact.reading import Reading
    from tsharness.runner.launch import Launcher

_FLAGS = ("--hash", "--no-hash", "--triton", "--quiet", "-q", "--verbose", "--no-color", "--")
"""Options of ``inspect`` behind which no value stands."""

_OTHERWISE = {"--help", "--runner", "--cpu-capability", "--host"}
"""Options of ``verify`` with which the process would not be the one that is needed."""


@dataclass
class Ahead:
    """What has begun."""

    launcher: Launcher | None = None
    """With a runner that loads its libraries, for ``verify``."""
    reading: tuple[Path, Reading] | None = None
    """Of the first file, for ``inspect``."""

    def take_reading(self, path: Path, hashes: bool) -> Reading | None:
        """The reading of that file, if it is what was asked for."""
        if self.reading is None or self.reading[0] != path or self.reading[1].hashes != hashes:
            return None
        taken, self.reading = self.reading[1], None
        return taken

    def close(self) -> None:
        """Ends what nobody has taken."""
        if self.launcher is not None:
            self.launcher.close()
        if self.reading is not None:
            self.reading[1].close()


def begin(arguments: Sequence[str]) -> Ahead:
    """Begins what the command will surely need. What goes wrong here goes wrong again when the command does
    it, and is told then."""
    try:
        if arguments[:1] == ["verify"] and len(arguments) > 1 and not _OTHERWISE & set(arguments):
            return Ahead(launcher=_runner())
        if arguments[:1] == ["inspect"] and "--code" not in arguments:
            return Ahead(reading=_reading(arguments))
    except TsharnessError:
        pass
    return Ahead()


def _runner() -> Launcher:
    from tsharness.runner.find import find_runner
    from tsharness.runner.launch import Launcher

    launcher = Launcher(find_runner())
    launcher.start_ahead()
    return launcher


def _reading(arguments: Sequence[str]) -> tuple[Path, Reading] | None:
    from tsharness.artifact.reading import Reading

    for before, argument in itertools.pairwise(arguments):
        is_value = before.startswith("-") and before not in _FLAGS
        if not argument.startswith("-") and not is_value and Path(argument).is_file():
            return Path(argument), Reading(Path(argument), "--no-hash" not in arguments)
    return None
