"""Dims that the Python model takes at other sizes than the example's, found by trying it: the batch first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from tsharness.cases.dims import Dynamic, Symbol
from tsharness.exporting.inputs import Inputs, argument_names
from tsharness.exporting.options import ExportOptions
from tsharness.exporting.record import Recorded
from tsharness.exporting.report import FreeSizes
from tsharness.exporting.trials import Place, Trial, trials_of

Record = Callable[[str, list[Inputs]], "Recorded | None"]
"""Runs the model and keeps what it gave as a case of that name; ``None`` if it does not take the inputs."""

_MOST_TRIALS = 64
"""Runs of the model for one method: few have more than ten dims, and what they refuse, they refuse soon."""


@dataclass(frozen=True)
class FreeDim:
    """A dim, or several that have one size, with what the model gave at other sizes."""

    symbol: Symbol
    places: tuple[Place, ...]
    sizes: tuple[int, ...]
    """The example's, and those that the model takes."""
    recorded: tuple[Recorded, ...]

    def shown(self) -> FreeSizes:
        """For the report."""
        return FreeSizes(
            self.symbol.name,
            ", ".join(f"{name} dim {dim}" for name, dim in self.places),
            tuple(dict.fromkeys(name for name, _ in self.places)),
            tuple(sorted(self.sizes)),
        )


def free_dims(
    calls: Sequence[Inputs],
    names: Sequence[str],
    declared: Mapping[str, frozenset[int] | None],
    record: Record,
) -> Iterator[FreeDim]:
    """The free dims of the method that the last call calls. ``names``: of its positional arguments.
    ``declared``: by the name of a tensor the dims of which something is known already; ``None``: all."""
    left = _MOST_TRIALS
    taken: list[Trial] = []
    for group in trials_of(calls, calls[-1].method, names, known={}, signature={}, batch_first=True):
        if group[0].taken_by(taken) or any(_is_declared(place, declared) for place in group[0].places):
            continue
        (name, dim), *_ = group[0].places
        symbol = Symbol(f"{name}_{dim}")
        recorded: list[Recorded] = []
        sizes = [_size(calls[-1], names, (name, dim))]
        for number, trial in enumerate(group):
            if left == 0 or (number >= 2 and not recorded):
                break
            size = next(iter(trial.sizes.values()))
            if recorded and dim and number == 1:
                continue  # one larger size and one smaller; of the batch, twice its size, too
            left -= 1
            one = record(f"{symbol.name}={size}", trial.of(calls, names))
            if one is not None:
                recorded.append(one)
                sizes.append(size)
        if recorded:
            taken.append(group[0])
            yield FreeDim(symbol, group[0].places, tuple(sizes), tuple(recorded))


def _is_declared(place: Place, declared: Mapping[str, frozenset[int] | None]) -> bool:
    name, dim = place
    if name not in declared:
        return False
    dims = declared[name]
    return dims is None or dim in dims


def _size(call: Inputs, names: Sequence[str], place: Place) -> int:
    name, dim = place
    return int(next(leaf.shape[dim] for own, leaf in call.leaves(names) if own == name))


def with_free(dynamic: Dynamic, free: Sequence[FreeDim]) -> Dynamic:
    """Those that were declared, and those that were found."""
    merged = {name: dict(dims) for name, dims in dynamic.items()}
    for one in free:
        for name, dim in one.places:
            merged.setdefault(name, {}).setdefault(dim, one.symbol)
    return merged


def batches_fixed(
    model: torch.nn.Module, examples: Mapping[str, list[Inputs]], options: ExportOptions, dynamic: Dynamic
) -> tuple[str, ...]:
    """ "batch 1" for the size that the first dim of a call's first tensor has, where the user has declared
    that it has no other. ``dynamic``: what was declared, or differs between the examples."""
    found: dict[str, None] = {}
    for call in (call for calls in examples.values() for call in calls):
        leaves = call.leaves(argument_names(model, call.method))
        first = next(((n, t) for n, t in leaves if isinstance(t, torch.Tensor) and t.dim()), None)
        if first is None or 0 in dynamic.get(first[0], {}):
            continue
        if first[0] in options.fixed or first[0] in (options.dynamic or {}):
            found[f"batch {first[1].shape[0]}"] = None
    return tuple(found)
