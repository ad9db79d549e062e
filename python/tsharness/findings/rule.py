"""What an entry of the catalogue is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One kind of finding. ``why`` and ``do`` may hold ``{names}`` that the finding fills in."""

    code: str
    severity: str
    """"error", "warning" or "note"."""
    title: str
    why: str
    do: str
    pattern: str = ""
    """For a scripting error: the regular expression that torch's message matches."""
