"""``tsharness runner``: LibTorch builds to verify against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsharness.cli.options import Json, NoColor, use_color
from tsharness.cli.output import say, write_json
from tsharness.errors import UsageError

app = typer.Typer(help="LibTorch builds to verify against.", no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="As in `tsharness runner list`.")]


@app.command("build")
def build(
    libtorch: Annotated[
        Path | None,
        typer.Option(
            "--libtorch", metavar="DIR", help="With include/ and lib/: an unzipped LibTorch, a wheel's, /usr."
        ),
    ] = None,
    executorch: Annotated[
        bool, typer.Option("--executorch", help="Instead: for ExecuTorch programs (.pte).")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it. [default: libtorch-VERSION]")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Build it anew, even if nothing has changed.")
    ] = False,
    no_color: NoColor = False,
) -> None:
    """Build a runner against a LibTorch, from 1.13 on, or the one that runs ExecuTorch programs. The same
    sources and LibTorch are built once.

    Exit codes: 0, 2 if that is no LibTorch, 8 without a compiler, or if the build fails.
    """
    from tsharness.report.progress import Bar
    from tsharness.runners.build import build_runner
    from tsharness.runners.build_executorch import build_executorch_runner

    if (libtorch is None) != executorch or (executorch and name is not None):
        raise UsageError("state --libtorch DIR (and --name, if you like), or --executorch alone")
    with Bar(1, "files", use_color(no_color)) as bar:

        def tell(done: int, of: int, what: str) -> None:
            bar.to(done, what, of)

        if libtorch is None:
            built = build_executorch_runner(tell, force=force)
        else:
            built = build_runner(libtorch, name, tell, force=force)
    say(f"{built.name}: LibTorch {built.libtorch}, {built.path}")
    option = "" if executorch else f" --runner {built.name}"
    say(f"next: tsharness verify model.{'pte' if executorch else 'pt'}{option}")


@app.command("list")
def list_runners(json_file: Json = None, no_color: NoColor = False) -> None:
    """Say which runners there are, and whether each starts."""
    from tsharness.report.console import console
    from tsharness.report.draw_table import draw_table
    from tsharness.report.outline import Table
    from tsharness.runners.listing import all_runners

    found = all_runners()
    if json_file is not None:
        write_json({"runners": found}, json_file)
    columns = ("name", "LibTorch", "ABI", "devices", "CPU", "health", "path")
    rows = tuple(
        tuple(str(one[key]) for key in ("name", "libtorch", "abi", "devices", "cpu", "health", "path"))
        for one in found
    )
    console(use_color(no_color), stderr=json_file == "-").print(
        draw_table(Table("Runners", columns, rows, columns))
    )


@app.command("describe")
def describe(name: Name, json_file: Json = None) -> None:
    """Print what a runner is, and its operators with their schemas (--json)."""
    from tsharness.runners.listing import described

    found = described(name)
    if json_file is not None:
        write_json(found, json_file)
    else:
        for key, value in found["runner"].items():
            say(f"{key:<16}  {value}")
        say(f"{'operators':<16}  {len(found['operators'])} (--json has them)")


@app.command("remove")
def remove_runner(name: Name) -> None:
    """Delete a runner that was built."""
    from tsharness.runners.store import remove

    remove(name)
    say(f"{name} removed")


@app.command("prefix")
def prefix() -> None:
    """Print where CMake finds the C++ library: -DCMAKE_PREFIX_PATH="$(tsharness runner prefix)"."""
    from tsharness.runners.build import cmake_prefix

    say(str(cmake_prefix()))
