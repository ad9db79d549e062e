"""Over which sizes a pass was proved, where it is only one though there may be others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tsharness.verification.checks.batch import batches_alone, shows_other_batches
from tsharness.verification.checks.context import Context
from tsharness.verification.checks.signature import tensors_of
from tsharness.verification.plan import Plan

_BATCH = re.compile(r"batch \d{1,9}")
_SYMBOL = re.compile(r"[A-Za-z_]\w{0,63}")


def sizes_alone(context: Context) -> tuple[str, ...]:
    """ "batch 1" for a batch declared fixed, or beside which the artifact takes no other; "N = 4" for
    a dim that the signature calls free, and that all cases have at one size."""
    found = [*_declared(context.plan), *batches_alone(context), *_one_size(context)]
    return tuple(dict.fromkeys(found))


def _declared(plan: Plan) -> Iterator[str]:
    """What an export has noted; a file may say anything."""
    stated = plan.document.provenance.get("fixed")
    for text in stated if isinstance(stated, list) else ():
        if isinstance(text, str) and _BATCH.fullmatch(text):
            yield text


def _one_size(context: Context) -> Iterator[str]:
    for method in context.plan.document.signature.values():
        if not isinstance(method, Mapping):
            continue
        tensors = tensors_of(method)
        rows = tensors[0][1][0] if tensors else None
        for name, size in _single_sizes(method.get("symbols")):
            if not (name == rows and shows_other_batches(context)):
                yield f"{name} = {size}"


def _single_sizes(symbols: Any) -> Iterator[tuple[str, int]]:
    for name, facts in symbols.items() if isinstance(symbols, Mapping) else ():
        sizes: Sequence[object] = facts.get("sizes", ()) if isinstance(facts, Mapping) else ()
        if _SYMBOL.fullmatch(name) and len(sizes) == 1 and isinstance(sizes[0], int):
            yield name, sizes[0]
