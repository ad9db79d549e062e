"""``tsharness verify``"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsharness.cli.options import (
    Accept,
    AllowOps,
    Artifacts,
    Atol,
    Capabilities,
    Cases,
    ChangedSince,
    ColdStartLimit,
    CompareWith,
    Device,
    Exact,
    History,
    HostOption,
    Html,
    Ignore,
    Jobs,
    Json,
    Junit,
    KindOption,
    LeakLimit,
    Level,
    Libraries,
    Localize,
    Markdown,
    MaxTime,
    MemoryLimit,
    Method,
    NoColor,
    Only,
    Quiet,
    Reduce,
    Reference,
    Repeat,
    Rtol,
    Runners,
    Sandboxed,
    Sarif,
    SaveOutputs,
    Select,
    Sizes,
    Specs,
    Suite,
    Threads,
    Timeout,
    Tolerance,
    TopK,
    Verbose,
    use_color,
)
from tsharness.cli.output import say
from tsharness.cli.results import Results, renderings_of
from tsharness.cli.verify_options import is_plain, on_targets, verify_options
from tsharness.errors import UsageError

if TYPE_CHECKING:
    from tsharness.cli.ahead import Ahead
    from tsharness.runner.launch import Launcher
    from tsharness.runner.process import Hooks
    from tsharness.verification.report import VerifyReport


def command(
    context: typer.Context,
    artifacts: Artifacts = [],  # noqa: B006
    cases: Cases = None,
    only: Only = [],  # noqa: B006
    inputs: Specs = [],  # noqa: B006
    dims: Sizes = [],  # noqa: B006
    method: Method = None,
    reference: Reference = None,
    localize: Localize = False,
    reduce: Reduce = None,
    repeat: Repeat = 1,
    rtol: Rtol = [],  # noqa: B006
    atol: Atol = [],  # noqa: B006
    exact: Exact = False,
    tolerance: Tolerance = "table",
    accept: Accept = [],  # noqa: B006
    compare_with: CompareWith = None,
    topk: TopK = None,
    calls: Annotated[
        int, typer.Option("--calls", min=1, help="Repeat each case, and compare every call.")
    ] = 5,
    level: Level = "standard",
    select: Select = [],  # noqa: B006
    ignore: Ignore = [],  # noqa: B006
    leak_limit: LeakLimit = "1kB",
    cold_start_limit: ColdStartLimit = 10.0,
    save_outputs: SaveOutputs = None,
    libraries: Libraries = [],  # noqa: B006
    kind: KindOption = None,
    device: Device = "cpu",
    threads: Threads = None,
    runners: Runners = [],  # noqa: B006
    host: HostOption = None,
    capabilities: Capabilities = [],  # noqa: B006
    allow_ops: AllowOps = [],  # noqa: B006
    sandbox: Sandboxed = "auto",
    timeout: Timeout = 600.0,
    max_time: MaxTime = None,
    memory_limit: MemoryLimit = None,
    suite: Suite = None,
    changed_since: ChangedSince = None,
    jobs: Jobs = 1,
    json_file: Json = None,
    junit: Junit = None,
    markdown: Markdown = None,
    html: Html = None,
    sarif: Sarif = None,
    history: History = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> None:
    """Run artifacts in the C++ runner and compare every output with the Python model's.

    Without arguments it verifies the artifacts of the suite file, tsharness.toml.

    Exit codes: 0 pass, 1 verification failed, 2 usage, 3 inconclusive, 5 cannot be loaded or run,
    6 crash, timeout or limit, 7 refused for safety, 8 no runner or no such device. Of several
    artifacts the worst counts.
    """
    results = Results("verify", renderings_of(context.params))
    if artifacts:
        _Named(context, results).all(artifacts)
    else:
        from tsharness.cli.suite import run_suite

        entries = _Entries()
        run_suite("verify", context, results, entries.verify, entries.interrupt)
    raise typer.Exit(results.finish())


class _Entries:
    """Artifacts of a suite, several at once perhaps: each has processes of its own."""

    def __init__(self) -> None:
        self._launchers: list[Launcher] = []

    def verify(self, artifact: Path, params: Mapping[str, Any], hooks: Hooks) -> VerifyReport:
        from tsharness.verification.api import launcher_of, verify_artifact

        options, *more = on_targets(verify_options(params), params)
        if more:
            raise UsageError("a suite has one runner for each artifact; give it several targets")
        with closing(launcher_of(options)) as launcher:
            self._launchers.append(launcher)
            launcher.start_ahead()
            return verify_artifact(artifact, options, hooks, launcher=launcher)

    def interrupt(self) -> None:
        for launcher in self._launchers:
            launcher.interrupt()


class _Named:
    """Artifacts that the command line names."""

    def __init__(self, context: typer.Context, results: Results) -> None:
        params = context.params
        ahead: Ahead | None = context.obj
        self._results = results
        self._targets = on_targets(verify_options(params), params)
        self._options = self._targets[0]
        self._launcher: Launcher | None = None
        if ahead is not None and len(self._targets) == 1 and is_plain(self._options):
            self._launcher = ahead.launcher
        self._repeat, self._quiet, self._verbose = params["repeat"], params["quiet"], params["verbose"]
        self._color = use_color(params["no_color"])
        self._label = ""

    def all(self, artifacts: list[Path]) -> None:
        """One after the other, until somebody interrupts it."""
        several = len(artifacts) > 1 or self._repeat > 1 or len(self._targets) > 1
        for name, file in (
            ("--save-outputs", self._options.save_outputs),
            ("--reduce", self._options.reduce),
        ):
            if file is not None and several:
                raise UsageError(f"{name} writes one file, of one run of one artifact")
        with self._connection():
            for artifact in artifacts:
                if len(self._targets) > 1:
                    self._on_targets(artifact)
                else:
                    self._repeated(artifact)
                if self._results.interrupted:
                    return

    @contextmanager
    def _connection(self) -> Iterator[None]:
        """One for all artifacts, if they are to be verified on a host."""
        if self._options.host is None or len(self._targets) > 1:
            yield
            return
        from tsharness.verification.api import launcher_of

        self._launcher = launcher_of(self._options, lambda text: say(text, err=True))
        with closing(self._launcher):
            yield

    def _on_targets(self, artifact: Path) -> None:
        """A line for each, then all of them in one table."""
        from tsharness.report.console import console
        from tsharness.report.matrix import matrix_label, print_matrix

        seen: list[VerifyReport] = []
        for options in self._targets:
            self._options = options
            report = self._results.attempt(artifact, lambda: self._with_progress(artifact))
            if report is not None:
                seen.append(report)
                self._label = matrix_label(report)
                self._print(report)
            if self._results.interrupted:
                return
        print_matrix(seen, console(self._color, stderr=self._results.renderings.take_standard_output))

    def _repeated(self, artifact: Path) -> None:
        """With several times, a line for each, and what they agree on."""
        seen: list[VerifyReport] = []
        for number in range(1, self._repeat + 1):
            self._label = f"run {number} of {self._repeat}" if self._repeat > 1 else ""
            report = self._results.attempt(artifact, lambda: self._with_progress(artifact))
            if report is None:
                return
            seen.append(report)
            self._print(report)
            if self._results.interrupted:
                return
        if self._repeat > 1:
            from tsharness.report.console import console, print_lines
            from tsharness.report.steadiness import steadiness_lines

            out = console(self._color, stderr=self._results.renderings.take_standard_output)
            print_lines(steadiness_lines(seen), out)

    def _with_progress(self, artifact: Path) -> VerifyReport:
        from tsharness.report.progress import shows_progress
        from tsharness.runner.process import Hooks
        from tsharness.verification.api import verify_artifact

        if not shows_progress():
            # rich takes its time to load: let it do so while the runner starts.
            hooks = Hooks(on_start=_load_terminal)
            return verify_artifact(artifact, self._options, hooks, launcher=self._launcher)
        from tsharness.report.progress import Bar
        from tsharness.report.terminal import VerifyProgress

        with Bar(1, "calls", self._color) as bar:
            progress = VerifyProgress(self._options, bar)
            hooks = Hooks(progress.event, on_more=progress.more)
            return verify_artifact(artifact, self._options, hooks, progress.plan, self._launcher)

    def _print(self, report: VerifyReport) -> None:
        from tsharness.report.console import console
        from tsharness.report.draw import print_line
        from tsharness.report.terminal import print_verify

        out = console(self._color, stderr=self._results.renderings.take_standard_output)
        if self._quiet or self._label:
            print_line(report, out, self._label)
            return
        if len(self._results.reports) > 1:
            out.print()
        print_verify(report, out, self._verbose)


def _load_terminal() -> None:
    import tsharness.report.outlines.verify
    import tsharness.report.terminal  # noqa: F401
