"""Values as the analysis of writes sees them: what of the arguments of a function they may be, or hold."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

Label = tuple[int, str]
"""An argument of the function by its position: itself (""), an item that it holds ("*"), or an attribute, by
its name; and all that this holds in its turn."""
NOTHING: frozenset[Label] = frozenset()
ITEM = "*"
_CONTAINERS = ("List[", "Dict[", "Tuple[")


@dataclass(frozen=True)
class Value:
    """What an expression gives."""

    own: frozenset[Label] = NOTHING
    """It may be these, or share their memory."""
    inside: frozenset[Label] = NOTHING
    """Besides what these hold, it may hold these."""
    fields: Mapping[str, frozenset[Label]] = field(default_factory=dict)
    """And in its attributes these."""
    items: tuple[Value, ...] = ()
    """Of a tuple, if they are known one by one."""
    type: str = ""
    """In TorchScript's notation; empty if it is not known."""

    @property
    def all(self) -> frozenset[Label]:
        return self.own.union(self.inside, *self.fields.values())

    def held(self, name: str = ITEM) -> frozenset[Label]:
        """What an item of it, or an attribute, may be."""
        deeper = frozenset((position, within or name) for position, within in self.own)
        return deeper | self.inside | self.fields.get(name, NOTHING)

    def element(self, index: object = None) -> Value:
        """An item of it."""
        if isinstance(index, int) and -len(self.items) <= index < len(self.items):
            return self.items[index]
        return Value(self.held(), type=element_type(self.type))

    def holding(self, more: frozenset[Label], name: str = ITEM) -> Value:
        """Itself, with more in it."""
        if name == ITEM:
            return replace(self, inside=self.inside | more, items=())
        return replace(self, fields=_united((self.fields, {name: more})))


FRESH = Value()


def joined(values: Iterable[Value]) -> Value:
    """A value that may be any of these."""
    found = list(values)
    if len(found) == 1:
        return found[0]
    lengths = {len(one.items) for one in found}
    columns = zip(*(one.items for one in found), strict=True) if len(lengths) == 1 else ()
    return Value(
        NOTHING.union(*(one.own for one in found)),
        NOTHING.union(*(one.inside for one in found)),
        _united(one.fields for one in found),
        tuple(map(joined, columns)),
        next((one.type for one in found if one.type), ""),
    )


def _united(fields: Iterable[Mapping[str, frozenset[Label]]]) -> Mapping[str, frozenset[Label]]:
    found: dict[str, frozenset[Label]] = {}
    for one in fields:
        for name, labels in one.items():
            found[name] = found.get(name, NOTHING) | labels
    return found


def tuple_of(values: Sequence[Value]) -> Value:
    return Value(inside=NOTHING.union(*(one.all for one in values)), items=tuple(values), type="Tuple[]")


def element_type(type_: str) -> str:
    """Of "List[T]" and "Dict[K, T]": "T"; empty if that is not told."""
    try:
        node = ast.parse(type_, mode="eval").body
    except SyntaxError:
        return ""
    if not isinstance(node, ast.Subscript) or ast.unparse(node.value) not in ("List", "Dict"):
        return ""
    inner = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
    return ast.unparse(inner)


def without_optional(type_: str) -> str:
    return type_.removeprefix("Optional[").removesuffix("]") if type_.startswith("Optional[") else type_


@cache
def effects() -> Mapping[str, Mapping[str, Sequence[int | str]]]:
    """What operators do with their arguments beside reading them (docs/generate_operators.py)."""
    text = files("tsharness.inspection").joinpath("effects.json").read_text()
    found: Mapping[str, Mapping[str, Sequence[int | str]]] = json.loads(text)
    return found


def effects_of(op: str) -> Mapping[str, Sequence[int | str]]:
    """Those of an operator; of one that is in no table, what its name says."""
    known = effects().get(op)
    if known is not None:
        return known
    name = op.partition("::")[2]
    return {"writes": [0], "same": [0]} if name.endswith("_") and not name.startswith("__") else {}


def written_places(op: str, arguments: Mapping[int | str, Value]) -> Iterator[int | str]:
    """Which of them an operator writes to; some write to lists alone."""
    effect = effects_of(op)
    yield from (place for place in effect.get("writes", ()) if place in arguments)
    for place in effect.get("changes", ()):
        if place in arguments and _is_container(arguments[place]):
            yield place


def operator_result(op: str, arguments: Mapping[int | str, Value]) -> Value:
    """What an operator gives for these arguments."""
    effect = effects_of(op)

    def taken(key: str) -> list[Value]:
        return [arguments[place] for place in effect.get(key, ()) if place in arguments]

    containers = [one for one in arguments.values() if _is_container(one)]
    if containers and ("copy" in effect or "element" in effect):
        if any(one in containers for one in taken("element")):
            held = [one.element() for one in taken("element")]
            return joined([*held, *taken("same")])
        if any(one in containers for one in taken("copy")) and "writes" not in effect:
            inside = NOTHING.union(*(one.held() for one in taken("copy")))
            return Value(inside=inside, type=_copied(op, taken("copy")[0].type))
    parts = taken("parts")
    if parts:
        return Value(inside=NOTHING.union(*(one.all for one in parts)), type="List[Tensor]")
    return joined(taken("same")) if taken("same") else FRESH


def _is_container(value: Value) -> bool:
    return without_optional(value.type).startswith(_CONTAINERS)


def _copied(op: str, type_: str) -> str:
    if op == "aten::items":
        return f"List[Tuple[str, {element_type(type_)}]]" if element_type(type_) else "List[]"
    return f"List[{element_type(type_)}]" if op == "aten::values" and element_type(type_) else type_
