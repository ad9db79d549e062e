"""``tsharness inspect``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsharness.cli.ahead import Ahead
from tsharness.cli.options import (
    AllowOps,
    Html,
    Json,
    Junit,
    Markdown,
    NoColor,
    Quiet,
    Sarif,
    Verbose,
    use_color,
)
from tsharness.cli.output import say
from tsharness.cli.results import Renderings, Results
from tsharness.errors import TsharnessError, UsageError

if TYPE_CHECKING:
    from tsharness.inspection.report import Inspection


def command(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Whatever is said to be a model.")],
    expect_sha256: Annotated[
        str | None, typer.Option("--expect-sha256", metavar="HASH", help="Fail if the file has another one.")
    ] = None,
    hashes: Annotated[bool, typer.Option("--hash/--no-hash", help="Whether to compute sha256.")] = True,
    code: Annotated[
        str | None, typer.Option("--code", metavar="METHOD", help="Print its TorchScript, with source lines.")
    ] = None,
    runners: Annotated[
        list[str],
        typer.Option("--runner", metavar="WHERE", help="A LibTorch (1.13.1) or a runner's path; repeatable."),
    ] = [],  # noqa: B006
    triton: Annotated[
        bool, typer.Option("--triton", help="Check Triton's contract; print a config.pbtxt.")
    ] = False,
    select: Annotated[
        list[str], typer.Option("--select", metavar="CODE", help="Only these findings, or that beginning.")
    ] = [],  # noqa: B006
    ignore: Annotated[
        list[str], typer.Option("--ignore", metavar="CODE", help="Not these findings, or that beginning.")
    ] = [],  # noqa: B006
    allow_ops: AllowOps = [],  # noqa: B006
    json_file: Json = None,
    junit: Junit = None,
    markdown: Markdown = None,
    html: Html = None,
    sarif: Sarif = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> None:
    """Say what a file is and what is wrong with it, from its bytes: nothing in it is executed.

    Exit codes: 0 nothing wrong, 1 damaged or not what was expected, 2 usage, 5 cannot be loaded, 7 dangerous.
    Of several files the worst counts.
    """
    from tsharness.inspection.api import InspectOptions

    if expect_sha256 is not None and len(files) > 1:
        raise UsageError("--expect-sha256 is of one file; name one")
    options = InspectOptions(
        expect_sha256,
        tuple(select),
        tuple(ignore),
        tuple(allow_ops),
        runners=tuple(runners),
        triton=triton,
        hashes=hashes,
    )
    results = Results(
        "inspect", Renderings(json=json_file, junit=junit, markdown=markdown, html=html, sarif=sarif)
    )
    run = _Run(options, context.obj, results, use_color(no_color), quiet, verbose)
    for file in files:
        if code is not None:
            run.code(file, code)
        else:
            run.inspect(file)
        if results.interrupted:
            break
    if results.interrupted:
        say(f"INCOMPLETE  interrupted after {results.done} of {len(files)} files", err=True)
    raise typer.Exit(results.finish())


class _Run:
    """The files of one command."""

    def __init__(
        self, options: Any, ahead: Ahead | None, results: Results, color: bool, quiet: bool, verbose: bool
    ) -> None:
        self._options, self._ahead, self._results = options, ahead, results
        self._color, self._quiet, self._verbose = color, quiet, verbose

    def inspect(self, file: Path) -> None:
        """An interrupt ends it; what was found in other files stays."""
        from tsharness.inspection.api import inspect_file

        hashes = self._options.hashes or self._options.expect_sha256 is not None
        begun = self._ahead.take_reading(file, hashes) if self._ahead else None
        try:
            report = self._results.attempt(
                file, lambda: inspect_file(file, self._options, _load_terminal, begun)
            )
        except KeyboardInterrupt:
            self._results.interrupted = True
            return
        if report is not None:
            self._print(report)

    def code(self, file: Path, method: str) -> None:
        """Prints a method of it."""
        from tsharness.inspection.show_code import code_lines

        try:
            for line in code_lines(file, method):
                say(line)
        except TsharnessError as error:
            self._results.fail(file, error)

    def _print(self, report: Inspection) -> None:
        from tsharness.report.console import console, print_lines
        from tsharness.report.draw import print_line
        from tsharness.report.inspect_terminal import print_inspection

        out = console(self._color, stderr=self._results.renderings.take_standard_output)
        if self._quiet:
            print_lines((report.triton or "").splitlines(), out)
            print_line(report, out)
            return
        if len(self._results.reports) > 1:
            out.print()
        print_inspection(report, out, self._verbose)


def _load_terminal() -> None:
    import tsharness.report.inspect_terminal  # noqa: F401
