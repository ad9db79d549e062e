"""Text that anybody may have written, as it can be shown: names in a file are data from a stranger."""

from __future__ import annotations

import os
import re
import shlex

_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: they move the cursor, end lines, and begin terminal sequences
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional: they show text in another order
    "\u2028\u2029"  # they end a line for some readers
    "\ud800-\udfff]"  # half a character: nothing can write it
)
_COLONS = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
"""Begins a command of GitHub's, which skips blanks before it."""
_HASHES = re.compile(r"#(?=#\w*\[)")
"""Begins one of GitHub's older form, of Azure's or TeamCity's, wherever it stands in a line."""
QUOTE = "  | "
"""Stands before a line of somebody else's: no service takes it for a command, nobody for a verdict."""
_IN_QUOTES = frozenset(range(0x20, 0x7F)) - set(b"'\\")
_LONGEST = 900
"""Characters of a line of an error; it may quote a value of a file."""


def has_controls(text: str) -> bool:
    """Whether it holds a character that is not shown but obeyed."""
    return _CONTROLS.search(text) is not None


def one_line(text: str) -> str:
    """With each control character in the form that Python's literals have: a line stays one, a terminal
    obeys nothing, and every encoding can write it."""
    return _CONTROLS.sub(_escape, text)


def printable(text: str) -> str:
    """As ``one_line``, for text that has lines: ends of lines and tabs stay."""
    return _CONTROLS.sub(lambda found: found[0] if found[0] in "\n\t" else _escape(found), text)


def quoted(line: str) -> str:
    """Behind a mark that says that somebody else has written it."""
    return QUOTE + one_line(line)


def error_lines(error: object) -> list[str]:
    """What went wrong, for a log; lines after the first may be LibTorch's, or the model's, and are quoted."""
    first, *rest = str(error).split("\n")
    lines = (one_line(f"error: {first}"), *map(quoted, rest))
    return [without_commands(shortened(line)) for line in lines]


def shortened(line: str) -> str:
    """Without its end, if it is longer than anybody reads."""
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def shell_word(text: str) -> str:
    """One word of a command that is there to be copied, in a line that can be shown."""
    if not has_controls(text):
        return shlex.quote(text)
    data = os.fsencode(text)
    return "$'" + "".join(chr(byte) if byte in _IN_QUOTES else f"\\x{byte:02x}" for byte in data) + "'"


def without_commands(text: str) -> str:
    """For a log that a CI service may read: what would begin a command is escaped, as JSON would have it, and
    all else stays. GitLab's begin with an escape character, which no text has any more."""
    return _HASHES.sub(r"\\u0023", _COLONS.sub(r"\1\\u003a", text))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
