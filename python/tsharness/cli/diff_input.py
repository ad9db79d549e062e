"""``tsharness diff-input``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsharness.cli.options import Cases, Json
from tsharness.cli.output import say, write_json


def command(
    artifact: Annotated[Path, typer.Argument(help="A saved TorchScript model (.pt) with cases.")],
    file: Annotated[Path, typer.Argument(help="Your own tensor: .npy, .pt, .safetensors, or raw bytes.")],
    case: Annotated[str | None, typer.Option("--case", metavar="NAME", help="[default: the first]")] = None,
    input_name: Annotated[
        str | None, typer.Option("--input", metavar="NAME", help="Which of its tensors. [default: the first]")
    ] = None,
    cases: Cases = None,
    json_file: Json = None,
) -> None:
    """Say how a tensor that your own program made differs from the input of a case.

    Finds another dtype, layout, channel order, scale, offset, normalisation, flipped axis, padding, and the
    header of a .npy file read as data. Exit codes: 0 equal, 1 different, 2 usage.
    """
    from tsharness.diagnosis.input_difference import diff_input

    found = diff_input(artifact, file, case, input_name, cases)
    if json_file is not None:
        write_json(found.to_dict(), json_file)
    say(f"{file}: {found.facts['mine']}", err=json_file == "-")
    say(f'{found.input} of case "{found.case}": {found.facts["case"]}', err=json_file == "-")
    say("", err=json_file == "-")
    for difference in found.differences:
        say(f"DIFFERS  {difference.kind}: {difference.seen}", err=json_file == "-")
        say(f"         do     {difference.do}", err=json_file == "-")
    if not found.differences:
        say("EQUAL  the model gets what it got in the case", err=json_file == "-")
    raise typer.Exit(found.exit_code)
