"""``tsharness repro``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsharness.cli.options import Cases
from tsharness.cli.output import say
from tsharness.printable import shell_word


def command(
    artifact: Annotated[Path, typer.Argument(help="A saved TorchScript model (.pt) with cases.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="A folder that is not there yet.")
    ],
    case: Annotated[str | None, typer.Option("--case", metavar="NAME", help="[default: the first]")] = None,
    cases: Cases = None,
) -> None:
    """Write a small C++ project (CMake, main.cpp, tensors) that runs one case with LibTorch alone.

    For a bug report, or to see whether the model or the program around it is wrong.
    """
    from tsharness.repro.api import write_repro

    report = write_repro(artifact, output, case, cases)
    say(f"{output}: the case passes here" if report.exit_code == 0 else f"{output}: the case fails here")
    folder = shell_word(str(output))
    say(f"build and run it: cd {folder} && cmake -S . -B build && cmake --build build && ./build/repro")
