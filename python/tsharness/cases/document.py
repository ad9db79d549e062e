"""What the document of a case file must be, before anything believes it (docs/case-file.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsharness.cases.rules import rules_problem
from tsharness.printable import has_controls, one_line

_SHOWN = 80  # characters of a name that is refused
_KINDS: Mapping[type, str] = {str: "a text", list: "a list", dict: "an object"}


def check_document(document: Mapping[str, Any]) -> None:
    """Raises ValueError for another structure than that of cases, for two of one name, and for a name that
    would do more than name: control characters are obeyed by terminals, logs and whatever else shows it."""
    for key in ("signature", "provenance"):
        _typed(document, key, dict, "the document", needed=False)
    names: set[str] = set()
    for number, node in enumerate(_typed(document, "cases", list, "the document"), 1):
        if not isinstance(node, dict):
            raise ValueError(f"case {number} must be an object")
        name = _name(node, "name", f"case {number}")
        if name in names:
            raise ValueError(f"two cases have the same name, '{name}'")
        names.add(name)
        _check_case(node, f"case '{name}'")


def _check_case(node: Mapping[str, Any], where: str) -> None:
    for key in ("family", "origin", "device"):
        _name(node, key, where, needed=False)
    problem = rules_problem(_typed(node, "tolerance", dict, where, needed=False) or {})
    if problem:
        raise ValueError(f"{where}: 'tolerance': {problem}")
    calls = _typed(node, "calls", list, where)
    if not calls:
        raise ValueError(f"{where} has no call")
    for call in calls:
        _check_call(call, f"a call of {where}")


def _check_call(call: Any, where: str) -> None:
    if not isinstance(call, dict) or "outputs" not in call:
        raise ValueError(f"{where} needs method, args, kwargs and outputs")
    _name(call, "method", where)
    _typed(call, "args", list, where)
    for argument in _typed(call, "kwargs", dict, where):
        _plain(argument, f"{where}: argument")


def _name(node: Mapping[str, Any], key: str, where: str, *, needed: bool = True) -> str:
    return _plain(_typed(node, key, str, where, needed=needed) or "", f"{where}: '{key}'")


def _plain(name: str, where: str) -> str:
    if has_controls(name):
        shown = one_line(name)[:_SHOWN]
        raise ValueError(f"{where} holds control characters: '{shown}'; a name is one line of plain text")
    return name


def _typed(node: Mapping[str, Any], key: str, kind: type, where: str, *, needed: bool = True) -> Any:
    value = node.get(key)
    if value is None and not needed:
        return value
    if not isinstance(value, kind):
        raise ValueError(f"{where}: '{key}' must be {_KINDS[kind]}, not {value!r:.60}")
    return value
