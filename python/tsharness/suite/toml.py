"""TOML that somebody has written by hand: what it holds, and where."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from tsharness.errors import UsageError

_DEEPEST = 64
"""Brackets inside brackets, parts of a dotted key, folders of a path; a suite file needs three."""
_DOTTED = re.compile(rf"[\w-]+(?:\s*\.\s*[\w-]+){{{_DEEPEST},}}")


def read_toml(file: Path) -> tuple[str, dict[str, Any]]:
    """Its text, and what it says. Raises UsageError with the line."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8: {error.reason} at byte {error.start}") from None
    deep = _too_deep(text)
    if deep:
        raise UsageError(f"{file}:{deep}: brackets or keys inside each other, deeper than {_DEEPEST} levels")
    try:
        return text, dict(tomllib.loads(text))
    except ValueError as error:  # besides TOML's own: a number of more digits than Python reads
        raise UsageError(f"{file}: {error}") from None


def own_table(project: Mapping[str, Any]) -> dict[str, Any]:
    """[tool.tsharness] of a pyproject.toml; empty if it has none."""
    tool = project.get("tool")
    table = tool.get("tsharness") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else {}


def toml_text(text: str) -> str:
    """As TOML writes a text: JSON's escapes, and one for DEL, which JSON takes as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def line_of(text: str, number: int, key: str) -> str:
    """ ":7", where an artifact of the file says the key; empty if it is not found."""
    tables = list(re.finditer(r"^\s*\[\[\s*(?:tool\.tsharness\.)?artifacts\s*\]\]", text, re.MULTILINE))
    if number > len(tables):  # artifacts = [{path = ...}, ...]
        inline = list(re.finditer(rf"[{{,]\s*{key}\s*=", text))
        return f":{text.count(chr(10), 0, inline[number - 1].end()) + 1}" if number <= len(inline) else ""
    after = tables[number - 1].end()
    found = re.compile(rf"^\s*{key}\s*=", re.MULTILINE).search(text, after)
    return f":{text.count(chr(10), 0, found.end()) + 1}" if found else ""


def wrong_pattern(pattern: str) -> str:
    """Why no file can be found by it; empty if one can."""
    if not pattern or "\0" in pattern:
        return "expected a file or a glob"
    if PurePath(pattern).is_absolute():
        return "expected a path relative to the suite file"
    if len(PurePath(pattern).parts) > _DEEPEST:
        return f"more than {_DEEPEST} folders inside each other"
    if any("**" in part and part != "**" for part in PurePath(pattern).parts):
        return "** stands for folders, and can only be a whole part of a path"
    return "" if PurePath(pattern).parts else "expected a file or a glob"


def _too_deep(text: str) -> int:
    """The line in which brackets nest too deeply, or a key has too many parts; 0 if none do. Python's readers
    of TOML would recurse, or whatever reads what they give."""
    plain = re.sub(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', "_", text)
    dotted = _DOTTED.search(plain)
    if dotted:
        return plain.count("\n", 0, dotted.start()) + 1
    depth, line = 0, 1
    for character in plain:
        line += character == "\n"
        depth = max(0, depth + (character in "[{") - (character in "]}"))
        if depth > _DEEPEST:
            return line
    return 0
