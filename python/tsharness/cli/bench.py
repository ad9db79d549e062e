"""``tsharness bench``"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsharness.cli.options import (
    AllowOps,
    Capability,
    Cases,
    ChangedSince,
    Device,
    History,
    HostOption,
    Html,
    Json,
    Junit,
    KindOption,
    Libraries,
    Markdown,
    NoColor,
    OneRunner,
    Only,
    Quiet,
    Sandboxed,
    Suite,
    Threads,
    Timeout,
    parse_share,
    path_of,
    use_color,
)
from tsharness.cli.output import say, write_json
from tsharness.cli.results import Results, renderings_of
from tsharness.cli.sweeps import own_parameters, parse_sweeps
from tsharness.errors import UsageError

if TYPE_CHECKING:
    from tsharness.bench.options import BenchOptions
    from tsharness.bench.report import BenchReport
    from tsharness.runner.process import Hooks

_LIST = "VALUES"


def command(
    context: typer.Context,
    artifact: Annotated[
        Path | None,
        typer.Argument(metavar="[ARTIFACT]", help="A saved TorchScript model (.pt); else the suite's."),
    ] = None,
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
            "--budget",
            metavar="p99=20ms,...",
            help="Limits: p50 ... p99.9, first, load, memory, size, instructions.",
        ),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", metavar="FILE", help="Keep every sample: safetensors, or .csv."),
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
    kind: KindOption = None,
    device: Device = "cpu",
    threads: Threads = None,
    runner: OneRunner = "installed",
    host: HostOption = None,
    cpu_capability: Capability = None,
    allow_ops: AllowOps = [],  # noqa: B006
    sandbox: Sandboxed = "auto",
    timeout: Timeout = 600.0,
    suite: Suite = None,
    changed_since: ChangedSince = None,
    json_file: Json = None,
    junit: Junit = None,
    markdown: Markdown = None,
    html: Html = None,
    history: History = None,
    quiet: Quiet = False,
    no_color: NoColor = False,
) -> None:
    """Measure the latency of an artifact in the C++ runner: one caller, many, a server's load, or bursts.

    Without an artifact it measures those of the suite file, tsharness.toml, in turn.

    Exit codes: 0, 1 if outputs are wrong, 3 if a limit or a precision cannot be judged, 4 if a limit is
    exceeded, and those of verify.
    """
    results = Results("bench", renderings_of(context.params))
    if artifact is None:
        from tsharness.cli.suite import run_suite

        for name in ("save_baseline", "plot", "samples", "trace"):
            if context.params[name] is not None:
                option = name.replace("_", "-")
                raise UsageError(f"--{option} is of one artifact; name it")
        run_suite("bench", context, results, measure)
        raise typer.Exit(results.finish())
    report = results.attempt(artifact, lambda: _with_bar(artifact, context.params))
    if report is not None:
        _keep(report, save_baseline, plot)
        from tsharness.report.console import console
        from tsharness.report.draw import print_report

        out = console(use_color(no_color), stderr=results.renderings.take_standard_output)
        print_report(report, out, quiet=quiet)
    raise typer.Exit(results.finish())


def measure(artifact: Path, params: Mapping[str, Any], hooks: Hooks) -> BenchReport:
    """With the values of the command's parameters."""
    from tsharness.bench.api import benchmark_artifact

    return benchmark_artifact(artifact, bench_options(params), hooks, lambda text: say(text, err=True))


def _with_bar(artifact: Path, params: Mapping[str, Any]) -> BenchReport:
    from tsharness.report.progress import Bar
    from tsharness.runner.outcome import Event
    from tsharness.runner.process import Hooks

    ended, fewest = 0, bench_options(params).fewest_processes
    with Bar(fewest, "processes", use_color(params["no_color"])) as bar:

        def hear(event: Event) -> None:
            nonlocal ended
            ended += event["event"] == "bye"
            bar.to(ended, event.get("case") or "starting a process")

        return measure(artifact, params, Hooks(hear))


def bench_options(params: Mapping[str, Any]) -> BenchOptions:
    """Of the values of the command's parameters, by their names. Raises UsageError."""
    from tsharness.bench.budget import parse_budget, parse_slo
    from tsharness.bench.options import BenchOptions
    from tsharness.bench.scenarios import scenario_by_name

    way = scenario_by_name(params["scenario"])
    stated = {name: params[name] for name in ("callers", "module", "rate", "workers", "gap", "burst")}
    own = own_parameters(way.name, list(way.parameters), stated)
    precision, slo, budget = params["precision"], params["slo"], params["budget"]
    return BenchOptions(
        cases=path_of(params["cases"]),
        only=tuple(params["only"]),
        kind=params["kind"],
        device=params["device"],
        threads=params["threads"],
        runner=params["runner"],
        host=params["host"],
        cpu_capability=params["cpu_capability"],
        libraries=tuple(map(Path, params["libraries"])),
        allow_ops=tuple(params["allow_ops"]),
        sandbox=params["sandbox"],
        timeout=params["timeout"],
        scenario=way,
        sweep={**own, **parse_sweeps("--sweep", params["sweep"]), **parse_sweeps("--dim", params["dims"])},
        min_seconds=params["min_seconds"],
        max_seconds=params["max_seconds"],
        max_warmup=params["max_warmup"],
        precision=None if precision is None else parse_share("--precision", precision),
        statistic=params["statistic"],
        processes=params["processes"],
        inputs=params["inputs"],
        slo=None if slo is None else parse_slo(slo),
        budget=parse_budget(budget) if budget else {},
        counter=params["counter"],
        profile=params["profile"],
        trace=path_of(params["trace"]),
        against=params["against"],
        reference=params["reference"],
        baseline=path_of(params["baseline"]),
        margin=parse_share("--margin", params["margin"]),
        across_machines=params["across_machines"],
        samples=path_of(params["samples"]),
    )


def _keep(report: BenchReport, baseline: Path | None, plot: Path | None) -> None:
    if baseline is not None:
        write_json(report.to_dict(), str(baseline))
    if plot is not None:
        from tsharness.report.bench_plot import plot_bench

        plot_bench(report, plot)
