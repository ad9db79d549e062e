"""What an entry of the catalogue is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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


_PLACEHOLDERS = {"op": "NAME", "do": "as the finding says", "tiny": "the smallest normal one"}


class _Unknown(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return _PLACEHOLDERS.get(name, name)


UNKNOWN: Mapping[str, str] = _Unknown()
"""What the names stand for where nothing was found."""


def filled(text: str, facts: Mapping[str, Any]) -> str:
    """With what the ``{names}`` in it stand for, each in its format if it is a number; other braces are
    TorchScript's."""

    def fill(found: re.Match[str]) -> str:
        value = facts[found[1]]
        return value if isinstance(value, str) else format(value, found[2] or "")

    return re.sub(r"\{(\w+)(?::(\w+))?\}", fill, text)
