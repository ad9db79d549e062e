"""``tsharness bench``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsharness.cli.interrupts import INTERRUPTED
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


def command(
    artifact: Annotated[Path, typer.Argument(help="A saved TorchScript model (.pt).")],
    cases: Cases = None,
    only: Only = [],  # noqa: B006
    min_seconds: Annotated[
        float, typer.Option("--min-time", metavar="SECONDS", help="Time each case at least so long.")
    ] = 1.0,
    processes: Annotated[
        int, typer.Option("--processes", metavar="N", min=1, help="Fresh ones, that share the time.")
    ] = 3,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="p99=20ms,...", help="Limits: p50 ... p99.9, first, load, memory, size."
        ),
    ] = None,
    libraries: Libraries = [],  # noqa: B006
    device: Device = "cpu",
    threads: Threads = None,
    allow_ops: AllowOps = [],  # noqa: B006
    sandbox: Sandboxed = "auto",
    timeout: Timeout = 600.0,
    json_file: Json = None,
    no_color: NoColor = False,
) -> None:
    """Measure the latency of an artifact's cases in the C++ runner, one caller.

    Exit codes: 0, 3 if a limit cannot be judged, 4 if one is exceeded, and those of verify.
    """
    from tsharness.bench.api import benchmark
    from tsharness.bench.budget import parse_budget
    from tsharness.report.bench_terminal import print_bench
    from tsharness.report.console import console
    from tsharness.report.progress import Bar
    from tsharness.runner.process import Event, Hooks

    ended = 0

    def hear(event: Event) -> None:
        nonlocal ended
        ended += event["event"] == "bye"
        bar.to(ended, event.get("case") or "starting a process")

    with Bar(processes, "processes", use_color(no_color)) as bar:
        report = benchmark(
            artifact,
            cases=cases,
            only=tuple(only),
            device=device,
            threads=threads,
            libraries=libraries,
            min_seconds=min_seconds,
            processes=processes,
            budget=parse_budget(budget) if budget else {},
            allow_ops=allow_ops,
            sandbox=sandbox,
            timeout=timeout,
            hooks=Hooks(hear),
        )
    if json_file is not None:
        write_json(report.to_dict(), json_file)
    print_bench(report, console(use_color(no_color), stderr=json_file == "-"))
    raise typer.Exit(INTERRUPTED if report.incomplete else report.exit_code)
