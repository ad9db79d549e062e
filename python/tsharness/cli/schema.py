"""``tsharness schema``"""

from __future__ import annotations

from typing import Annotated

import typer

from tsharness.cli.output import write_json
from tsharness.errors import UsageError


def command(
    what: Annotated[
        str, typer.Argument(metavar="[WHAT]", help="report (what --json writes), or suite (tsharness.toml).")
    ] = "report",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to; '-' for standard output.")
    ] = "-",
) -> None:
    """Print a JSON Schema: of the reports that --json writes, or of the suite file, for editors."""
    from tsharness.report.schemas import SCHEMAS

    if what not in SCHEMAS:
        raise UsageError(f"no schema '{what}'; there is: {', '.join(SCHEMAS)}")
    write_json(SCHEMAS[what](), output)
