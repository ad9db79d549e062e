"""What a TorchScript file takes and holds, besides what its cases show: what may replace it must, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsharness.artifact.archive import users_extra_files
from tsharness.cases.dims import parse_dynamic
from tsharness.cases.safetensors_file import Location
from tsharness.errors import UsageError
from tsharness.report.model import from_dict
from tsharness.runner.cage import SCRATCH_BYTES, Sandbox, parse_sandbox
from tsharness.runner.python_process import run_python
from tsharness.runner.reach import Reach

if TYPE_CHECKING:
    from tsharness.migration.options import MigrateOptions

FAMILY = "tried"
"""The family of cases that were made by trying what the old file takes."""
_LIVES = 8
"""Processes that may die of what they try."""


@dataclass(frozen=True)
class Free:
    """Something that the old file takes in another way than its cases have it."""

    dim: str
    """In words: "x dim 0", "x dim 0, y dim 0", "k"."""
    cases: tuple[str, ...]
    """That try it."""


@dataclass(frozen=True)
class Domain:
    """Of an old file."""

    methods: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    """Methods that cases call."""
    extra_files: tuple[str, ...] = ()
    free: tuple[Free, ...] = ()
    fixed: tuple[str, ...] = ()
    """Dims that it takes at other sizes, and that the user has declared fixed."""
    untried: tuple[str, ...] = ()
    """What ended the process in which it was tried."""
    unknown: str = ""
    """Why it could not be tried; empty if it was."""


def explore(script: Path, cases: Location, output: Path, options: MigrateOptions) -> Domain:
    """Calls the old file with other sizes and values, and writes those that it took to ``output`` as cases.
    What ends the process is left out, and told. Raises UsageError for a name that no input has."""
    extra = tuple(sorted(users_extra_files(script)))
    message = {
        "script": str(script.absolute()),
        "cases": [str(cases.path.absolute()), cases.offset, cases.size],
        "libraries": [str(path.absolute()) for path in options.libraries],
        "fixed": declared_fixed(options.dynamic, options.fixed),
        "output": str(output.absolute()),
    }
    reach = _reach(message, script, parse_sandbox(options.sandbox))
    skip: list[str] = []
    problem = ""
    last: list[str] = []

    def hear(line: Mapping[str, Any]) -> None:
        last.extend(filter(None, [line.get("doing")]))

    for _ in range(_LIVES):
        last.clear()
        ended = run_python(
            "tsharness.migration.converting.domain_process",
            {**message, "skip": skip},
            reach,
            options.timeout,
            hear,
        )
        if "domain" in ended.answer:
            return replace(from_dict(Domain, ended.answer["domain"]), extra_files=extra)
        error = ended.answer.get("error", {})
        if error.get("kind") == "usage":
            raise UsageError(f"--fixed or --dynamic: {error['message']}")
        problem = error.get("message", ended.problem)
        if "error" in ended.answer or not last or last[-1] in skip:
            break
        skip.append(last[-1])
    return Domain(extra_files=extra, untried=tuple(skip), unknown=problem or "it ended without a word")


def declared_fixed(dynamic: Sequence[str], fixed: Sequence[str]) -> dict[str, list[int] | None]:
    """By the name of an input, the dims that the user says never change; ``None``: all of them, or its value.
    Those that ``--dynamic`` gives a star, and those of inputs that ``--fixed`` names. Raises UsageError."""
    found: dict[str, list[int] | None] = {}
    parsed = parse_dynamic(dynamic) if dynamic else {}
    for text in dynamic:
        name, _, dims = text.partition("=")
        found[name] = [i for i in range(dims.count(",") + 1) if i not in parsed[name]]
    return {**found, **dict.fromkeys(fixed)}


def _reach(message: Mapping[str, Any], script: Path, sandbox: Sandbox) -> Reach:
    libraries = [Path(library).parent for library in message["libraries"]]
    return Reach(
        sandbox,
        (script, Path(message["cases"][0]), *libraries),
        (Path(message["output"]).parent,),
        (),
        room=SCRATCH_BYTES + 4 * script.stat().st_size,
    )
