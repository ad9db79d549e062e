"""``tsharness bundle``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tsharness.cli.options import (
    AllowOps,
    Atol,
    Cases,
    Device,
    Exact,
    Ignore,
    Level,
    Libraries,
    MemoryLimit,
    NoColor,
    OneRunner,
    Only,
    Quiet,
    Rtol,
    Sandboxed,
    Select,
    Threads,
    Timeout,
    parse_size,
    parse_tolerances,
    use_color,
)
from tsharness.cli.output import say
from tsharness.printable import shell_word


def command(
    artifact: Annotated[Path, typer.Argument(help="A saved TorchScript model (.pt).")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="A folder, or a .tar.zst, .tar.gz or .tar of it."),
    ],
    runner: OneRunner = "installed",
    with_libtorch: Annotated[
        bool, typer.Option("--with-libtorch", help="Add LibTorch's libraries, and those that they need.")
    ] = False,
    bench: Annotated[
        bool, typer.Option("--bench/--no-bench", help="Whether to measure latency there.")
    ] = True,
    cases: Cases = None,
    only: Only = [],  # noqa: B006
    rtol: Rtol = [],  # noqa: B006
    atol: Atol = [],  # noqa: B006
    exact: Exact = False,
    calls: Annotated[int, typer.Option("--calls", min=1, help="Repeat each case.")] = 5,
    level: Level = "standard",
    select: Select = [],  # noqa: B006
    ignore: Ignore = [],  # noqa: B006
    libraries: Libraries = [],  # noqa: B006
    device: Device = "cpu",
    threads: Threads = None,
    allow_ops: AllowOps = [],  # noqa: B006
    sandbox: Sandboxed = "auto",
    timeout: Timeout = 600.0,
    memory_limit: MemoryLimit = None,
    quiet: Quiet = False,
    no_color: NoColor = False,
) -> None:
    """Make a folder that verifies and benches an artifact on a host without Python: ./run.sh there.

    The artifact is verified here first; the host does the same again. `tsharness report results.json`
    judges what it wrote.

    Exit codes: 0 the bundle was made, whatever the verdict here; else as `tsharness verify`.
    """
    from tsharness.bundling.api import bundle
    from tsharness.report.console import console
    from tsharness.report.draw import print_line
    from tsharness.report.units import size

    made = bundle(
        artifact,
        output,
        runner=runner,
        with_libtorch=with_libtorch,
        bench=bench,
        cases=cases,
        only=only,
        rtol=parse_tolerances("--rtol", rtol),
        atol=parse_tolerances("--atol", atol),
        exact=exact,
        calls=calls,
        level=level,
        select=select,
        ignore=ignore,
        libraries=libraries,
        device=device,
        threads=threads,
        allow_ops=allow_ops,
        sandbox=sandbox,
        timeout=timeout,
        memory_limit=parse_size(memory_limit) if memory_limit else None,
    )
    out = console(use_color(no_color))
    if not quiet:
        print_line(made.report, out, "here")
        for name in made.unlicensed:
            say(f"note: no licence text was found for {name}", err=True)
    say(f"{output}: {size(made.size)}")
    unpack = "" if output.is_dir() else f"tar xf {shell_word(output.name)} && "
    folder = output.name if output.is_dir() else output.name.partition(".tar")[0]
    say(f"next: copy it to the host, and there: {unpack}{shell_word(f'{folder}/run.sh')}")
