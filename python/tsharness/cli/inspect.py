"""``tsharness inspect``"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tsharness.cli.ahead import Ahead
from tsharness.cli.interrupts import INTERRUPTED
from tsharness.cli.options import AllowOps, Json, NoColor, Quiet, Verbose, use_color
from tsharness.cli.output import write_json
from tsharness.errors import TsharnessError, UsageError
from tsharness.verdict import worst


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
    sarif: Annotated[
        str | None, typer.Option("--sarif", metavar="FILE", help="Findings for code-hosting sites.")
    ] = None,
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
    run = _Run(options, context.obj, use_color(no_color), quiet, verbose, "-" in (json_file, sarif))
    for file in files:
        if code is not None:
            run.code(file, code)
        else:
            run.inspect(file)
        if run.interrupted:
            break
    run.write(json_file, sarif)
    if run.interrupted:
        typer.echo(f"INCOMPLETE  interrupted after {run.done} of {len(files)} files", err=True)
    raise typer.Exit(INTERRUPTED if run.interrupted else run.exit_code)


class _Run:
    """The files of one command."""

    def __init__(
        self, options: Any, ahead: Ahead | None, color: bool, quiet: bool, verbose: bool, silent: bool
    ) -> None:
        self._options, self._ahead = options, ahead
        self._color, self._quiet, self._verbose, self._silent = color, quiet, verbose, silent
        self._reports: list[Any] = []
        self._errors: list[dict[str, Any]] = []
        self.interrupted = False

    @property
    def done(self) -> int:
        """Files of which something is known."""
        return len(self._reports) + len(self._errors)

    @property
    def exit_code(self) -> int:
        """The worst."""
        codes = [report.exit_code for report in self._reports]
        return worst([*codes, *(error["exit_code"] for error in self._errors)])

    def inspect(self, file: Path) -> None:
        """An interrupt ends it; what was found in other files stays."""
        from tsharness.inspection.api import inspect_file

        hashes = self._options.hashes or self._options.expect_sha256 is not None
        with self._telling(file):
            begun = self._ahead.take_reading(file, hashes) if self._ahead else None
            self._reports.append(inspect_file(file, self._options, _load_terminal, begun))
            self._print()

    def code(self, file: Path, method: str) -> None:
        """Prints a method of it."""
        from tsharness.inspection.show_code import code_lines

        with self._telling(file):
            for line in code_lines(file, method):
                typer.echo(line)

    @contextmanager
    def _telling(self, file: Path) -> Iterator[None]:
        try:
            yield
        except TsharnessError as error:
            self._errors.append({"path": str(file), "message": str(error), "exit_code": error.exit_code})
            typer.echo(f"error: {error}", err=True)
        except KeyboardInterrupt:
            self.interrupted = True

    def _print(self) -> None:
        from tsharness.report.console import console
        from tsharness.report.inspect_terminal import print_inspection

        out = console(self._color, stderr=self._silent)
        if len(self._reports) > 1 and not self._quiet:
            out.print()
        print_inspection(self._reports[-1], out, self._quiet, self._verbose)

    def write(self, json_file: str | None, sarif: str | None) -> None:
        """All of it, as documents."""
        from tsharness import __version__
        from tsharness.report.model import SCHEMA_VERSION

        if json_file is not None:
            document = {
                "schema_version": SCHEMA_VERSION,
                "kind": "inspections",
                "tsharness": __version__,
                "exit_code": INTERRUPTED if self.interrupted else int(self.exit_code),
                "incomplete": self.interrupted,
                "reports": [report.to_dict() for report in self._reports],
                "errors": self._errors,
            }
            write_json(document, json_file)
        if sarif is not None:
            from tsharness.report.sarif import to_sarif

            write_json(to_sarif(self._reports, __version__), sarif)


def _load_terminal() -> None:
    import tsharness.report.inspect_terminal  # noqa: F401
