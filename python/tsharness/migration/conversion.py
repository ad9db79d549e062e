"""Has a process convert, and hears of what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsharness.errors import ArtifactError, RunnerCrash, UsageError
from tsharness.migration.compilers import compilers_for, headers_for
from tsharness.migration.options import is_script
from tsharness.migration.stage import Conversion
from tsharness.report.model import from_dict
from tsharness.runner.cage import SCRATCH_BYTES, Sandbox
from tsharness.runner.python_process import run_python
from tsharness.runner.reach import Reach

Say = Callable[[str], None]
_STAGES = 8
"""That may take as long as the timeout says, each."""
_FORMS = 16
"""Of the artifact, that there is room for: programs, generated code, libraries."""


def convert(message: Mapping[str, Any], timeout: float, sandbox: Sandbox, say: Say) -> Conversion:
    """What the process found, in the cage if it is an artifact that is converted. Raises UsageError or
    ArtifactError as it says, RunnerCrash if it died or took longer than ``timeout`` seconds for each stage,
    EnvironmentProblem without a cage that must be whole."""
    source = message["source"]
    owns = not is_script(source)

    def hear(line: Mapping[str, Any]) -> None:
        if "doing" in line:
            say(line["doing"])

    ended = run_python(
        "tsharness.migration.converting.process",
        {**message, "folder": str(Path.cwd())} if owns else message,
        None if owns else _reach(message, sandbox),
        _STAGES * timeout,
        hear,
    )
    answer = ended.answer
    if "conversion" in answer:
        uncaged = "none, it is your own code" if owns else "; ".join(ended.missing)
        return replace(from_dict(Conversion, answer["conversion"]), uncaged=uncaged)
    if "error" in answer:
        kind = UsageError if answer["error"]["kind"] == "usage" else ArtifactError
        raise kind(f"{source}: {answer['error']['message']}")
    raise RunnerCrash(
        f"{source}: the converting process died, or took longer than {timeout:g} s a stage: {ended.problem}"
    )


def _reach(message: Mapping[str, Any], sandbox: Sandbox) -> Reach:
    source, output = Path(message["source"]), Path(message["output"])
    read = [source, *(Path(message[name]) for name in ("script", "tried") if message[name])]
    read += [Path(message["cases"][0]), *(Path(library).parent for library in message["libraries"])]
    return Reach(
        sandbox,
        (*read, *headers_for(message["to"])),
        (output.parent,),
        compilers_for(message["to"]),
        room=SCRATCH_BYTES + _FORMS * source.stat().st_size,
    )
