"""The one place that calls torch.jit, so that its deprecation warnings are handled once."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.jit import TracerWarning  # type: ignore[attr-defined]


@dataclass(frozen=True)
class ExportWarning:
    """A warning that torch gave while it exported: the trace may not do what the model does."""

    message: str
    file: str
    line: int
    code: str
    """The line of source, if it can be read."""


@contextmanager
def without_deprecation() -> Iterator[None]:
    """torch.jit warns at every entry that it is deprecated (DeprecationWarning in 2.13, FutureWarning
    from 2.14). Whoever calls tsharness knows."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning):
            warnings.filterwarnings("ignore", ".*torch.jit.*", category)
            warnings.filterwarnings("ignore", ".*TorchScript.*", category)
        yield


def script(model: torch.nn.Module) -> torch.jit.ScriptModule:
    """``torch.jit.script``."""
    with without_deprecation():
        scripted = torch.jit.script(model)
    assert isinstance(scripted, torch.jit.ScriptModule)
    return scripted


def trace(
    model: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[torch.jit.ScriptModule, tuple[ExportWarning, ...]]:
    """``torch.jit.trace``, and what it warned of."""
    with warnings.catch_warnings(record=True) as caught, without_deprecation():
        warnings.simplefilter("always", TracerWarning)
        # check_trace only warns, and drops outputs that are not tensors: the cases check instead.
        if kwargs:
            example = _positional(model, args, kwargs)
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                model, example_kwarg_inputs=example, check_trace=False
            )
        else:
            traced = torch.jit.trace(model, args, check_trace=False)  # type: ignore[no-untyped-call]
    found = [_export_warning(w) for w in caught if issubclass(w.category, TracerWarning)]
    return traced, tuple(dict.fromkeys(found))


def _positional(model: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """torch traces positional or keyword inputs, not both: name them all."""
    import inspect

    return dict(inspect.signature(model.forward).bind(*args, **kwargs).arguments)


def _export_warning(caught: warnings.WarningMessage) -> ExportWarning:
    message = str(caught.message).splitlines()[0]
    code = linecache.getline(caught.filename, caught.lineno).strip()
    return ExportWarning(message, Path(caught.filename).name, caught.lineno, code)


def save(module: torch.jit.ScriptModule, path: Path) -> None:
    """``torch.jit.save``."""
    with without_deprecation():
        torch.jit.save(module, str(path))


def load(path: Path, device: str = "cpu") -> torch.jit.ScriptModule:
    """``torch.jit.load``. Runs what the file says: use it in a process of its own."""
    with without_deprecation():
        module = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
    assert isinstance(module, torch.jit.ScriptModule)
    return module
