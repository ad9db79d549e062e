"""``tsharness bench``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsharness.cli.options import (
    AllowOps,
    Cases,
    Device,
    Json,
    Libraries,
    NoColor,
    Only,
    Sandboxed,
    Threads,
    Timeout,
    use_color,
)
from tsharness.cli.output import write_json
from tsharness.verdict import worst


def command(
    artifact: Annotated[Path, typer.Argument(help="A saved TorchScript model (.pt).")],
    cases: Cases = None,
    only: Only = [],  # noqa: B006
    min_seconds: Annotated[
        float, typer.Option("--min-time", metavar="SECONDS", help="Time each case at least so long.")
    ] = 1.0,
    libraries: Libraries = [],  # noqa: B006
    device: Device = "cpu",
    threads: Threads = None,
    allow_ops: AllowOps = [],  # noqa: B006
    sandbox: Sandboxed = "auto",
    timeout: Timeout = 600.0,
    json_file: Json = None,
    no_color: NoColor = False,
) -> None:
    """Measure the latency of an artifact's cases in the C++ runner, one caller."""
    from tsharness.bench.api import benchmark
    from tsharness.report.console import console
    from tsharness.report.terminal import print_bench

    report = benchmark(
        artifact,
        cases=cases,
        only=tuple(only),
        device=device,
        threads=threads,
        libraries=libraries,
        min_seconds=min_seconds,
        allow_ops=allow_ops,
        sandbox=sandbox,
        timeout=timeout,
    )
    if json_file is not None:
        write_json(report.to_dict(), json_file)
    print_bench(report, console(use_color(no_color), stderr=json_file == "-"))
    raise typer.Exit(worst(problem.exit_code for problem in report.errors.values()))
