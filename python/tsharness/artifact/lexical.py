"""The text of serialized code, as far as LibTorch's lexer and Python's cut it into the same tokens.

Both lexers end lines, skip blanks, take prefixes of strings, escapes, numbers and "is not" by rules of their
own. torch writes only what both understand alike; a line that is anything else is not read."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

_NAME = r"(?<![A-Za-z0-9_])(?!(?:is not|not in)[A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_]*(?![A-Za-z0-9_])"
_NUMBER = r"(?<![A-Za-z0-9_.])[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?j?(?![A-Za-z0-9_.])"
_ESCAPE = r"""\\(?:[\\'"abfnvt]|[0-3][0-7][0-7])"""
_STRING = rf"""(?<![A-Za-z0-9_"'])(?:"(?:[^"\\]|{_ESCAPE})*"|'(?:[^'\\]|{_ESCAPE})*')"""
_SIGN = r"[-+*/%@()\[\]:,={}<>.&^|~]|!="
_LINE = re.compile(rf"(?:[ ]|{_NAME}|{_NUMBER}|{_STRING}|{_SIGN})*(?:#(?! type:).*)?")
"""A line: no tab, no backslash outside of a string, no string that goes on in the next line. There is one way
alone to match each of its characters: a line that does not fit is found out in one pass."""


_WORDS = ("async", "await", "except", "finally", "lambda", "nonlocal", "try", "yield")
"""Python keeps them for itself; for TorchScript they are names like any other: ``self.async``."""
_HAS_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b")
_TOKEN = re.compile(rf"{_STRING}|#.*|{_NAME}")


def for_python(lines: list[str]) -> tuple[list[str], Mapping[str, str]]:
    """The same lines, where what only Python keeps for itself has another name, as long as it, and what each
    of these names stands for. One that something else has already stands for nothing."""
    if not any(map(_HAS_WORD.search, lines)):
        return lines, {}
    taken = {token for line in lines for token in _TOKEN.findall(line)}
    names = {word: f"_{word[1:]}" for word in _WORDS if f"_{word[1:]}" not in taken}
    changed = [_TOKEN.sub(lambda token: names.get(token[0], token[0]), line) for line in lines]
    return changed, {name: word for word, name in names.items()}


def restore_names(tree: ast.AST, meant: Mapping[str, str]) -> None:
    """Gives what was parsed the names that the text has."""
    for node in ast.walk(tree) if meant else ():
        for field in ("id", "attr", "arg", "name"):
            name = getattr(node, field, None)
            if isinstance(name, str) and name in meant:
                setattr(node, field, meant[name])


def lines_of(data: bytes) -> list[str]:
    """The lines of a record, with their ends. Raises ValueError, which names the line, for text that two
    lexers could read in two ways."""
    text = data.decode()  # UnicodeDecodeError is a ValueError
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.isprintable() or not _LINE.fullmatch(line):
            raise ValueError(f"line {number} is not what torch writes: {line.strip()[:60]!r}")
    return [f"{line}\n" for line in lines[:-1]] + [lines[-1]] * bool(lines[-1])
