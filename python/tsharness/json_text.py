"""JSON that nobody vouches for: what a file, a process or an archive says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from tsharness.errors import UsageError

MAX_DEPTH = 256
"""Deepest nesting of a document; the C++ reader has the same limit."""


def parse_json(text: str | bytes) -> Any:
    """Raises ValueError for what is not JSON: numbers that JSON lacks, those of more than 64 bits, halves of
    characters, a name that occurs twice in an object, and deeper nesting than ``MAX_DEPTH``."""
    try:
        document = json.loads(
            text, object_pairs_hook=_pairs, parse_constant=_no_constants, parse_int=_integer
        )
        _check_depth(document)
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from None
    _check_characters(text, document)
    return document


def read_document(path: Path, expected: str) -> dict[str, Any]:
    """The object that a file holds. Raises UsageError for what is none; ``expected`` says what it should
    be."""
    try:
        document = parse_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}; expected {expected}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path} holds no object; expected {expected}")
    return document


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(items)
    if len(result) != len(items):
        names = [name for name, _ in items]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"name {twice!r:.80} occurs twice")
    return result


def _no_constants(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int:
    value = int(digits)
    if not -(1 << 63) <= value < 1 << 64:
        raise ValueError("it holds a whole number of more than 64 bits")
    return value


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        inner: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                inner.extend(node.values())
            elif isinstance(node, list):
                inner.extend(node)
        if not inner:
            return
        level = inner
    raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _check_characters(text: str | bytes, document: Any) -> None:
    """Half of a surrogate pair, which only an escape can bring in, is no character: nothing can write it."""
    escape: Any = "\\u" if isinstance(text, str) else b"\\u"
    if escape not in text:
        return
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair") from None
