"""Example inputs as users write them."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch

from tsharness.errors import UsageError


class Inputs:
    """The arguments of one call: ``Inputs(x, mask=m)``, or ``Inputs(x, method="encode")``."""

    def __init__(self, *args: Any, method: str = "forward", **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs
        self.method = method

    @classmethod
    def of(cls, example: Any) -> Inputs:
        """A tensor is the only argument, a tuple holds the positional ones, a dict the named ones."""
        if isinstance(example, Inputs):
            return example
        if isinstance(example, tuple):
            return cls(*example)
        if isinstance(example, Mapping):
            return cls(**example)
        if isinstance(example, torch.Tensor):
            return cls(example)
        raise UsageError(
            f"example inputs of type {type(example).__name__}: expected a tensor, a tuple of "
            "arguments, a dict of named arguments, or tsharness.Inputs(...)"
        )

    def replaced(self, change: Callable[[str, Any], Any], names: Sequence[str]) -> Inputs:
        """The same call with every leaf (what is no container) replaced by ``change(name, leaf)``."""
        args = [map_leaves(_name(names, i), value, change) for i, value in enumerate(self.args)]
        kwargs = {name: map_leaves(name, value, change) for name, value in self.kwargs.items()}
        return Inputs(*args, method=self.method, **kwargs)

    def leaves(self, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Name and value of every leaf; ``names`` are those of the positional arguments."""
        for i, value in enumerate(self.args):
            yield from leaves_of(_name(names, i), value)
        for name, value in self.kwargs.items():
            yield from leaves_of(name, value)

    def copy(self) -> Inputs:
        """Tensors of its own, with the same strides: a model may write to what it is given."""
        return self.replaced(lambda _, leaf: copy_leaf(leaf), ())


def copy_leaf(leaf: Any) -> Any:
    return copy.deepcopy(leaf.detach()) if isinstance(leaf, torch.Tensor) else leaf


def _name(names: Sequence[str], position: int) -> str:
    return names[position] if position < len(names) else f"args[{position}]"


def argument_names(model: torch.nn.Module, method: str) -> tuple[str, ...]:
    """Names of a method's positional arguments, as far as it has any."""
    function = getattr(model, method)
    if isinstance(function, torch._C.ScriptMethod):
        return tuple(argument.name for argument in function.schema.arguments[1:])
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in parameters if p.kind in positional)


_SEVERAL = (
    ". A dict holds the arguments of one call by name; several examples are "
    '{{"{}": tsharness.Inputs(...), ...}}'
)


def check_arguments(model: torch.nn.Module, calls: Iterable[Inputs]) -> None:
    """Raises UsageError for a method, or an argument, that the model does not have."""
    for call in calls:
        function = getattr(model, call.method, None)
        if not callable(function):
            there = ", ".join(_methods(model)) or "none"
            raise UsageError(f"no method '{call.method}'; it has: {there}")
        names, open_ended = _keywords(function)
        unknown = [name for name in call.kwargs if name not in names]
        if unknown and not open_ended:
            there = ", ".join(names) or "none"
            several = any(not isinstance(value, torch.Tensor) for value in call.kwargs.values())
            do = _SEVERAL.format(unknown[0]) if several and len(unknown) == len(call.kwargs) else ""
            raise UsageError(f"{call.method}: no argument '{unknown[0]}'; it has: {there}{do}")


def _methods(model: torch.nn.Module) -> list[str]:
    if not isinstance(model, torch.jit.ScriptModule):
        return ["forward"]
    return [name for name in model._c._method_names() if not name.startswith("__")]


def _keywords(function: Any) -> tuple[tuple[str, ...], bool]:
    """Names by which a function takes arguments, and whether it takes any others."""
    if isinstance(function, torch._C.ScriptMethod):
        return tuple(argument.name for argument in function.schema.arguments[1:]), False
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return (), True
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    open_ended = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)
    return tuple(one.name for one in parameters if one.kind in named), open_ended


def map_leaves(name: str, value: Any, change: Callable[[str, Any], Any]) -> Any:
    """The same containers with each leaf changed."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        items = (map_leaves(f"{name}.{f}", v, change) for f, v in zip(value._fields, value, strict=True))
        return type(value)(*items)
    if isinstance(value, (list, tuple)):
        return type(value)(map_leaves(f"{name}[{i}]", v, change) for i, v in enumerate(value))
    if isinstance(value, dict):
        return {key: map_leaves(f"{name}.{key}", v, change) for key, v in value.items()}
    return change(name, value)


def leaves_of(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Name and value of every leaf of a tree, in order."""
    found: list[tuple[str, Any]] = []
    map_leaves(name, value, lambda leaf_name, leaf: found.append((leaf_name, leaf)))
    yield from found


def calls_of(example: Any) -> list[Inputs]:
    """A case is one call, or a list of calls that are made one after the other."""
    if isinstance(example, list):
        if not example:
            raise UsageError("a case needs at least one call, got an empty list")
        return [Inputs.of(item) for item in example]
    return [Inputs.of(example)]


def examples_of(example_inputs: Any, more: Mapping[str, Any] | None = None) -> dict[str, list[Inputs]]:
    """Named examples, the first of which a trace is made with. A dict whose values are all ``Inputs`` (or
    lists of them) names them itself; anything else is one example, called "example"."""
    named = (
        isinstance(example_inputs, Mapping)
        and example_inputs
        and all(isinstance(item, Inputs) for value in example_inputs.values() for item in _as_list(value))
    )
    examples = dict(example_inputs) if named else {"example": example_inputs}
    return {name: calls_of(example) for name, example in {**examples, **(more or {})}.items()}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) and value else [value]
