"""``tsharness init``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsharness.cli.output import say
from tsharness.errors import UsageError


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where the artifacts are, and the file will be.")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented suite file, tsharness.toml, from the artifacts in a folder."""
    from tsharness.atomic import atomic_write
    from tsharness.suite.read import NAME, read_suite
    from tsharness.suite.write import suite_text

    target = folder / NAME
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    if target.exists() and not force:
        raise UsageError(f"{target} is there already; --force replaces it")
    text = suite_text(folder.resolve())
    atomic_write(target, text.encode())
    count = len(read_suite(target.resolve()).entries("verify"))
    say(f"{target} written, for {count} artifacts; next: tsharness verify")
