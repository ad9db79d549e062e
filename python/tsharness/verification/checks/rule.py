"""What a check is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from tsharness.errors import UsageError
from tsharness.report.model import Check

if TYPE_CHECKING:
    from tsharness.verification.checks.context import Context


class Level(IntEnum):
    """How much is checked; each level has all of the one before it."""

    QUICK = 1
    """What the calls of the cases themselves show."""
    STANDARD = 2
    FULL = 3


def parse_level(text: str) -> Level:
    """Raises UsageError."""
    try:
        return Level[text.upper()]
    except KeyError:
        raise UsageError(f"level '{text}': expected quick, standard or full") from None


@dataclass(frozen=True)
class Request:
    """A step that a check wants a runner to do; those of one environment share a process."""

    step: Mapping[str, Any]
    """With an "id", under which its outcome is found."""
    environment: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None
    """Another than the options'."""

    @property
    def id(self) -> str:
        return str(self.step["id"])


def no_requests(_: Context) -> Sequence[Request]:
    return ()


@dataclass(frozen=True)
class CheckRule:
    """One named verification."""

    id: str
    proves: str
    """What a pass means, in one sentence."""
    cost: str
    """In passes over the cases, and processes."""
    level: Level
    pains: tuple[int, ...]
    """Rows of the list of what fails for users that it covers."""
    judge: Callable[[Context], Check]
    needs_passing: bool = True
    """Whether its requests make sense only with cases that pass."""
    do: str = ""
    """What to do when it fails; empty where the lines of the cases say it."""
    requests: Callable[[Context], Sequence[Request]] = no_requests
    passes: float = 0.0
    """What its requests take, in passes over the cases, and besides that in ``seconds``: an estimate."""
    seconds: float = 0.0
    other_sizes: bool = False
    """Whether it calls with sizes that no case has, and that the artifact may not take."""
