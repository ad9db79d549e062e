"""The one place that calls torch.jit, so that its deprecation warnings are handled once."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch.jit import TracerWarning  # type: ignore[attr-defined]

from tsharness.exporting import graph
from tsharness.exporting.inputs import Inputs
from tsharness.exporting.source import Place, current_place, is_machinery, place


@dataclass
class Heard:
    """Warnings that torch gave while the block ran."""

    tracer: list[tuple[str, Place]] = field(default_factory=list)
    """First line of each TracerWarning, and the line of source that it is about."""
    deprecated: list[str] = field(default_factory=list)


_ROOM_FOR_CODE = 4_000_000  # bytes; of a large network's code with its source lines, several times over

_DEPRECATED = ("torch.jit", "TorchScript", "Lite Interpreter")
"""What a warning of torch's names that says so."""

_LISTENING: ContextVar[bool] = ContextVar("listening", default=False)


@contextmanager
def listening() -> Iterator[Heard]:
    """torch.jit warns at every entry that it is deprecated (DeprecationWarning in 2.13, FutureWarning
    from 2.14), and the tracer of what it could not follow: both are kept. Other warnings go their way."""
    heard, others, token = Heard(), [], _LISTENING.set(True)

    def note(message: Warning | str, category: type[Warning], filename: str, line: int, *_: Any) -> None:
        text = str(message)
        if issubclass(category, TracerWarning):
            heard.tracer.append((text.splitlines()[0], _users_place(filename, line)))
        elif _is_deprecation(category, text):
            heard.deprecated.append(text.splitlines()[0])
        else:
            others.append((text, category, filename, line))

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        for category in (TracerWarning, DeprecationWarning, FutureWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = note  # type: ignore[assignment]
        try:
            yield heard
        finally:
            _LISTENING.reset(token)
            heard.tracer[:] = dict.fromkeys(heard.tracer)
    for other in dict.fromkeys(others):
        warnings.warn_explicit(*other)


def _users_place(filename: str, line: int) -> Place:
    """Where a warning points to; if that is in torch, the line of the user's that led there."""
    own = current_place(None) if is_machinery(filename) else None
    return replace(own, through=place(filename, line).file) if own is not None else place(filename, line)


def _is_deprecation(category: type[Warning], message: str) -> bool:
    about = any(name in message for name in _DEPRECATED)
    return about and issubclass(category, (DeprecationWarning, FutureWarning))


@contextmanager
def without_deprecation() -> Iterator[None]:
    """Whoever calls tsharness knows that torch.jit is deprecated; ``listening`` hears it all the same."""
    if _LISTENING.get():
        yield
        return
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning):
            for name in _DEPRECATED:
                warnings.filterwarnings("ignore", f".*{name}.*", category)
        yield


def script(model: torch.nn.Module) -> torch.jit.ScriptModule:
    """``torch.jit.script``."""
    with without_deprecation():
        scripted = torch.jit.script(model)
    assert isinstance(scripted, torch.jit.ScriptModule)
    return scripted


def trace(
    model: torch.nn.Module, examples: Mapping[str, Inputs], strict: bool = True
) -> torch.jit.ScriptModule:
    """``torch.jit.trace`` of ``forward``, or ``trace_module`` of several methods, an example for each.
    Methods that are marked ``@torch.jit.export`` are left to torch, which scripts them into the trace."""
    examples = {name: call for name, call in examples.items() if not _is_exported(getattr(model, name))}
    # check_trace only warns, and drops outputs that are not tensors: the cases check instead.
    options: dict[str, Any] = {"check_trace": False, "strict": strict}
    with without_deprecation():
        if set(examples) == {"forward"}:
            call = examples["forward"].copy()
            if call.kwargs:
                options["example_kwarg_inputs"] = _named(model.forward, call)
                return torch.jit.trace(model, **options)  # type: ignore[no-untyped-call, no-any-return]
            return torch.jit.trace(model, call.args, **options)  # type: ignore[no-untyped-call, no-any-return]
        inputs = {name: _positional(getattr(model, name), call.copy()) for name, call in examples.items()}
        traced = torch.jit.trace_module(model, inputs, **options)  # type: ignore[no-untyped-call]
        assert isinstance(traced, torch.jit.ScriptModule)
        return traced


def _is_exported(method: Any) -> bool:
    from torch._jit_internal import FunctionModifiers, get_torchscript_modifier

    return get_torchscript_modifier(method) is FunctionModifiers.EXPORT  # type: ignore[no-untyped-call]


def _named(function: Callable[..., Any], call: Inputs) -> dict[str, Any]:
    """torch traces positional or keyword inputs, not both: name them all."""
    return dict(inspect.signature(function).bind(*call.args, **call.kwargs).arguments)


def _positional(function: Callable[..., Any], call: Inputs) -> tuple[Any, ...]:
    """``trace_module`` takes positional inputs alone: defaults fill the gaps between named ones."""
    bound = inspect.signature(function).bind(*call.args, **call.kwargs)
    bound.apply_defaults()
    return tuple(bound.args)


def freeze(module: torch.jit.ScriptModule, methods: list[str]) -> torch.jit.ScriptModule:
    """``torch.jit.freeze``: parameters become constants of the graph."""
    with without_deprecation():
        # Without preserved attributes, only forward survives.
        kept = [name for name in methods if name != "forward"]
        frozen = torch.jit.freeze(module, preserved_attrs=kept)
    assert isinstance(frozen, torch.jit.ScriptModule)
    return frozen


def optimize_for_inference(module: torch.jit.ScriptModule, methods: list[str]) -> torch.jit.ScriptModule:
    """``torch.jit.optimize_for_inference``: freezes, then rewrites for the device."""
    with without_deprecation():
        others = [name for name in methods if name != "forward"]
        return torch.jit.optimize_for_inference(module, other_methods=others or None)


def save(
    module: torch.jit.ScriptModule,
    path: Path,
    *,
    lite: bool = False,
    extra_files: Mapping[str, bytes] | None = None,
) -> None:
    """``torch.jit.save``; ``lite``: with bytecode for the lite interpreter besides; ``extra_files``: torch's
    ``_extra_files``, by their names. Raises OSError if there is no room, which is made sure of first: torch's
    writer, when the disk is full, throws in a destructor, and that would end the process."""
    extra = dict(extra_files or {})
    room = _bytes_of(module) + sum(map(len, extra.values())) + _ROOM_FOR_CODE
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room)
    with without_deprecation():
        if lite:
            module._save_for_lite_interpreter(str(path), _extra_files=extra)
        else:
            torch.jit.save(module, str(path), extra)


def _bytes_of(module: torch.jit.ScriptModule) -> int:
    """Of all tensors: parameters, buffers, and the constants that a frozen module's weights have become."""
    tensors = [*module.parameters(), *module.buffers(), *graph.tensor_constants(module)]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def load(path: Path, device: str = "cpu") -> torch.jit.ScriptModule:
    """``torch.jit.load``. Runs what the file says: use it in a process of its own."""
    with without_deprecation():
        module = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
    assert isinstance(module, torch.jit.ScriptModule)
    return module
