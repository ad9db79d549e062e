"""The LibTorches that an artifact is to run on, as users name them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tsharness.errors import UsageError
from tsharness.inspection.operators import Registry, known_registries, registry_from

_SECONDS = 60  # for a runner to list its operators


def registries_of(names: Sequence[str]) -> tuple[Registry, ...]:
    """Known ones by their versions ("1.13.1"), built ones by their names, others by the path of their runner,
    which is asked. The newest known one for no name. Raises UsageError."""
    if not names:
        return known_registries()[-1:]
    known = {registry.libtorch: registry for registry in known_registries()}
    return tuple(known[name] if name in known else _built_or_asked(name, list(known)) for name in names)


def _built_or_asked(name: str, known: Sequence[str]) -> Registry:
    from tsharness.runners.store import REGISTRY, built_runners

    built = {one.name: one for one in built_runners()}
    if name in built:
        operators = json.loads((built[name].folder / REGISTRY).read_text())
        return registry_from(built[name].libtorch, operators)
    if not Path(name).is_file():
        there = ", ".join([*known, *built])
        raise UsageError(f"--runner {name}: no such runner, and no LibTorch that is known: {there}")
    return registry_from(*ask_runner(Path(name)))


def ask_runner(runner: Path) -> tuple[str, dict[str, list[list[Any]]]]:
    """Its LibTorch, and its operators as ``registry_from`` reads them. Raises UsageError."""
    operators, hello = (_answer(runner, option) for option in ("--operators", "--describe"))
    found: dict[str, list[list[Any]]] = {}
    for one in sorted(operators, key=lambda one: (one["name"], one["overload"])):
        found.setdefault(one["name"], []).append([one["overload"], one["required"], *one["arguments"]])
    return str(hello["libtorch"]).partition("+")[0], found


def _answer(runner: Path, option: str) -> Any:
    try:
        done = subprocess.run(
            [runner.absolute(), option], capture_output=True, text=True, check=True, timeout=_SECONDS
        )
        return json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UsageError(f"--runner {runner} did not list its operators: {error}") from None
