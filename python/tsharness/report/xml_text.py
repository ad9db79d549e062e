"""Text as XML can hold it."""

from __future__ import annotations

import re

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write."""


def legal(text: str) -> str:
    """With a mark in the place of each character that XML cannot hold."""
    return _ILLEGAL.sub("\ufffd", text)
