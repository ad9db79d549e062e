"""What there is, in rows."""

from __future__ import annotations

import json
from typing import Any

from tsharness.errors import TsharnessError
from tsharness.inspection.runners import ask_runner
from tsharness.runner.find import find_runner
from tsharness.runners.resolve import describe, runner_named
from tsharness.runners.store import INSTALLED, REGISTRY, built_runners, store_folder


def all_runners() -> list[dict[str, Any]]:
    """The installed one and those of the store; each is started once, to see whether it does."""
    found = [_installed()]
    for one in built_runners():
        facts = {
            "name": one.name,
            "libtorch": one.libtorch,
            "abi": _abi(one.cxx11_abi),
            "path": str(one.path),
        }
        told = {"devices": ", ".join(one.devices), "cpu": one.cpu_capability}
        found.append({**facts, **told, "health": _health(one.name)})
    return found


def _installed() -> dict[str, Any]:
    try:
        runner = find_runner()
        hello = describe(runner.path)
    except TsharnessError as error:
        nothing = dict.fromkeys(("libtorch", "abi", "devices", "cpu", "path"), "")
        return {"name": INSTALLED, **nothing, "health": str(error).splitlines()[0]}
    return {
        "name": INSTALLED,
        "libtorch": hello["libtorch"],
        "abi": _abi(bool(hello["build"]["cxx11_abi"])),
        "path": str(runner.path),
        "devices": ", ".join(hello["devices"]),
        "cpu": hello["cpu_capability"],
        "health": "good",
    }


def _health(name: str) -> str:
    try:
        describe(runner_named(name).path)
    except TsharnessError as error:
        return str(error).splitlines()[0]
    return "good"


def _abi(new: bool) -> str:
    return "C++11" if new else "old"


def described(name: str) -> dict[str, Any]:
    """Its hello, and its operators by name. Raises UsageError for an unknown one, EnvironmentProblem for one
    that does not start."""
    runner = runner_named(name)
    kept = store_folder() / name / REGISTRY
    operators = json.loads(kept.read_text()) if kept.is_file() else ask_runner(runner.path)[1]
    return {"runner": {"path": str(runner.path), **describe(runner.path)}, "operators": operators}
