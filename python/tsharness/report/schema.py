"""JSON Schema (2020-12) of documents that dataclasses describe: their types, with their docstrings."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import types
from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from functools import cache
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from tsharness.report.model import identity

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBERS = {"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", "nan"]}]}
"""JSON has no infinities: they are written as words."""


def schema_of(root: type, title: str, *, closed: bool = False) -> dict[str, Any]:
    """Of a document whose top is ``root``. ``closed``: a field that is not known is an error, for files that
    people write; reports stay open, for fields that later versions add."""
    builder = _Builder(closed)
    top = builder.of_dataclass(root)
    return {"$schema": DIALECT, "title": title, **top, "$defs": dict(sorted(builder.defs.items()))}


class _Builder:
    def __init__(self, closed: bool) -> None:
        self._closed = closed
        self.defs: dict[str, Any] = {}
        self._classes: dict[str, type] = {}

    def of_dataclass(self, cls: type) -> dict[str, Any]:
        hints, texts = get_type_hints(cls), field_texts(cls)
        properties, required, said = {}, [], identity(cls)
        for field in dataclasses.fields(cls):
            name = field.metadata.get("name", field.name)
            properties[name] = self._of(hints[field.name])
            if texts.get(field.name):
                properties[name] = {"description": texts[field.name], **properties[name]}
            if said is not None and field.name == said[0]:
                properties[name] = {"const": said[1]}
            needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if needed or (said is not None and field.name == said[0]):
                required.append(name)
        made: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
        if self._closed:
            made["additionalProperties"] = False
        return {"description": inspect.cleandoc(cls.__doc__ or ""), **made}

    def _of(self, hint: Any) -> dict[str, Any]:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            return {"anyOf": [self._of(argument) for argument in arguments]}
        if origin in (Mapping, dict):
            return {"type": "object", "additionalProperties": self._of(arguments[1])}
        if origin in (tuple, list, Sequence):
            return {"type": "array", "items": self._of(arguments[0])}
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return self._reference(hint)
        return _plain(hint)

    def _reference(self, cls: type) -> dict[str, Any]:
        if cls.__name__ not in self.defs:
            self.defs[cls.__name__] = {}
            self._classes[cls.__name__] = cls
            self.defs[cls.__name__] = self.of_dataclass(cls)
        if self._classes[cls.__name__] is not cls:
            raise ValueError(f"two dataclasses of one name: {cls} and {self._classes[cls.__name__]}")
        return {"$ref": f"#/$defs/{cls.__name__}"}


def _plain(hint: Any) -> dict[str, Any]:
    if hint is Any:
        return {}
    if hint is type(None):
        return {"type": "null"}
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return {"enum": [int(one) for one in hint]}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [one.value for one in hint]}
    if hint is float:
        return _NUMBERS
    names = {str: "string", Path: "string", bool: "boolean", int: "integer"}
    return {"type": names[hint]}


@cache
def field_texts(cls: type) -> dict[str, str]:
    """The string below each field, of the class and what it inherits from."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        if dataclasses.is_dataclass(one):
            found |= _own_texts(one)
    return found


def _own_texts(cls: type) -> dict[str, str]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found
