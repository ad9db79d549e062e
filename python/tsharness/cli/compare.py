"""``tsharness compare``"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsharness.cli.options import (
    AllowOps,
    Atol,
    Cases,
    ChangedSince,
    Device,
    History,
    Html,
    Json,
    Junit,
    Libraries,
    Markdown,
    NoColor,
    Only,
    Quiet,
    Rtol,
    Sandboxed,
    Suite,
    Threads,
    Timeout,
    parse_share,
    parse_tolerances,
    path_of,
    use_color,
)
from tsharness.cli.results import Results, renderings_of
from tsharness.cli.sweeps import parse_value
from tsharness.errors import UsageError

if TYPE_CHECKING:
    from tsharness.bench.compare_options import CompareOptions, SideOptions
    from tsharness.bench.compare_report import CompareReport
    from tsharness.runner.process import Hooks

_SETTING = "Of LibTorch, on this side alone (docs/protocol.md); repeatable."


def command(
    context: typer.Context,
    base: Annotated[
        Path | None, typer.Argument(metavar="[BASE", help="What there is; without it, the suite's.")
    ] = None,
    new: Annotated[
        Path | None, typer.Argument(metavar="[NEW]]", help="What is to replace it; BASE again if left out.")
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
    a_runner: Annotated[
        str, typer.Option("--a-runner", "--runner-a", metavar="NAME", help="Of BASE (tsharness runner list).")
    ] = "installed",
    b_runner: Annotated[
        str, typer.Option("--b-runner", "--runner-b", metavar="NAME", help="Of NEW.")
    ] = "installed",
    a_kind: Annotated[str | None, typer.Option("--a-kind", help="Run BASE as (docs/kinds.md).")] = None,
    b_kind: Annotated[str | None, typer.Option("--b-kind", help="Run NEW as.")] = None,
    max_time: Annotated[float, typer.Option("--max-time", metavar="SECONDS", help="For all of it.")] = 10.0,
    margin: Annotated[
        str, typer.Option("--margin", metavar="SHARE", help="A change that does not matter.")
    ] = "2%",
    max_regression: Annotated[
        str | None,
        typer.Option("--max-regression", metavar="SHARE", help="Fail from here on. [default: the margin]"),
    ] = None,
    counter: Annotated[
        str | None,
        typer.Option("--counter", metavar="instructions", help="They decide, not time: free of noise."),
    ] = None,
    error_rate: Annotated[str, typer.Option("--error-rate", metavar="SHARE", help="Of the interval.")] = "1%",
    rtol: Rtol = [],  # noqa: B006
    atol: Atol = [],  # noqa: B006
    libraries: Libraries = [],  # noqa: B006
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
    """Say whether NEW is slower than BASE, and whether it computes the same: both run interleaved.

    Without arguments it compares the artifacts of the suite file, tsharness.toml, that have a base there.

    Exit codes: 0 same or faster, 1 outputs differ, 3 cannot tell, 4 slower (more instructions, if they
    decide), and those of verify.
    """
    results = Results("compare", renderings_of(context.params))
    if base is None:
        from tsharness.cli.suite import run_suite

        run_suite("compare", context, results, _of_suite)
        raise typer.Exit(results.finish())
    report = results.attempt(base, lambda: _with_bar(base, new or base, context.params))
    if report is not None:
        from tsharness.report.console import console
        from tsharness.report.draw import print_report

        out = console(use_color(no_color), stderr=results.renderings.take_standard_output)
        print_report(report, out, quiet=quiet)
    raise typer.Exit(results.finish())


def _of_suite(artifact: Path, params: Mapping[str, Any], hooks: Hooks) -> CompareReport:
    return compare_two(Path(params["base"]), artifact, params, hooks)


def compare_two(base: Path, new: Path, params: Mapping[str, Any], hooks: Hooks) -> CompareReport:
    """With the values of the command's parameters."""
    from tsharness.bench.compare import compare_artifacts

    return compare_artifacts(base, new, compare_options(params), hooks)


def _with_bar(base: Path, new: Path, params: Mapping[str, Any]) -> CompareReport:
    from tsharness.report.progress import Bar
    from tsharness.runner.outcome import Event
    from tsharness.runner.process import Hooks

    started = time.monotonic()
    with Bar(params["max_time"], "s", use_color(params["no_color"])) as bar:

        def hear(event: Event) -> None:
            bar.to(time.monotonic() - started, event.get("case") or "starting a process")

        return compare_two(base, new, params, Hooks(hear))


def compare_options(params: Mapping[str, Any]) -> CompareOptions:
    """Of the values of the command's parameters, by their names. Raises UsageError."""
    from tsharness.bench.compare_options import CompareOptions
    from tsharness.verification.plan import tolerance_layer

    regression = params["max_regression"]
    rtol, atol = (parse_tolerances(f"--{name}", params[name]) for name in ("rtol", "atol"))
    return CompareOptions(
        cases=path_of(params["cases"]),
        only=tuple(params["only"]),
        device=params["device"],
        threads=params["threads"],
        base=_side("a", params),
        new=_side("b", params),
        max_time=params["max_time"],
        margin=parse_share("--margin", params["margin"]),
        max_regression=None if regression is None else parse_share("--max-regression", regression),
        error_rate=parse_share("--error-rate", params["error_rate"]),
        counter=params["counter"],
        tolerance=tolerance_layer(rtol, atol, exact=False),
        allow_ops=tuple(params["allow_ops"]),
        libraries=tuple(map(Path, params["libraries"])),
        sandbox=params["sandbox"],
        timeout=params["timeout"],
    )


def _side(letter: str, params: Mapping[str, Any]) -> SideOptions:
    from tsharness.bench.compare_options import SideOptions

    names = ("device", "threads", "runner", "kind")
    device, threads, runner, kind = (params[f"{letter}_{name}"] for name in names)
    settings = parse_settings(f"--{letter}-set", params[f"{letter}_set"])
    return SideOptions(device, threads, settings, runner, kind)


def parse_settings(option: str, texts: Sequence[str]) -> dict[str, Any]:
    """``grad_mode=inference``, ``onednn=false``: values are JSON where they can be. Raises UsageError."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{option} '{text}': expected NAME=VALUE, such as onednn=false")
        found[name] = parse_value(value)
    return found
