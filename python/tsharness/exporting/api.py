"""``tsharness.export``: a model into an artifact that was proved in C++ before it got its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tsharness.cases.dims import unified
from tsharness.errors import UsageError
from tsharness.exporting.inputs import Inputs, examples_of
from tsharness.exporting.options import MAX_CASE_BYTES, ExportOptions
from tsharness.exporting.report import ExportReport
from tsharness.exporting.run import export_model
from tsharness.verification.plan import tolerance_layer


def export(
    model: torch.nn.Module,
    example_inputs: Any,
    path: str | Path,
    *,
    method: str = "auto",
    cases: Mapping[str, Any] | None = None,
    methods: Mapping[str, Any] | None = None,
    dynamic: Mapping[str, Mapping[int, str]] | None = None,
    fixed: Sequence[str] = (),
    families: str | Sequence[str] = "all",
    format: str = "torchscript",  # noqa: A002
    train: bool = False,
    dtype: str | None = None,
    device: str | None = None,
    freeze: bool = False,
    optimize_for_inference: bool = False,
    stages: bool = False,
    rtol: float | Mapping[str, float] | None = None,
    atol: float | Mapping[str, float] | None = None,
    exact: bool = False,
    max_case_bytes: int = MAX_CASE_BYTES,
    extra_files: Mapping[str, str | bytes] | None = None,
    force: bool = False,
    timeout: float = 600.0,
    memory_limit: int | None = None,
) -> ExportReport:
    """Exports ``model`` to ``path``: records what it computes in Python on its examples and on families of
    inputs made from them, converts it, has the C++ runner compare, and only then gives the file its name.
    The model, and everything else in this process, is left as it was.

    ``example_inputs``: a tensor, a tuple of arguments, a dict of named ones, ``Inputs``, a list of these (a
    sequence of calls on one module), or a dict of names to ``Inputs``. The first is traced with.
    ``cases``: more of them, by name. ``methods``: example inputs of other methods than ``forward``, by the
    method's name; these methods are exported, too.
    ``method``: "trace", "script", or "auto": both are tried (docs/export.md says how it chooses).
    ``dynamic``: ``{"x": {0: "N:1..64"}}``, by input and dim the symbol, with its range if it has one.
    ``fixed``: names of inputs whose sizes never change. What is named in neither is tried at other sizes, the
    batch first; those that the model takes in Python are proved, too.
    ``families``: "all", or kinds and names ("sizes", "dims", "values", "zeros", ...); () for none.
    ``format``: "torchscript", or "lite" with bytecode for phones (.ptl), which the lite interpreter proves.
    ``train``: export in the mode that the model is in, instead of in eval mode.
    ``dtype``, ``device``, ``freeze``, ``optimize_for_inference``: what is done to it; the outputs are
    compared after each, and ``stages`` compares after every stage.
    ``rtol``, ``atol``, ``exact``: tolerances other than torch's own; kept in the artifact's cases.
    ``max_case_bytes``: bound on the cases' tensors, in bytes. ``extra_files``: by name, texts or bytes that
    go into the archive, as torch.jit.save's ``_extra_files`` do. ``force`` writes a file that failed, too.
    ``timeout`` in seconds and ``memory_limit`` in bytes bound the runner.

    Raises UsageError for wrong arguments, ExportError (with ``.report``) if the model cannot be exported or
    the result is wrong, EnvironmentProblem without a runner.
    """
    if not isinstance(model, torch.nn.Module):
        raise UsageError(f"expected a torch.nn.Module, got {type(model).__name__}")
    options = ExportOptions(
        method=method,
        dynamic=None if dynamic is None else unified(dynamic),
        fixed=tuple(fixed),
        families=(families,) if isinstance(families, str) else tuple(families),
        format=format,
        train=train,
        dtype=dtype,
        device=device,
        freeze=freeze,
        optimize_for_inference=optimize_for_inference,
        stages=stages,
        tolerance=tolerance_layer(rtol, atol, exact),
        max_case_bytes=max_case_bytes,
        extra_files={
            name: data.encode() if isinstance(data, str) else data
            for name, data in (extra_files or {}).items()
        },
        force=force,
        timeout=timeout,
        memory_limit=memory_limit,
    )
    examples = examples_of(example_inputs, {**(cases or {}), **_named_methods(methods or {})})
    report = export_model(model, examples, Path(path), options)
    if not report.written:
        report.raise_for_verdict()
    return report


def _named_methods(methods: Mapping[str, Any]) -> dict[str, Inputs]:
    given = {name: Inputs.of(example) for name, example in methods.items()}
    return {name: Inputs(*call.args, method=name, **call.kwargs) for name, call in given.items()}
