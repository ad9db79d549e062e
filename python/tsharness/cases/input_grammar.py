"""The values that ``--input`` takes behind ``NAME=``: tensors, plain values, and containers of these."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from tsharness.cases.specs import DictSpec, ListSpec, ScalarSpec, Spec, TensorSpec, TupleSpec
from tsharness.cases.values import DTYPES

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_TENSOR = re.compile(rf"(\w+)\[([^\[\]]*)\](?::({_NUMBER})\.\.({_NUMBER}))?")
_PLAIN = re.compile(rf"None|[Tt]rue|[Ff]alse|{_NUMBER}|'[^']*'|\"[^\"]*\"")
_KEY = re.compile(r"\s*(\w+|'[^']*'|\"[^\"]*\")\s*:")
_WORDS: dict[str, bool | None] = {"None": None, "true": True, "True": True, "false": False, "False": False}
_DEEPEST = 8  # containers in containers


def read_value(name: str, text: str) -> Spec:
    """The spec of one argument. Raises ValueError that says what is not understood."""
    reader = _Reader(text)
    spec = reader.value(name, 0)
    reader.skip_blanks()
    if reader.at < len(text):
        raise ValueError(f"'{text[reader.at :]}' is left over")
    return spec


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def value(self, name: str, depth: int) -> Spec:
        self.skip_blanks()
        if depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} containers in one another")
        start = self.text[self.at : self.at + 1]
        if start == "[":
            return ListSpec(name, self._several("]", lambda: self.value("item", depth + 1)))
        if start == "(":
            return TupleSpec(name, self._several(")", lambda: self.value("item", depth + 1)))
        if start == "{":
            entries = self._several("}", lambda: self.value(self._key(), depth + 1))
            if len({entry.name for entry in entries}) < len(entries):
                raise ValueError("a key occurs twice")
            return DictSpec(name, entries)
        return self._leaf(name)

    def skip_blanks(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def _several(self, end: str, one: Callable[[], Spec]) -> tuple[Spec, ...]:
        self.at += 1
        found: list[Spec] = []
        while True:
            self.skip_blanks()
            if self.text.startswith(end, self.at):
                self.at += 1
                return tuple(found)
            if found and not self._took(","):
                raise ValueError(f"',' or '{end}' is missing before '{self.text[self.at :]}'")
            found.append(one())

    def _took(self, sign: str) -> bool:
        found = self.text.startswith(sign, self.at)
        self.at += len(sign) if found else 0
        return found

    def _key(self) -> str:
        match = _KEY.match(self.text, self.at)
        if match is None:
            raise ValueError(f"'{self.text[self.at :]}' does not begin with 'KEY:'")
        self.at = match.end()
        return match[1].strip("'\"")

    def _leaf(self, name: str) -> Spec:
        tensor = _TENSOR.match(self.text, self.at)
        plain = _PLAIN.match(self.text, self.at)
        match = tensor or plain
        if match is None:
            raise ValueError(f"'{self.text[self.at :]}' is neither a tensor nor a value")
        self.at = match.end()
        if tensor is not None:
            return _tensor(name, tensor)
        return ScalarSpec(name, _WORDS[match[0]] if match[0] in _WORDS else ast.literal_eval(match[0]))


def _tensor(name: str, match: re.Match[str]) -> TensorSpec:
    dtype, sizes, low, high = match.groups()
    if dtype not in DTYPES:
        raise ValueError(f"unknown dtype '{dtype}'")
    names = [part.strip() for part in sizes.split(",")] if sizes.strip() else []
    dims = tuple(int(dim) if dim.isdecimal() else dim for dim in names)
    for dim in dims:
        if isinstance(dim, str) and not dim.isidentifier():
            raise ValueError(f"'{dim}' is neither a size nor a name")
    return TensorSpec(name, dtype, dims, float(low) if low else None, float(high) if high else None)
