"""``tsharness migrate``"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsharness.cli.options import (
    AllowOps,
    Atol,
    Cases,
    Html,
    Json,
    Junit,
    Level,
    Libraries,
    Markdown,
    NoColor,
    Only,
    Quiet,
    Rtol,
    Sandboxed,
    Timeout,
    parse_tolerances,
    path_of,
    use_color,
)
from tsharness.cli.output import say
from tsharness.cli.results import Results, renderings_of
from tsharness.errors import TsharnessError, UsageError

if TYPE_CHECKING:
    from tsharness.migration.api import Say
    from tsharness.migration.options import MigrateOptions


def command(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="model.pt, or MODULE:FACTORY (the better source)."),
    ] = None,
    to: Annotated[
        list[str], typer.Option("--to", metavar="KIND", help="aoti, executorch, onnx, lite; repeatable.")
    ] = [],  # noqa: B006
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="NEW", help="The new artifact; of several, a folder for them."
        ),
    ] = None,
    try_all: Annotated[
        bool, typer.Option("--try-all", help="Every target that is installed; a table.")
    ] = False,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="DIR", help="Every .pt below it; leaves no artifacts.")
    ] = None,
    inputs_from: Annotated[
        str | None, typer.Option("--inputs", metavar="REF", help="Of a Python model: file.py:NAME.")
    ] = None,
    dynamic: Annotated[
        list[str], typer.Option("--dynamic", metavar="x=N,*,H,W", help="Dims that change; * never does.")
    ] = [],  # noqa: B006
    fixed: Annotated[
        list[str],
        typer.Option("--fixed", metavar="INPUT", help="Its sizes, or its value, never change; repeatable."),
    ] = [],  # noqa: B006
    cases: Cases = None,
    only: Only = [],  # noqa: B006
    rtol: Rtol = [],  # noqa: B006
    atol: Atol = [],  # noqa: B006
    level: Level = "standard",
    compare_time: Annotated[
        float, typer.Option("--compare-time", metavar="SECONDS", min=0.0, help="For latencies; 0: none.")
    ] = 6.0,
    contiguous: Annotated[
        bool, typer.Option("--contiguous", help="The server's inputs will be; other layouts stay behind.")
    ] = False,
    bytecode: Annotated[
        int | None, typer.Option("--bytecode", metavar="N", help="Of lite: what the phone's runtime reads.")
    ] = None,
    libraries: Libraries = [],  # noqa: B006
    force: Annotated[
        bool, typer.Option("--force", help="Leave the new artifact although it differs.")
    ] = False,
    allow_ops: AllowOps = [],  # noqa: B006
    sandbox: Sandboxed = "auto",
    timeout: Timeout = 600.0,
    json_file: Json = None,
    junit: Junit = None,
    markdown: Markdown = None,
    html: Html = None,
    quiet: Quiet = False,
    no_color: NoColor = False,
) -> None:
    """Convert a model to what comes after TorchScript, and prove that it computes the same.

    Every stage of the conversion runs all cases, the new artifact is verified in its own runner, and its
    latency is compared with the old one's. Only what is right is left at NEW, with its cases beside it.

    Exit codes: 0 safe to replace, 1 it differs, 3 part of what the old one does was not seen, 5 it cannot be
    converted, and those of verify. Of several the worst counts, but for --plan, where being blocked is a
    result.
    """
    _check(source, to, output, try_all, plan)
    results = Results("migrate", renderings_of(context.params))
    work = _Work(context.params, results)
    if plan is not None:
        work.fleet(plan)
    elif try_all or len(to) > 1:
        work.every(source or "", output)
    else:
        assert output is not None
        work.one(source or "", to[0], output)
    code = results.finish()
    raise typer.Exit(code if plan is None or results.interrupted else work.code_without_blocked())


def _check(source: str | None, to: list[str], output: Path | None, try_all: bool, plan: Path | None) -> None:
    if (source is None) == (plan is None):
        raise UsageError("name a source (model.pt or MODULE:FACTORY), or --plan DIR for a folder of them")
    if plan is not None and not plan.is_dir():
        raise UsageError(f"--plan {plan}: there is no such folder")
    if plan is not None and output is not None:
        raise UsageError("--plan leaves no artifacts; migrate the models that it names one by one")
    if plan is None and not try_all and not to:
        raise UsageError("state a target, --to aoti, executorch, onnx or lite; or --try-all")
    if len(to) == 1 and not try_all and plan is None and output is None:
        raise UsageError("state where the new artifact goes: -o NEW")
    if (len(to) > 1 or try_all) and output is not None and _names_a_file(output):
        raise UsageError(f"-o {output}: several targets need a folder for their artifacts, such as -o new")


def _names_a_file(output: Path) -> bool:
    from tsharness.migration.options import SUFFIXES

    return output.is_file() or output.suffix in SUFFIXES.values()


class _Work:
    """One command."""

    def __init__(self, params: Mapping[str, Any], results: Results) -> None:
        self._params, self._results = params, results
        self._color = use_color(params["no_color"])

    def code_without_blocked(self) -> int:
        """The worst exit code, but for models that cannot be converted."""
        from tsharness.verdict import ExitCode, worst

        codes = [one.exit_code for one in self._results.reports] + [e.exit_code for e in self._results.errors]
        return worst(code for code in codes if code != ExitCode.CANNOT_RUN)

    def one(self, source: str, to: str, output: Path) -> None:
        """A model to a target, told in full."""
        from tsharness.report.draw import print_report

        self._attempt(source, [(self._options(to), output)])
        for report in self._results.reports:
            print_report(report, self._console(), quiet=self._params["quiet"])

    def every(self, source: str, output: Path | None) -> None:
        """A model to several targets: their artifacts in the folder OUTPUT, if one is named."""
        from tsharness.scratch import ScratchFolder

        with ScratchFolder() as scratch:
            folder = output or Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            self._attempt(source, self._into(folder, source))
        self._table()

    def fleet(self, folder: Path) -> None:
        """Every TorchScript file of a folder to every target."""
        from tsharness.artifact.kind import kind_of
        from tsharness.scratch import ScratchFolder

        models = sorted(path for path in folder.rglob("*.pt") if path.is_file())
        models = [path for path in models if kind_of(path).runtime == "torchscript"]
        if not models:
            raise UsageError(f"--plan {folder}: there is no TorchScript file (.pt) below it")
        with ScratchFolder() as scratch:
            for number, path in enumerate(models, 1):
                self._attempt(str(path), self._into(Path(scratch), str(path)), f"{number} of {len(models)}, ")
        self._table()

    def _into(self, folder: Path, source: str) -> list[tuple[MigrateOptions, Path]]:
        return [(self._options(to), folder / _name(source, to)) for to in self._targets]

    @cached_property
    def _targets(self) -> list[str]:
        """Those that are stated, else all; what is not installed is told and left out."""
        from tsharness.errors import EnvironmentProblem
        from tsharness.migration.options import SUFFIXES
        from tsharness.runners.store import INSTALLED
        from tsharness.runtimes.registry import RUNTIMES, runner_for

        found = []
        for to in self._params["to"] or SUFFIXES:
            self._options(to)
            try:
                runner_for(RUNTIMES[to], INSTALLED)
                found.append(to)
            except EnvironmentProblem as error:
                if self._params["to"]:
                    raise
                say(f"{to} is left out: {' '.join(str(error).splitlines())}", err=True)
        return found

    def _attempt(self, source: str, targets: list[tuple[MigrateOptions, Path]], which: str = "") -> None:
        """What comes is kept at once: of several targets the first ones stay, whatever the others do."""
        from tsharness.migration.api import migrate_to_many

        with self._saying(f"{which}{Path(source).name}") as say:
            try:
                migrate_to_many(source, targets, self._results.reports.append, say)
            except TsharnessError as error:
                self._results.fail(Path(source), error)

    def _options(self, to: str) -> MigrateOptions:
        from tsharness.migration.options import MigrateOptions
        from tsharness.verification.plan import tolerance_layer

        params = self._params
        rtol, atol = (parse_tolerances(f"--{name}", params[name]) for name in ("rtol", "atol"))
        options = MigrateOptions(
            to=to,
            cases=path_of(params["cases"]),
            only=tuple(params["only"]),
            dynamic=tuple(params["dynamic"]),
            fixed=tuple(params["fixed"]),
            inputs_from=params["inputs_from"],
            libraries=tuple(map(Path, params["libraries"])),
            tolerance=tolerance_layer(rtol, atol, exact=False),
            level=params["level"],
            compare_seconds=params["compare_time"],
            contiguous=params["contiguous"],
            force=params["force"],
            allow_ops=tuple(params["allow_ops"]),
            sandbox=params["sandbox"],
            timeout=params["timeout"],
        )
        return replace(options, bytecode=params["bytecode"]) if to == "lite" or not self._several else options

    @property
    def _several(self) -> bool:
        return len(self._params["to"]) != 1

    @contextmanager
    def _saying(self, what: str) -> Iterator[Say]:
        import sys

        from tsharness.report.export_terminal import saying

        with saying(what, self._color, sys.stderr.isatty()) as say:
            yield lambda text: say(f"{what}: {text}", 0, None)

    def _table(self) -> None:
        from tsharness.migration.report import MigrateReport
        from tsharness.report.migrate_terminal import print_migrations

        reports = [one for one in self._results.reports if isinstance(one, MigrateReport)]
        if reports:
            print_migrations(reports, self._console())

    def _console(self) -> Any:
        from tsharness.report.console import console

        return console(self._color, stderr=self._results.renderings.take_standard_output)


def _name(source: str, to: str) -> str:
    from tsharness.migration.options import SUFFIXES

    stem = Path(source.partition(":")[0] if ":" in source else source).stem
    return f"{stem}{SUFFIXES[to]}"
