"""How a command's options say what is varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tsharness.errors import UsageError
from tsharness.json_text import parse_json


def parse_value(text: str) -> Any:
    """A number, ``true``, ``false`` or ``null`` as JSON has them; else the text."""
    try:
        return parse_json(text)
    except ValueError:
        return text


def parse_sweeps(option: str, texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """``threads=1,2,4``, ``grad_mode=no_grad,inference``. Raises UsageError."""
    found: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        if not name or not values or name in found:
            raise UsageError(
                f"{option} '{text}': expected NAME=VALUE,VALUE once a name, such as threads=1,2,4"
            )
        found[name] = parse_values(option, values)
    return found


def parse_values(option: str, text: str) -> tuple[Any, ...]:
    """``1,2,4``. Raises UsageError."""
    values = tuple(parse_value(part.strip()) for part in text.split(","))
    if "" in values:
        raise UsageError(f"{option} '{text}': expected VALUE,VALUE")
    return values


def own_parameters(
    scenario: str, parameters: Sequence[str], stated: Mapping[str, str | None]
) -> dict[str, Any]:
    """Values of the options that are parameters of a scenario. Raises UsageError for one of another one."""
    found = {}
    for name, text in stated.items():
        if text is None:
            continue
        if name not in parameters:
            raise UsageError(
                f"--{name} is no parameter of the scenario {scenario}; it has: {_listed(parameters)}"
            )
        found[name] = parse_values(f"--{name}", text)
    return found


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"--{name}" for name in names) or "none"
