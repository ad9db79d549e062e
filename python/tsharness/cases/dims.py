"""Dynamic dims as users declare them: ``x=N:1..64,*,H,W``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tsharness.errors import UsageError

EXAMPLE = "'x=N,*,H,W', 'x=N:1..64,*' (its range), 'x=*,*,H:32..1024/32' (in steps of 32)"

AT_ONCE = "every free dim at once"
"""Name of the case that tries all of them."""

_SYMBOL = re.compile(r"(?P<name>[A-Za-z_]\w*)(:(?P<min>\d+)\.\.(?P<max>\d+)?(/(?P<step>\d+))?)?")


@dataclass(frozen=True)
class Symbol:
    """A dim whose size may change from call to call."""

    name: str
    min: int | None = None
    """Smallest size; ``None`` if nobody said."""
    max: int | None = None
    step: int = 1
    """Sizes are multiples of it apart."""

    def allows(self, size: int) -> bool:
        """Nothing (0) must be stated: few models are meant for it."""
        return size >= (1 if self.min is None else self.min) and (self.max is None or size <= self.max)

    def to_dict(self) -> dict[str, Any]:
        bounds = {"min": self.min, "max": self.max, "step": self.step if self.step != 1 else None}
        return {key: value for key, value in bounds.items() if value is not None}


Dynamic = Mapping[str, Mapping[int, Symbol]]
"""By the name of a tensor among the inputs ("x", "states[0]"), the symbols of its dims."""


def parse_symbol(text: str) -> Symbol:
    """Reads "N", "N:1..64", "H:32..1024/32". Raises UsageError."""
    match = _SYMBOL.fullmatch(text.strip())
    if not match:
        raise UsageError(f"dynamic dim '{text}' is not understood; for example {EXAMPLE}")
    low, high, step = match["min"], match["max"], match["step"]
    symbol = Symbol(
        match["name"], int(low) if low else None, int(high) if high else None, int(step) if step else 1
    )
    if (symbol.max is not None and symbol.min is not None and symbol.max < symbol.min) or symbol.step < 1:
        raise UsageError(f"dynamic dim '{text}': the range is empty")
    return symbol


def parse_dynamic(texts: Sequence[str]) -> Dynamic:
    """Reads ``--dynamic NAME=DIM,DIM,...``, with ``*`` for a fixed dim. Raises UsageError."""
    found: dict[str, dict[int, Symbol]] = {}
    for text in texts:
        name, equals, dims = text.partition("=")
        if not equals or not name or not dims:
            raise UsageError(f"--dynamic '{text}' is not understood; for example {EXAMPLE}")
        parts = [part.strip() for part in dims.split(",")]
        found[name] = {i: parse_symbol(part) for i, part in enumerate(parts) if part != "*"}
    return unified(found)


def unified(dynamic: Mapping[str, Mapping[int, Symbol | str]]) -> Dynamic:
    """The same symbol everywhere: a range that was stated once holds wherever the name stands.

    Raises UsageError if two ranges were stated for one name."""
    parsed = {
        name: {int(dim): s if isinstance(s, Symbol) else parse_symbol(s) for dim, s in dims.items()}
        for name, dims in dynamic.items()
    }
    stated: dict[str, Symbol] = {}
    for symbol in (s for dims in parsed.values() for s in dims.values()):
        known = stated.get(symbol.name)
        if symbol == Symbol(symbol.name) and known is not None:
            continue
        if known not in (None, symbol, Symbol(symbol.name)):
            raise UsageError(f"dim {symbol.name} has two ranges; state one")
        stated[symbol.name] = symbol
    return {name: {dim: stated[s.name] for dim, s in dims.items()} for name, dims in parsed.items()}
