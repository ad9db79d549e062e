"""``tsharness``: the commands."""

from __future__ import annotations

from typing import Annotated

import typer

from tsharness import __version__
from tsharness.cli import (
    bench,
    bundle,
    compare,
    diff_input,
    explain,
    export,
    history,
    init,
    inspect,
    migrate,
    pack,
    report,
    repro,
    runner,
    schema,
    verify,
)
from tsharness.cli.output import say

app = typer.Typer(
    name="tsharness",
    help="Prove that a TorchScript artifact computes in C++ what its Python model computed.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help starts twice as fast
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        say(f"tsharness {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Prove that a TorchScript artifact computes in C++ what its Python model computed."""


app.command("export")(export.command)
app.command("verify")(verify.command)
app.command("pack")(pack.command)
app.command("inspect")(inspect.command)
app.command("bench")(bench.command)
app.command("compare")(compare.command)
app.command("migrate")(migrate.command)
app.command("init")(init.command)
app.command("report")(report.command)
app.command("history")(history.command)
app.command("bundle")(bundle.command)
app.add_typer(runner.app, name="runner")
app.command("diff-input")(diff_input.command)
app.command("repro")(repro.command)
app.command("explain")(explain.command)
app.command("schema")(schema.command)
