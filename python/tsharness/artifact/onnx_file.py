"""An ONNX model, read from outside: its operators, and the files that its weights lie in. The fields' numbers
are those of ONNX's ``onnx.proto``; the package onnx is not needed."""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tsharness.artifact.protobuf import ProtobufError, Value, fields, message_of, text
from tsharness.errors import ArtifactError

_MODEL_GRAPH, _MODEL_OPSET, _MODEL_TRAINING, _MODEL_FUNCTION = 7, 8, 20, 25
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _SPARSE = 1, 5, 11, 12, 15
_OP_TYPE, _ATTRIBUTE, _DOMAIN = 4, 5, 7
_FUNCTION_NAME, _FUNCTION_NODE, _FUNCTION_DOMAIN, _FUNCTION_ATTRIBUTE = 1, 7, 10, 11
_TENSORS, _GRAPHS, _SPARSES = (5, 10), (6, 11), (22, 23)
_EXTERNAL_DATA, _LOCATION, _EXTERNAL = 13, 14, 1
_DEEPEST = 64  # graphs in attributes in graphs


@dataclass(frozen=True)
class ExternalData:
    """Where weights lie outside of the model's file."""

    location: str
    """A path, as the model states it."""
    offset: int = 0
    length: int = 0
    """Bytes; 0: to the end of the file."""


@dataclass
class OnnxModel:
    """What a model says of itself."""

    ir_version: int = 0
    producer: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    """Version by domain."""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    operators: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Domain and name of each node, those in functions and in branches too."""
    functions: set[tuple[str, str]] = field(default_factory=set)
    """Domain and name of those that it defines itself."""
    external: list[ExternalData] = field(default_factory=list)


def read_onnx(path: Path) -> OnnxModel:
    """Raises ArtifactError for what is none, or is damaged."""
    try:
        with path.open("rb") as file:
            # Closed with the last view of it.
            return _read(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except ProtobufError as error:
        raise ArtifactError(f"it cannot be read as ONNX: {error}") from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}") from None


def _read(model: memoryview) -> OnnxModel:
    found = OnnxModel()
    graphs = 0
    for number, value in fields(model):
        graphs += number == _MODEL_GRAPH
        _of_model(number, value, found)
    if graphs != 1:
        raise ProtobufError(f"holds {graphs} graphs")
    return found


def _of_model(number: int, value: Value, found: OnnxModel) -> None:
    if number == 1 and isinstance(value, int):
        found.ir_version = value
    elif number in (2, 3):
        found.producer = f"{found.producer} {text(value)}".strip()
    elif number == _MODEL_GRAPH:
        _graph(message_of(value), found, 0, outermost=True)
    elif number == _MODEL_OPSET:
        domain, version = "", 0
        for key, one in fields(message_of(value)):
            domain = text(one) if key == 1 else domain
            version = one if key == 2 and isinstance(one, int) else version
        found.opsets[domain] = version
    elif number == _MODEL_TRAINING:
        for key, one in fields(message_of(value)):
            if key in (1, 2):
                _graph(message_of(one), found, 0)
    elif number == _MODEL_FUNCTION:
        _function(message_of(value), found)


def _function(message: memoryview, found: OnnxModel) -> None:
    name = domain = ""
    for number, value in fields(message):
        if number == _FUNCTION_NODE:
            _node(message_of(value), found, 0)
        elif number == _FUNCTION_ATTRIBUTE:
            _attribute(message_of(value), found, 0)
        elif number == _FUNCTION_NAME:
            name = text(value)
        elif number == _FUNCTION_DOMAIN:
            domain = text(value)
    found.functions.add((domain, name))


def _graph(message: memoryview, found: OnnxModel, depth: int, outermost: bool = False) -> None:
    if depth > _DEEPEST:
        raise ProtobufError("holds graphs in graphs, too deep")
    for number, value in fields(message):
        if number == _NODE:
            _node(message_of(value), found, depth)
        elif number == _INITIALIZER:
            _tensor(message_of(value), found)
        elif number == _SPARSE:
            _sparse(message_of(value), found)
        elif outermost and number in (_INPUT, _OUTPUT):
            names = found.inputs if number == _INPUT else found.outputs
            names += [text(one) for key, one in fields(message_of(value)) if key == 1]


def _node(message: memoryview, found: OnnxModel, depth: int) -> None:
    name = domain = ""
    for number, value in fields(message):
        if number == _OP_TYPE:
            name = text(value)
        elif number == _DOMAIN:
            domain = text(value)
        elif number == _ATTRIBUTE:
            _attribute(message_of(value), found, depth)
    found.operators[domain, name] += 1


def _attribute(message: memoryview, found: OnnxModel, depth: int) -> None:
    for number, value in fields(message):
        if number in _TENSORS:
            _tensor(message_of(value), found)
        elif number in _GRAPHS:
            _graph(message_of(value), found, depth + 1)
        elif number in _SPARSES:
            _sparse(message_of(value), found)


def _sparse(message: memoryview, found: OnnxModel) -> None:
    for number, value in fields(message):
        if number in (1, 2):
            _tensor(message_of(value), found)


def _tensor(message: memoryview, found: OnnxModel) -> None:
    stated: dict[str, str] = {}
    external = False
    for number, value in fields(message):
        if number == _EXTERNAL_DATA:
            key, one = _entry(message_of(value))
            if key in stated:
                raise ProtobufError(f"states the {key} of a tensor twice")
            stated[key] = one
        elif number == _LOCATION:
            external = value == _EXTERNAL
    if not external and not stated:
        return
    numbers = [stated.get(key, "0") for key in ("offset", "length")]
    if not all(one.isascii() and one.isdigit() and len(one) < 20 for one in numbers):
        raise ProtobufError(f"states no place in the file of a tensor: {numbers}")
    found.external.append(ExternalData(stated.get("location", ""), *map(int, numbers)))


def _entry(message: memoryview) -> tuple[str, str]:
    read: Iterator[tuple[int, Value]] = fields(message)
    found = {number: text(value) for number, value in read}
    return found.get(1, ""), found.get(2, "")
