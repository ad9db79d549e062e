"""From ``MODULE:FACTORY`` or ``path/to/file.py:factory`` on a command line to a model and its inputs."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import torch

from tsharness.errors import ExportError, UsageError
from tsharness.exporting.source import user_traceback

T = TypeVar("T")

_FORM = "MODULE:NAME or path/to/file.py:NAME"


def load_object(reference: str) -> Any:
    """The object that a reference names. Raises UsageError if there is none, ExportError, with the user's own
    traceback, if the code around it raises."""
    where, colon, name = reference.rpartition(":")
    if not colon or not where or not name:
        raise UsageError(f"'{reference}' is not understood: expected {_FORM}")
    module = _import(where)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise UsageError(
                f"{where} has no '{name}'; it has: {', '.join(_candidates(module)) or 'nothing'}"
            )
        found = getattr(found, part)
    return found


def load_model(reference: str) -> tuple[torch.nn.Module, Any]:
    """A model and its example inputs, ``None`` if the reference gives none. It names a module instance, a
    class, or a function that returns a module or ``(module, example_inputs)``."""
    found = load_object(reference)
    if not isinstance(found, torch.nn.Module):
        if not callable(found):
            raise UsageError(
                f"{reference} is a {type(found).__name__}: expected a torch.nn.Module, its class, or a "
                "function that returns one"
            )
        _check_makes(reference, found)
        found = running_user_code(reference, found)
    example_inputs = None
    if isinstance(found, tuple) and len(found) == 2:
        found, example_inputs = found
    if not isinstance(found, torch.nn.Module):
        do = "; put it into the forward of a torch.nn.Module" if callable(found) else ""
        raise UsageError(
            f"{reference} gave a {type(found).__name__}: expected a model or (model, example_inputs){do}"
        )
    return found, example_inputs


def _check_makes(reference: str, function: Callable[..., Any]) -> None:
    """Raises UsageError for a function, or a class, that cannot be called without arguments: often it is the
    model itself."""
    if isinstance(function, torch.jit.ScriptFunction):
        schema: Any = function.schema  # a property, whatever the stub says
        needed = [one.name for one in schema.arguments if not one.has_default_value()]
    else:
        needed = _needed(function)
    if needed:
        raise UsageError(
            f"{reference} takes arguments ({', '.join(needed)}): expected a model, or what makes one without "
            "any. A function that is the model itself goes into the forward of a torch.nn.Module"
        )


def _needed(function: Callable[..., Any]) -> list[str]:
    """Names of the arguments that have no default, as far as Python tells them."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one.name for one in parameters if one.default is one.empty and one.kind not in open_ended]


def load_inputs(reference: str) -> Any:
    """Example inputs: what the function of that name returns, or the object itself."""
    found = load_object(reference)
    return running_user_code(reference, found) if callable(found) else found


def running_user_code(what: str, function: Callable[[], T]) -> T:
    """Calls it; whatever it raises becomes an ExportError that shows the user's frames alone."""
    try:
        return function()
    except Exception as error:
        raise ExportError(f"{what} raised:\n{user_traceback(error)}") from error


def _import(where: str) -> ModuleType:
    path = Path(where)
    if path.suffix == ".py":
        return _import_file(path)
    # What lies in the working folder can be named, as with python -m.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = importlib.util.find_spec(where)
    except (ModuleNotFoundError, ValueError):
        found = None
    if found is None:
        raise UsageError(f"there is no module '{where}'; a file is named as path/to/file.py:NAME")
    return running_user_code(f"importing {where}", lambda: importlib.import_module(where))


def _import_file(path: Path) -> ModuleType:
    """As Python runs a script: the file's folder comes first on sys.path, so that its neighbours import."""
    if not path.is_file():
        raise UsageError(f"{path} does not exist")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    known = sys.modules.get(path.stem)
    if known is not None and getattr(known, "__file__", None) == str(path.resolve()):
        return known
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported")
    module, loader = importlib.util.module_from_spec(spec), spec.loader
    # Under its own name, so that TorchScript finds the source of its classes, and pickle finds the classes.
    sys.modules[path.stem] = module
    running_user_code(f"importing {path}", lambda: loader.exec_module(module))
    return module


def _candidates(module: ModuleType) -> list[str]:
    """What in a module could be meant: its own classes of models, and models."""
    found = []
    for name, value in vars(module).items():
        own = getattr(value, "__module__", None) == module.__name__
        if isinstance(value, torch.nn.Module) or (callable(value) and own and not name.startswith("_")):
            found.append(name)
    return found
