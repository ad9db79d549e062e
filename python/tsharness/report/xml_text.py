"""Text as XML can hold it."""

from __future__ import annotations

import re

from tsharness.printable import printable

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write."""


def legal(text: str) -> str:
    """With control characters escaped, and a mark in the place of what else XML cannot hold."""
    return _ILLEGAL.sub("\ufffd", printable(text))
