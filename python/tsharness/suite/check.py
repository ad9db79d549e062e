"""Holds what a file says against the dataclasses that describe it."""

from __future__ import annotations

import dataclasses
import difflib
import types
from collections.abc import Iterable, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from tsharness.errors import UsageError

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def check(value: Any, hint: Any, where: str) -> None:
    """Raises UsageError for a key that there is not, with the one that was probably meant, for one that is
    missing, and for a value of another type."""
    choices = [one for one in _choices(hint) if one is not type(None)]
    for choice in choices:
        if dataclasses.is_dataclass(choice):
            _check_table(value, choice, where)
            return
    if len(choices) == 1 and get_origin(choices[0]) in (tuple, Mapping) and _has_tables(choices[0]):
        _check_each(value, choices[0], where)
        return
    if not any(_fits(value, choice) for choice in choices):
        expected = " or ".join(dict.fromkeys(map(_words, choices)))
        raise UsageError(f"{where} = {value!r:.80}: expected {expected}")


def known(name: str, names: Iterable[str], where: str) -> None:
    """Raises UsageError unless the name is one of them."""
    there = list(names)
    if name not in there:
        near = difflib.get_close_matches(name, there, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(there) or 'none'}"
        raise UsageError(f"{where}: no '{name}'; {hint}")


def _check_table(table: Any, cls: Any, where: str) -> None:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: expected a table, got {table!r:.80}")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in table:
        known(key, fields, where)
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in table:
            raise UsageError(f"{where}: '{name}' is missing")
    hints = get_type_hints(cls)
    for key, value in table.items():
        check(value, hints[key], f"{where}: {key}")


def _check_each(value: Any, hint: Any, where: str) -> None:
    """Tables in a list, or by name."""
    origin, arguments = get_origin(hint), get_args(hint)
    wanted: type = list if origin is tuple else dict
    if not isinstance(value, (list, dict)) or not isinstance(value, wanted):
        what = "tables, [[...]]" if wanted is list else "a table"
        raise UsageError(f"{where}: expected {what}, got {value!r:.80}")
    named: dict[Any, Any] = value if isinstance(value, dict) else dict(enumerate(value, 1))
    for name, one in named.items():
        check(one, arguments[0] if origin is tuple else arguments[1], f"{where} {name}")


def _has_tables(hint: Any) -> bool:
    return any(dataclasses.is_dataclass(one) for one in get_args(hint))


def _choices(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin is tuple:
        return isinstance(value, list) and all(_fits(one, arguments[0]) for one in value)
    if origin is Mapping:
        return isinstance(value, dict) and all(_fits(one, arguments[1]) for one in value.values())
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _words(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return "a list"
    return "a table" if get_origin(hint) is Mapping else _WORDS[hint]
