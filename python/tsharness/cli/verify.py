"""``tsharness verify``"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tsharness.cli.interrupts import INTERRUPTED
from tsharness.cli.options import (
    Accept,
    AllowOps,
    Artifacts,
    Atol,
    Cases,
    ColdStartLimit,
    CompareWith,
    Device,
    Exact,
    Ignore,
    Json,
    LeakLimit,
    Level,
    Libraries,
    Localize,
    MemoryLimit,
    Method,
    NoColor,
    Only,
    Quiet,
    Reduce,
    Reference,
    Repeat,
    Rtol,
    Sandboxed,
    SaveOutputs,
    Select,
    Sizes,
    Specs,
    Threads,
    Timeout,
    Tolerance,
    TopK,
    Verbose,
    judges_by_float64,
    parse_size,
    parse_tolerances,
    use_color,
)
from tsharness.cli.output import write_json
from tsharness.errors import TsharnessError, UsageError
from tsharness.verdict import worst


def command(
    context: typer.Context,
    artifacts: Artifacts,
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
    device: Device = "cpu",
    threads: Threads = None,
    allow_ops: AllowOps = [],  # noqa: B006
    sandbox: Sandboxed = "auto",
    timeout: Timeout = 600.0,
    memory_limit: MemoryLimit = None,
    json_file: Json = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> None:
    """Run artifacts in the C++ runner and compare every output with the Python model's.

    Exit codes: 0 pass, 1 verification failed, 2 usage, 3 inconclusive, 5 cannot be loaded or run,
    6 crash, timeout or limit, 7 refused for safety, 8 no runner or no such device. Of several
    artifacts the worst counts.
    """
    from tsharness.cases.input_spec import input_cases
    from tsharness.runner.cage import parse_sandbox
    from tsharness.verification.checks.catalogue import chosen_checks
    from tsharness.verification.checks.rule import parse_level
    from tsharness.verification.plan import VerifyOptions, tolerance_layer

    for name, file in (("--save-outputs", save_outputs), ("--reduce", reduce)):
        if file is not None and (len(artifacts) > 1 or repeat > 1):
            raise UsageError(f"{name} writes one file, of one run of one artifact")
    chosen_checks(parse_level(level), select, ignore)
    options = VerifyOptions(
        cases=cases,
        inputs=input_cases(inputs, dims, method),
        method=method,
        reference=reference,
        localize=localize,
        only=tuple(only),
        device=device,
        threads=threads,
        libraries=tuple(libraries),
        save_outputs=save_outputs,
        calls=calls,
        tolerance=tolerance_layer(
            parse_tolerances("--rtol", rtol), parse_tolerances("--atol", atol), exact, topk, accept
        ),
        compare_with=compare_with,
        reduce=reduce,
        float64=judges_by_float64(tolerance),
        level=parse_level(level),
        select=tuple(select),
        ignore=tuple(ignore),
        leak_limit=parse_size(leak_limit, "--leak-limit"),
        cold_start_limit=cold_start_limit,
        allow_ops=tuple(allow_ops),
        sandbox=parse_sandbox(sandbox),
        timeout=timeout,
        memory_limit=parse_size(memory_limit) if memory_limit else None,
    )
    run = _Run(options, context.obj and context.obj.launcher, json_file, quiet, verbose, use_color(no_color))
    for artifact in artifacts:
        run.repeat(artifact, repeat)
        if run.interrupted:
            break
    code = run.finish()
    raise typer.Exit(INTERRUPTED if run.interrupted else code)


class _Run:
    """The artifacts of one command."""

    def __init__(
        self, options: Any, launcher: Any, json_file: str | None, quiet: bool, verbose: bool, color: bool
    ) -> None:
        self._options = options
        self._launcher = launcher
        self._json_file = json_file
        self._quiet = quiet
        self._verbose = verbose
        self._color = color
        self._label = ""
        self._codes: list[int] = []
        self._reports: list[Any] = []
        self._errors: list[dict[str, Any]] = []

    @property
    def interrupted(self) -> bool:
        """Whether the last report is incomplete: nothing more is to be started."""
        return bool(self._reports) and self._reports[-1].incomplete

    def repeat(self, artifact: Path, times: int) -> None:
        """Verifies it so often; with several times, a line for each, and what they agree on."""
        before = len(self._reports)
        for number in range(1, times + 1):
            self._label = f"run {number} of {times}" if times > 1 else ""
            if not self._verify(artifact) or self.interrupted:
                return
        if times > 1:
            from tsharness.report.console import console, print_lines
            from tsharness.report.steadiness import steadiness_lines

            out = console(self._color, stderr=self._json_file == "-")
            print_lines(steadiness_lines(self._reports[before:]), out)

    def _verify(self, artifact: Path) -> bool:
        """False if there is no report: the next run would have none either."""
        try:
            report = self._verify_with_progress(artifact)
        except TsharnessError as error:
            self._codes.append(error.exit_code)
            self._errors.append({"path": str(artifact), "message": str(error), "exit_code": error.exit_code})
            typer.echo(f"error: {error}", err=True)
            return False
        self._codes.append(report.exit_code)
        self._reports.append(report)
        self._print(report)
        return True

    def _verify_with_progress(self, artifact: Path) -> Any:
        from tsharness.runner.process import Hooks
        from tsharness.verification.api import verify_artifact

        if not sys.stderr.isatty():
            # rich takes its time to load: let it do so while the runner starts.
            hooks = Hooks(on_start=_load_terminal)
            return verify_artifact(artifact, self._options, hooks, launcher=self._launcher)
        from tsharness.report.terminal import VerifyProgress

        with VerifyProgress(self._options.calls, self._color) as progress:
            hooks = Hooks(progress.event)
            return verify_artifact(artifact, self._options, hooks, progress.plan, self._launcher)

    def _print(self, report: Any) -> None:
        from tsharness.report.console import console
        from tsharness.report.terminal import print_verdict, print_verify

        out = console(self._color, stderr=self._json_file == "-")
        if self._quiet or self._label:
            out.print(f"{self._label or report.artifact.path}: ", end="")
            print_verdict(report, out)
        else:
            if len(self._reports) > 1:
                out.print()
            print_verify(report, out, self._verbose)

    def finish(self) -> int:
        code = worst(self._codes)
        if self._json_file is None:
            return code
        try:
            write_json(self._document(code), self._json_file)
        except TsharnessError as error:
            typer.echo(f"error: {error}", err=True)
            return worst([code, error.exit_code])
        return code

    def _document(self, code: int) -> dict[str, Any]:
        from tsharness import __version__
        from tsharness.report.model import SCHEMA_VERSION

        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "run",
            "tsharness": __version__,
            "exit_code": int(code),
            "reports": [report.to_dict() for report in self._reports],
            "errors": self._errors,
        }


def _load_terminal() -> None:
    import tsharness.report.terminal  # noqa: F401
