"""Dims of an artifact's inputs, by the names that a sweep has for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tsharness.errors import UsageError
from tsharness.verification.plan import Plan

BATCH = "batch"
"""The first dim of every tensor argument that has as many rows as the first one."""
_PLACE = re.compile(r"(?P<argument>[A-Za-z_]\w*)\[(?P<dim>\d+)\]")


def is_dim(plan: Plan, name: str) -> bool:
    """Whether a parameter of that name is a dim: "batch", a symbol of the signature ("N"), or an argument's
    dim ("x[0]")."""
    return name == BATCH or bool(_PLACE.fullmatch(name)) or name in _symbols(plan)


def resizing(plan: Plan, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For a step, the sizes of the dims that are named. Raises UsageError for a size that is none, and for an
    argument that there is not."""
    found = []
    for name, size in values.items():
        if not is_dim(plan, name):
            continue
        if not isinstance(size, int) or size < 1:
            raise UsageError(f"{name}={size}: the size of a dim is a number of at least 1")
        match = _PLACE.fullmatch(name)
        there = _arguments(plan)
        if match and there and match["argument"] not in there:
            raise UsageError(f"{name}: no argument '{match['argument']}'; it has: {', '.join(there)}")
        places = [[match["argument"], int(match["dim"])]] if match else _symbols(plan).get(name, BATCH)
        found.append({"dims": places, "size": size})
    return found


def _arguments(plan: Plan) -> list[str]:
    """Names of the first method's arguments, as far as the signature tells."""
    methods = [method for method in plan.document.signature.values() if isinstance(method, Mapping)]
    stated = methods[0].get("arguments", ()) if methods else ()
    return list(dict.fromkeys(str(one["name"]).partition("[")[0] for one in stated))


def _symbols(plan: Plan) -> dict[str, list[list[Any]]]:
    """Arguments' dims by the name that the signature gives them."""
    found: dict[str, list[list[Any]]] = {}
    methods = [method for method in plan.document.signature.values() if isinstance(method, Mapping)]
    for argument in methods[0].get("arguments", ()) if methods else ():
        for dim, size in enumerate(argument.get("dims") or ()):
            if isinstance(size, str) and "[" not in argument["name"]:
                found.setdefault(size, []).append([argument["name"], dim])
    return found
