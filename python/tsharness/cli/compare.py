"""``tsharness compare``"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tsharness.cli.interrupts import INTERRUPTED
from tsharness.cli.options import (
    AllowOps,
    Atol,
    Cases,
    Device,
    Json,
    Libraries,
    NoColor,
    Only,
    Quiet,
    Rtol,
    Sandboxed,
    Threads,
    Timeout,
    parse_share,
    parse_tolerances,
    use_color,
)
from tsharness.cli.output import write_json
from tsharness.cli.sweeps import parse_value
from tsharness.errors import UsageError

_SETTING = "Of LibTorch, on this side alone (docs/protocol.md); repeatable."


def command(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="What there is.")],
    new: Annotated[
        Path | None, typer.Argument(metavar="[NEW]", help="What is to replace it; BASE again if left out.")
    ] = None,
    cases: Cases = None,
    only: Only = [],  # noqa: B006
    device: Device = "cpu",
    threads: Threads = None,
    a_device: Annotated[str | None, typer.Option("--a-device", help="Of BASE.")] = None,
    b_device: Annotated[str | None, typer.Option("--b-device", help="Of NEW.")] = None,
    a_threads: Annotated[int | None, typer.Option("--a-threads", min=1, help="Of BASE.")] = None,
    b_threads: Annotated[int | None, typer.Option("--b-threads", min=1, help="Of NEW.")] = None,
    a_set: Annotated[list[str], typer.Option("--a-set", metavar="NAME=VALUE", help=_SETTING)] = [],  # noqa: B006
    b_set: Annotated[list[str], typer.Option("--b-set", metavar="NAME=VALUE", help=_SETTING)] = [],  # noqa: B006
    max_time: Annotated[float, typer.Option("--max-time", metavar="SECONDS", help="For all of it.")] = 10.0,
    margin: Annotated[
        str, typer.Option("--margin", metavar="SHARE", help="A change that does not matter.")
    ] = "2%",
    max_regression: Annotated[
        str | None,
        typer.Option("--max-regression", metavar="SHARE", help="Fail from here on. [default: the margin]"),
    ] = None,
    error_rate: Annotated[str, typer.Option("--error-rate", metavar="SHARE", help="Of the interval.")] = "1%",
    rtol: Rtol = [],  # noqa: B006
    atol: Atol = [],  # noqa: B006
    libraries: Libraries = [],  # noqa: B006
    allow_ops: AllowOps = [],  # noqa: B006
    sandbox: Sandboxed = "auto",
    timeout: Timeout = 600.0,
    json_file: Json = None,
    quiet: Quiet = False,
    no_color: NoColor = False,
) -> None:
    """Say whether NEW is slower than BASE, and whether it computes the same: both run interleaved.

    Exit codes: 0 same or faster, 1 outputs differ, 3 cannot tell, 4 slower, and those of verify.
    """
    from tsharness.bench.compare import compare_artifacts
    from tsharness.bench.compare_options import CompareOptions, SideOptions
    from tsharness.verification.plan import tolerance_layer

    options = CompareOptions(
        cases=cases,
        only=tuple(only),
        device=device,
        threads=threads,
        base=SideOptions(a_device, a_threads, parse_settings("--a-set", a_set)),
        new=SideOptions(b_device, b_threads, parse_settings("--b-set", b_set)),
        max_time=max_time,
        margin=parse_share("--margin", margin),
        max_regression=None if max_regression is None else parse_share("--max-regression", max_regression),
        error_rate=parse_share("--error-rate", error_rate),
        tolerance=tolerance_layer(
            parse_tolerances("--rtol", rtol), parse_tolerances("--atol", atol), exact=False
        ),
        allow_ops=tuple(allow_ops),
        libraries=tuple(libraries),
        sandbox=sandbox,
        timeout=timeout,
    )
    from tsharness.report.compare_terminal import print_compare
    from tsharness.report.console import console
    from tsharness.report.progress import Bar
    from tsharness.runner.process import Event, Hooks

    started = time.monotonic()
    with Bar(max_time, "s", use_color(no_color)) as bar:

        def hear(event: Event) -> None:
            bar.to(time.monotonic() - started, event.get("case") or "starting a process")

        report = compare_artifacts(base, new or base, options, Hooks(hear))

    if json_file is not None:
        write_json(report.to_dict(), json_file)
    print_compare(report, console(use_color(no_color), stderr=json_file == "-"), quiet)
    raise typer.Exit(INTERRUPTED if report.incomplete else report.exit_code)


def parse_settings(option: str, texts: list[str]) -> dict[str, Any]:
    """``grad_mode=inference``, ``onednn=false``: values are JSON where they can be. Raises UsageError."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{option} '{text}': expected NAME=VALUE, such as onednn=false")
        found[name] = parse_value(value)
    return found
