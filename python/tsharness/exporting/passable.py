"""Objects of script classes and enums, which torch.jit in Python cannot pass, and no case file can hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from tsharness.errors import InputError

_OBJECTS = ("ClassType", "EnumType", "InterfaceType", "AnyClassType", "AnyEnumType", "PyObjectType")


def check_passable(module: torch.jit.ScriptModule, methods: Iterable[str]) -> None:
    """Raises InputError where a method has to be given an object, or always gives one: before it is called,
    because what torch says of it is an internal assertion."""
    for name in dict.fromkeys(methods):
        if not hasattr(module, name):
            continue  # which is said by whoever calls it
        schema = module._c._get_method(name).schema
        for argument in schema.arguments[1:]:
            for type_ in () if argument.has_default_value() else _objects_in(argument.type):
                raise InputError(
                    f"{name}: argument '{argument.name}' takes a value of type {type_}, which only the "
                    "model can make; take tensors, numbers, strings, lists, tuples or dicts"
                )
        for result in schema.returns:
            for type_ in _objects_in(result.type):
                raise InputError(
                    f"{name}: a value of type {type_} cannot be compared or stored; return tensors, numbers, "
                    "strings, lists, tuples or dicts"
                )


def _objects_in(type_: Any) -> Iterator[str]:
    """Types of objects that a value of that type always has in it."""
    if type_.kind() in _OBJECTS:
        yield str(type_)
    elif type_.kind() in ("TupleType", "ListType", "DictType"):
        for held in type_.containedTypes():
            yield from _objects_in(held)
