"""``tsharness inspect``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

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
    from tsharness.inspection.api import InspectOptions, inspect_file

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
    reports: list[Any] = []
    errors: list[dict[str, Any]] = []
    for file in files:
        try:
            if code is not None:
                _print_code(file, code)
                continue
            begun = (
                context.obj.take_reading(file, hashes or expect_sha256 is not None) if context.obj else None
            )
            reports.append(inspect_file(file, options, _load_terminal, begun))
        except TsharnessError as error:
            errors.append({"path": str(file), "message": str(error), "exit_code": error.exit_code})
            typer.echo(f"error: {error}", err=True)
            continue
        _print(reports, quiet, verbose, use_color(no_color), "-" in (json_file, sarif))
    codes = [*(report.exit_code for report in reports), *(error["exit_code"] for error in errors)]
    _write(reports, errors, worst(codes), json_file, sarif)
    raise typer.Exit(worst(codes))


def _print(reports: list[Any], quiet: bool, verbose: bool, color: bool, silent: bool) -> None:
    from tsharness.report.console import console
    from tsharness.report.inspect_terminal import print_inspection

    out = console(color, stderr=silent)
    if len(reports) > 1 and not quiet:
        out.print()
    print_inspection(reports[-1], out, quiet, verbose)


def _load_terminal() -> None:
    import tsharness.report.inspect_terminal  # noqa: F401


def _print_code(file: Path, method: str) -> None:
    from tsharness.inspection.show_code import code_lines

    for line in code_lines(file, method):
        typer.echo(line)


def _write(
    reports: list[Any], errors: list[dict[str, Any]], code: int, json_file: str | None, sarif: str | None
) -> None:
    from tsharness import __version__
    from tsharness.report.model import SCHEMA_VERSION

    if json_file is not None:
        document = {
            "schema_version": SCHEMA_VERSION,
            "kind": "inspections",
            "tsharness": __version__,
            "exit_code": int(code),
            "reports": [report.to_dict() for report in reports],
            "errors": errors,
        }
        write_json(document, json_file)
    if sarif is not None:
        from tsharness.report.sarif import to_sarif

        write_json(to_sarif(reports, __version__), sarif)
