"""``tsharness pack``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsharness.cli.options import AllowOps, Json, NoColor, Quiet, Sandboxed, Sizes, Specs, Timeout, use_color
from tsharness.cli.output import say, write_json
from tsharness.errors import UsageError


def command(
    artifact: Annotated[Path, typer.Argument(help="A saved TorchScript model (.pt).")],
    inputs: Specs = [],  # noqa: B006
    dims: Sizes = [],  # noqa: B006
    inputs_from: Annotated[
        str | None,
        typer.Option(
            "--inputs", metavar="REF", help="file.py:NAME, or tensors in a .safetensors or .pt file."
        ),
    ] = None,
    outputs_from: Annotated[
        Path | None,
        typer.Option("--outputs", metavar="FILE", help="Saved outputs of these inputs (.safetensors, .pt)."),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="REF", help="MODULE:NAME or file.py:NAME of the eager model."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A copy. [default: the artifact itself]"),
    ] = None,
    beside: Annotated[bool, typer.Option("--beside", help="Write the cases to a file beside it.")] = False,
    bundled_inputs: Annotated[
        bool, typer.Option("--bundled-inputs", help="Bundle the inputs as PyTorch does, too.")
    ] = False,
    strip: Annotated[bool, typer.Option("--strip", help="Take the cases out instead.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Pack cases that the C++ runner does not pass.")
    ] = False,
    allow_ops: AllowOps = [],  # noqa: B006
    sandbox: Sandboxed = "auto",
    timeout: Timeout = 600.0,
    json_file: Json = None,
    quiet: Quiet = False,
    no_color: NoColor = False,
) -> None:
    """Give cases to an artifact that somebody else made, so that it can be verified anywhere.

    Inputs come from --input, --inputs, or the artifact's own bundled inputs; outputs from --outputs,
    --reference, or the artifact itself in Python.
    """
    from tsharness.cases.input_spec import input_cases
    from tsharness.packing import api

    if strip:
        _strip(artifact, output, bool(inputs or inputs_from or outputs_from or reference or beside))
        return
    report = api.pack(
        artifact,
        inputs=input_cases(inputs, dims),
        inputs_from=inputs_from,
        outputs_from=outputs_from,
        reference=reference,
        output=output,
        beside=beside,
        bundled_inputs=bundled_inputs,
        force=force,
        allow_ops=allow_ops,
        sandbox=sandbox,
        timeout=timeout,
    )
    if json_file is not None:
        write_json(report.to_dict(), json_file)
    from tsharness.report.console import console
    from tsharness.report.terminal import print_verdict, print_verify

    out = console(use_color(no_color), stderr=json_file == "-")
    (print_verdict if quiet else print_verify)(report.check, out)
    if report.written:
        out.print(f"      packed {len(report.cases)} cases into {report.written}")
    else:
        out.print("      nothing was written; --force packs the cases all the same")
    raise typer.Exit(report.exit_code)


def _strip(artifact: Path, output: Path | None, other: bool) -> None:
    from tsharness.packing import api

    if other:
        raise UsageError("--strip takes cases out; it goes with no option that makes them")
    if api.strip(artifact, output):
        say(f"{output or artifact}: without cases now")
    else:
        say(f"{artifact}: there were no cases inside; nothing was written")
