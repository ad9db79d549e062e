"""The forms that arguments may have: containers, with a numbered slot in the place of each tensor or plain
value, and what may stand in each slot."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tsharness.cases.specs import DictSpec, ListSpec, ScalarSpec, Spec, TensorSpec, TupleSpec
from tsharness.verification.inputs.facts import Argument, Hint, Part, Type
from tsharness.verification.inputs.shapes import BATCH, SEQUENCE, fitting, of_rank, tensors

_MOST_FORMS = 6  # of one argument
_SCALARS: dict[str, tuple[int | float | bool | str, ...]] = {
    "int": (1, 16000, 0),
    "float": (1.0, 0.5),
    "bool": (False, True),
    "number": (1.0,),
    "str": ("",),
}
_BY_NAME: dict[str, tuple[int, ...]] = {"rate": (16000, 8000), "sr": (16000, 8000), "size": (64, 224, 32)}
_EXTENTS = ("window", "roi", "patch", "shape", "crop", "size")  # what lists of sizes are called
# For an element of a list of tensors: an image, what has a batch, a row.
_ELEMENTS = ((3, 224, 224), (1, 3, 224, 224), (BATCH, 10), (BATCH, SEQUENCE, 64), (10,), (1, 64, 64))
# For a tensor of which nothing at all is known.
_UNKNOWN = ((BATCH, 10), (1, 512), (BATCH, 3, 224, 224), (512,), (1, 16000), (BATCH,), ())


@dataclass(frozen=True)
class Slot:
    """The place of a tensor or of a plain value."""

    name: str
    type: str
    hints: tuple[Hint, ...]
    in_list: bool


def forms(argument: Argument, slots: list[Slot]) -> list[Spec]:
    """What an argument may look like, the likeliest first; its slots are added to ``slots``. Empty if nothing
    is known of its type."""
    whole = Part(argument.name, argument.hints, argument.parts, tested=False)
    return _forms(argument.name, argument.type, whole, slots, in_list=False)


def _forms(
    name: str, kind: Type, part: Part, slots: list[Slot], *, in_list: bool, within: str = ""
) -> list[Spec]:
    """``within``: the name of the list that it stands in."""
    if kind.name == "Optional" and len(kind.inner) == 1:
        given = _forms(name, kind.inner[0], part, slots, in_list=in_list)
        return [*given, ScalarSpec(name, None)]
    if kind.name == "List" and len(kind.inner) == 1:
        return [ListSpec(name, items) for items in _items(within or name, kind.inner[0], part, slots)]
    if kind.name == "Tuple" and kind.inner:
        parts = [
            _forms("item", one, _at(part, place), slots, in_list=in_list)
            for place, one in enumerate(kind.inner)
        ]
        return [TupleSpec(name, elements) for elements in _product(parts)]
    if kind.name == "Dict" and kind.inner[:1] == (Type("str"),) and len(kind.inner) == 2:
        return _dicts(name, kind.inner[1], part, slots)
    if kind.name == "Tensor" or kind.name in _SCALARS:
        slots.append(Slot(within or name, kind.name, part.hints, in_list))
        return [ScalarSpec(name, len(slots) - 1)]
    return []


def _at(part: Part, key: str | int) -> Part:
    """What the code says of that part of a container, and of any."""
    found = [p for p in part.parts if p.key in (key, None)]
    hints = tuple(hint for p in found for hint in p.hints)
    return Part(key, hints, tuple(inner for p in found for inner in p.parts), tested=False)


def _items(name: str, kind: Type, part: Part, slots: list[Slot]) -> list[tuple[Spec, ...]]:
    """As many as the code takes out, each of its own; else two of a kind, or three numbers."""
    places = [p.key for p in part.parts if isinstance(p.key, int)]
    if places and max(places) < 32:
        count = max(max(places) + 1, -min(places))
        return _product(
            [_forms("item", kind, _at(part, i), slots, in_list=True, within=name) for i in range(count)]
        )
    alike = 3 if kind.name == "int" else 2
    return [(form,) * alike for form in _forms("item", kind, _at(part, 0), slots, in_list=True, within=name)]


def _dicts(name: str, kind: Type, part: Part, slots: list[Slot]) -> list[Spec]:
    """With the keys that the code takes out; those that it asks for may be left out."""
    keys = {p.key: p.tested for p in part.parts if isinstance(p.key, str)}
    if not keys:
        return []
    needed = [key for key, tested in keys.items() if not tested]
    found: list[Spec] = []
    entries = {key: _forms(key, kind, _at(part, key), slots, in_list=False) for key in keys}
    for chosen in dict.fromkeys((tuple(needed), tuple(keys))):
        found += [DictSpec(name, parts) for parts in _product([entries[key] for key in chosen])]
    return found


def _product(parts: Sequence[Sequence[Spec]]) -> list[tuple[Spec, ...]]:
    return list(itertools.islice(itertools.product(*parts), _MOST_FORMS))


def aligned(slots: Sequence[Slot], sizes: Sequence[int]) -> list[list[Spec]]:
    """What may stand in each slot, the likeliest first. Tensors of which nothing is known have the shape of
    the first tensor of which something is: masks, positions, states of one more sequence."""
    choices = [_choices(slot, sizes) for slot in slots]
    known = next((c[0] for c in choices if c and isinstance(c[0], TensorSpec)), None)
    return [
        choice or _like(slot, known if isinstance(known, TensorSpec) else None)
        for slot, choice in zip(slots, choices, strict=True)
    ]


def _choices(slot: Slot, sizes: Sequence[int]) -> list[Spec]:
    if slot.type == "Tensor":
        return list(tensors(slot.name, slot.hints, sizes))
    stated = [value for hint in slot.hints for value in hint.get("values", ())]
    named = next((v for key, v in _BY_NAME.items() if key in slot.name.lower()), ())
    if slot.in_list and any(word in slot.name.lower() for word in _EXTENTS):
        named = (32, 16, 64)
    values = [*stated, *(named if slot.type == "int" else ()), *_SCALARS[slot.type]]
    return [ScalarSpec(slot.name, value) for value in dict.fromkeys(values)]


def _like(slot: Slot, known: TensorSpec | None) -> list[Spec]:
    name = slot.name
    if slot.in_list:
        usual = [TensorSpec(name, "float32", dims) for dims in _ELEMENTS]
        return list(fitting([*usual, *of_rank(name, slot.hints)], slot.hints))
    shapes = _beside(known)
    integers = [TensorSpec(name, "int64", dims, 1, 1) for dims in shapes] if "mask" in name else []
    plain = [TensorSpec(name, dtype, dims) for dims in shapes for dtype in ("int64", "float32")]
    if known is None:
        plain += [TensorSpec(name, "float32", dims) for dims in _UNKNOWN]
        plain.sort(key=lambda spec: spec.dtype != "float32")
    found = [*integers, *plain, *of_rank(name, slot.hints)]
    return list(fitting(list(dict.fromkeys(found)), slot.hints))


def _beside(known: TensorSpec | None) -> list[tuple[int | str, ...]]:
    """Of a tensor of which nothing is known: one number for each token of a text, or for each image."""
    if known is None:
        return [(BATCH, SEQUENCE)]
    shapes = [known.dims[:2], known.dims[:1]]
    return list(dict.fromkeys(shapes if len(known.dims) < 4 else shapes[::-1]))
