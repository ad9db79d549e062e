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
    parse_share,
    use_color,
)
from tsharness.cli.output import write_json
from tsharness.cli.sweeps import own_parameters, parse_sweeps

_LIST = "VALUES"


def command(
    artifact: Annotated[Path, typer.Argument(help="A saved TorchScript model (.pt).")],
    cases: Cases = None,
    only: Only = [],  # noqa: B006
    scenario: Annotated[
        str, typer.Option("--scenario", metavar="NAME", help="latency, throughput, server or paced.")
    ] = "latency",
    callers: Annotated[
        str | None, typer.Option("--callers", metavar=_LIST, help="Of throughput. [default: 1,2]")
    ] = None,
    module: Annotated[
        str | None,
        typer.Option("--module", metavar=_LIST, help="Of throughput. [default: shared,clones]"),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option("--rate", metavar=_LIST, help="Of server: a second, or a share. [default: 50%,70%,90%]"),
    ] = None,
    workers: Annotated[
        str | None, typer.Option("--workers", metavar=_LIST, help="Threads of the server. [default: 1]")
    ] = None,
    slo: Annotated[
        str | None,
        typer.Option("--slo", metavar="p99=20ms", help="Of server: the highest rate that keeps it."),
    ] = None,
    gap: Annotated[
        str | None, typer.Option("--gap", metavar=_LIST, help="Of paced: idle seconds. [default: 0.1]")
    ] = None,
    burst: Annotated[
        str | None, typer.Option("--burst", metavar=_LIST, help="Of paced: calls in a row. [default: 1]")
    ] = None,
    sweep: Annotated[
        list[str],
        typer.Option(
            "--sweep", metavar="NAME=VALUES", help="threads, dtype, memory_format, a setting; repeatable."
        ),
    ] = [],  # noqa: B006
    dims: Annotated[
        list[str],
        typer.Option("--dim", metavar="N=VALUES", help="Sizes: batch, a symbol, or x[0]; repeatable."),
    ] = [],  # noqa: B006
    inputs: Annotated[
        str, typer.Option("--inputs", metavar="HOW", help="same, or rotate: larger than the cache.")
    ] = "same",
    min_seconds: Annotated[
        float, typer.Option("--min-time", metavar="SECONDS", help="Time each case at least so long.")
    ] = 1.0,
    max_seconds: Annotated[
        float, typer.Option("--max-time", metavar="SECONDS", help="For --precision and --slo.")
    ] = 60.0,
    max_warmup: Annotated[
        float, typer.Option("--max-warmup", metavar="SECONDS", help="Of each case in a process.")
    ] = 5.0,
    precision: Annotated[
        str | None,
        typer.Option("--precision", metavar="SHARE", help="Go on until the statistic is so well known."),
    ] = None,
    statistic: Annotated[
        str, typer.Option("--statistic", metavar="NAME", help="p50 ... p99.9, for --precision.")
    ] = "p50",
    processes: Annotated[
        int, typer.Option("--processes", metavar="N", min=1, help="Fresh ones, that share the time.")
    ] = 3,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="p99=20ms,...", help="Limits: p50 ... p99.9, first, load, memory, size."
        ),
    ] = None,
    samples: Annotated[
        Path | None, typer.Option("--samples", metavar="FILE", help="Keep every sample (safetensors).")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw it; needs matplotlib.")
    ] = None,
    counter: Annotated[
        str | None, typer.Option("--counter", metavar="instructions", help="Count them: free of noise.")
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Say what each operator takes.")] = False,
    trace: Annotated[
        Path | None, typer.Option("--trace", metavar="FILE.json", help="Keep a Chrome trace; profiles.")
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="python", help="Time it in Python, too, in turns.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option("--reference", metavar="MODULE:FACTORY", help="The eager model, for that.")
    ] = None,
    save_baseline: Annotated[
        Path | None, typer.Option("--save-baseline", metavar="FILE", help="Keep the report for --baseline.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="Compare with it; fails if slower.")
    ] = None,
    margin: Annotated[
        str, typer.Option("--margin", metavar="SHARE", help="A change that does not matter.")
    ] = "2%",
    across_machines: Annotated[
        bool, typer.Option("--across-machines", help="The baseline may be of another machine.")
    ] = False,
    libraries: Libraries = [],  # noqa: B006
    device: Device = "cpu",
    threads: Threads = None,
    allow_ops: AllowOps = [],  # noqa: B006
    sandbox: Sandboxed = "auto",
    timeout: Timeout = 600.0,
    json_file: Json = None,
    no_color: NoColor = False,
) -> None:
    """Measure the latency of an artifact in the C++ runner: one caller, many, a server's load, or bursts.

    Exit codes: 0, 1 if outputs are wrong, 3 if a limit or a precision cannot be judged, 4 if a limit is
    exceeded, and those of verify.
    """
    from tsharness.bench.api import benchmark_artifact
    from tsharness.bench.budget import parse_budget, parse_slo
    from tsharness.bench.options import BenchOptions
    from tsharness.bench.scenarios import scenario_by_name
    from tsharness.report.bench_terminal import print_bench
    from tsharness.report.console import console
    from tsharness.report.progress import Bar
    from tsharness.runner.process import Event, Hooks

    way = scenario_by_name(scenario)
    stated = {
        "callers": callers,
        "module": module,
        "rate": rate,
        "workers": workers,
        "gap": gap,
        "burst": burst,
    }
    own = own_parameters(scenario, list(way.parameters), stated)
    varied = {**own, **parse_sweeps("--sweep", sweep), **parse_sweeps("--dim", dims)}
    options = BenchOptions(
        cases=cases,
        only=tuple(only),
        device=device,
        threads=threads,
        libraries=tuple(libraries),
        allow_ops=tuple(allow_ops),
        sandbox=sandbox,
        timeout=timeout,
        scenario=way,
        sweep=varied,
        min_seconds=min_seconds,
        max_seconds=max_seconds,
        max_warmup=max_warmup,
        precision=None if precision is None else parse_share("--precision", precision),
        statistic=statistic,
        processes=processes,
        inputs=inputs,
        slo=None if slo is None else parse_slo(slo),
        budget=parse_budget(budget) if budget else {},
        counter=counter,
        profile=profile,
        trace=trace,
        against=against,
        reference=reference,
        baseline=baseline,
        margin=parse_share("--margin", margin),
        across_machines=across_machines,
        samples=samples,
    )
    ended = 0
    with Bar(options.fewest_processes, "processes", use_color(no_color)) as bar:

        def hear(event: Event) -> None:
            nonlocal ended
            ended += event["event"] == "bye"
            bar.to(ended, event.get("case") or "starting a process")

        report = benchmark_artifact(artifact, options, Hooks(hear))
    if save_baseline is not None:
        write_json(report.to_dict(), str(save_baseline))
    if json_file is not None:
        write_json(report.to_dict(), json_file)
    print_bench(report, console(use_color(no_color), stderr=json_file == "-"))
    if plot is not None:
        from tsharness.report.bench_plot import plot_bench

        plot_bench(report, plot)
    raise typer.Exit(INTERRUPTED if report.incomplete else report.exit_code)
