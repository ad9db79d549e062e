"""A method's TorchScript, with the lines that it was made from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tsharness.artifact.code import Function
from tsharness.artifact.script_archive import ScriptArchive, read_archive
from tsharness.errors import UsageError


def code_lines(path: Path, method: str) -> Iterator[str]:
    """The code of a method of the saved module ("forward"), or of a function by its whole name. Raises
    UsageError that lists what there is, ArtifactError."""
    archive = read_archive(path)
    function = _find(archive, method)
    text = ast.unparse(function.body)
    places = _places(archive, function, text)
    lines = text.splitlines()
    width = max(len(line) for line in lines)
    previous = ""
    for number, line in enumerate(lines, 1):
        place = places.get(number, "")
        shown = f"  # {place}" if place and place != previous else ""
        previous = place or previous
        yield f"{line:<{width}}{shown}".rstrip()


def _find(archive: ScriptArchive, method: str) -> Function:
    functions = archive.code.functions
    for name in (f"{archive.root}.{method}", method, f"__torch__.{method}"):
        if name in functions:
            return functions[name]
    own = archive.methods()
    known = f"{', '.join(own) or 'none'} (and {len(functions) - len(own)} in its submodules)"
    raise UsageError(f"no method '{method}'; the module has: {known}")


def _places(archive: ScriptArchive, function: Function, text: str) -> dict[int, str]:
    """By line of the text, the source of the first call on it."""
    found: dict[int, str] = {}
    for shown, original in zip(ast.walk(ast.parse(text).body[0]), ast.walk(function.body), strict=True):
        if isinstance(shown, ast.Call):
            source = archive.source(function.record, function.position(original)[1])
            if source is not None:
                found.setdefault(shown.lineno, str(source))
    return found
