"""What is known of a function that writes to its arguments, and what that means for whoever calls it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tsharness.artifact.code import Function
from tsharness.inspection.aliases import FRESH, NOTHING, Label, Value, joined


@dataclass(frozen=True)
class Write:
    """A place that writes to what came in."""

    to: frozenset[Label]
    """In terms of the function that was asked for."""
    function: Function
    """Where it stands."""
    node: ast.AST
    op: str = ""
    attribute: str = ""


@dataclass
class Summary:
    """Of one function, in terms of its arguments."""

    result: Value = FRESH
    writes: dict[tuple[int, str], Write] = field(default_factory=dict)
    """By the place."""
    stores: dict[Label, frozenset[Label]] = field(default_factory=dict)
    """What an argument holds afterwards, by where it holds it."""

    def note(self, write: Write) -> None:
        """One more, or one more thing that is written to at the same place."""
        place = (id(write.node), write.attribute)
        known = self.writes.get(place)
        self.writes[place] = replace(write, to=write.to | known.to) if known else write

    def store(self, place: Label, labels: frozenset[Label]) -> None:
        self.stores[place] = self.stores.get(place, NOTHING) | labels

    def called_with(self, values: Sequence[Value]) -> Summary:
        """The same in terms of the caller, who gives these."""

        def given(position: int) -> Value:
            return values[position] if position < len(values) else FRESH

        def here(labels: frozenset[Label]) -> frozenset[Label]:
            found = NOTHING
            for position, within in labels:
                found |= given(position).held(within) if within else given(position).own
            return found

        def translated(value: Value) -> Value:
            fields = {name: here(labels) for name, labels in value.fields.items()}
            items = tuple(map(translated, value.items))
            same = [given(position) for position, within in value.own if not within]
            return joined([Value(here(value.own), here(value.inside), fields, items, value.type), *same])

        found = Summary(translated(self.result))
        for write in self.writes.values():
            if to := here(write.to):
                found.note(replace(write, to=to))
        found.stores = {place: here(labels) for place, labels in self.stores.items()}
        return found
