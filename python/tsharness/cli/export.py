"""``tsharness export``"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tsharness.cli.interrupts import Interrupts
from tsharness.cli.options import (
    Atol,
    Exact,
    Json,
    MemoryLimit,
    NoColor,
    Quiet,
    Rtol,
    Sizes,
    Specs,
    Timeout,
    Verbose,
    parse_size,
    parse_tolerances,
    use_color,
)
from tsharness.cli.output import write_json
from tsharness.errors import UsageError


def command(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="MODULE:NAME or file.py:NAME; a model, class or function.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write the artifact.")
    ],
    inputs_from: Annotated[
        str | None,
        typer.Option("--inputs", metavar="REF", help="file.py:NAME; example inputs or what makes them."),
    ] = None,
    inputs: Specs = [],  # noqa: B006
    dims: Sizes = [],  # noqa: B006
    dynamic: Annotated[
        list[str],
        typer.Option("--dynamic", metavar="x=N,*,H,W", help="Dims that change; N:1..64 is a range."),
    ] = [],  # noqa: B006
    fixed: Annotated[
        list[str],
        typer.Option("--fixed", metavar="INPUT", help="Its sizes never change: none is tried; repeatable."),
    ] = [],  # noqa: B006
    method: Annotated[str, typer.Option("--method", help="auto, trace or script.")] = "auto",
    families: Annotated[
        str,
        typer.Option(
            "--families", metavar="NAMES", help="all, none, or sizes,dims,flags,values,layout,zeros,..."
        ),
    ] = "all",
    format_: Annotated[
        str, typer.Option("--format", help="torchscript, or lite: with bytecode for phones (.ptl).")
    ] = "torchscript",
    train: Annotated[bool, typer.Option("--train", help="Keep the model's mode, instead of eval().")] = False,
    dtype: Annotated[str | None, typer.Option("--dtype", help="Cast to float16 or bfloat16.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="Move to cuda, cuda:1, ...")] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="Freeze: weights become constants.")] = False,
    optimize: Annotated[
        bool, typer.Option("--optimize-for-inference", help="torch.jit.optimize_for_inference.")
    ] = False,
    stages: Annotated[
        bool, typer.Option("--stages", help="Compare after every stage; print a table.")
    ] = False,
    rtol: Rtol = [],  # noqa: B006
    atol: Atol = [],  # noqa: B006
    exact: Exact = False,
    max_case_bytes: Annotated[
        str, typer.Option("--max-case-bytes", metavar="SIZE", help="Of all cases inside the artifact.")
    ] = "64MB",
    extra_files: Annotated[
        list[str],
        typer.Option("--extra-file", metavar="NAME=PATH", help="Goes into the archive; repeatable."),
    ] = [],  # noqa: B006
    force: Annotated[bool, typer.Option("--force", help="Write it even if its self-check fails.")] = False,
    timeout: Timeout = 600.0,
    memory_limit: MemoryLimit = None,
    json_file: Json = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
) -> None:
    """Export a model to TorchScript, and prove in C++ that it computes the same before the file is written.

    Exit codes: 0 written, 1 the model cannot be exported or comes out wrong, 2 usage, 5 and 6 the C++
    runner could not run it, or died, 8 no runner.
    """
    interrupts = Interrupts()
    from tsharness.cases.dims import parse_dynamic
    from tsharness.cases.input_spec import input_cases
    from tsharness.exporting.options import ExportOptions, parse_families, read_extra_files
    from tsharness.verification.plan import tolerance_layer

    options = ExportOptions(
        method=method,
        dynamic=parse_dynamic(dynamic) if dynamic else None,
        fixed=tuple(fixed),
        families=parse_families(families),
        format=format_,
        train=train,
        dtype=dtype,
        device=device,
        freeze=freeze,
        optimize_for_inference=optimize,
        stages=stages,
        tolerance=tolerance_layer(parse_tolerances("--rtol", rtol), parse_tolerances("--atol", atol), exact),
        max_case_bytes=parse_size(max_case_bytes, "--max-case-bytes"),
        extra_files=read_extra_files(extra_files),
        force=force,
        timeout=timeout,
        memory_limit=parse_size(memory_limit) if memory_limit else None,
    )
    report = _export(
        model, output, inputs_from, input_cases(inputs, dims), options, use_color(no_color), interrupts
    )
    if json_file is not None:
        write_json(report.to_dict(), json_file)
    from tsharness.report.console import console
    from tsharness.report.export_terminal import print_export

    out = console(use_color(no_color), stderr=json_file == "-")
    print_export(report, model, out, quiet=quiet, verbose=verbose)
    raise typer.Exit(0 if report.written and not report.forced else report.exit_code)


def _export(
    reference: str,
    output: Path,
    inputs_from: str | None,
    specs: tuple[Any, ...],
    options: Any,
    color: bool,
    interrupts: Interrupts,
) -> Any:
    from tsharness.exporting.inputs import examples_of
    from tsharness.exporting.load import load_inputs, load_model
    from tsharness.exporting.run import export_model
    from tsharness.exporting.synthesize import inputs_of
    from tsharness.report.export_terminal import saying

    with saying(f"loading {reference}", color, sys.stderr.isatty()) as say:
        model, example_inputs = load_model(reference)
        if inputs_from is not None:
            example_inputs = load_inputs(inputs_from)
        elif specs:
            example_inputs = inputs_of(specs)
        if example_inputs is None:
            raise UsageError(
                f"{reference} gives no example inputs: return (module, example_inputs), or add "
                "--inputs file.py:NAME, or describe them: --input 'x=float32[N,3,224,224]' --dim N=1"
            )

        def step(text: str, done: int = 0, total: int | None = None) -> None:
            interrupts.check()
            say(text, done, total)

        return export_model(model, examples_of(example_inputs), output, options, step)
