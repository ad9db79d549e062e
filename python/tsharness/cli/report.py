"""``tsharness report``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsharness.cli.options import Html, Json, Junit, Markdown, NoColor, Quiet, Sarif, Verbose, use_color
from tsharness.cli.output import say_error


def command(
    files: Annotated[list[Path], typer.Argument(metavar="RUN.json...", help="What --json has written.")],
    json_file: Json = None,
    junit: Junit = None,
    markdown: Markdown = None,
    html: Html = None,
    sarif: Sarif = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> None:
    """Render stored reports again: on the terminal, and as files of other formats. Several become one.
    What a bundle has written on its host (results.json) is judged first.

    Exit code: that of the reports, the worst.
    """
    from tsharness.bundling.replay import read_report
    from tsharness.cli.results import Renderings
    from tsharness.report.console import console
    from tsharness.report.document import joined
    from tsharness.report.draw import print_report

    renderings = Renderings(json=json_file, junit=junit, markdown=markdown, html=html, sarif=sarif)
    run = joined([read_report(file) for file in files])
    out = console(use_color(no_color), stderr=renderings.take_standard_output)
    for number, report in enumerate(run.reports):
        if number and not quiet:
            out.print()
        print_report(report, out, quiet=quiet, verbose=verbose)
    for problem in run.errors:
        say_error(problem.message)
    renderings.write(run)
    raise typer.Exit(run.exit_code)
