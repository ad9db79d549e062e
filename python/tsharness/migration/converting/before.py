"""The stage before the one that differs: what its operators give."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from tsharness.exporting.state import Subject
from tsharness.migration.converting.cases import Example
from tsharness.migration.converting.operators import (
    first_divergence,
    operators_of_call,
    operators_of_graph,
)
from tsharness.migration.converting.targets.base import Made
from tsharness.migration.stage import Divergence, Stage
from tsharness.verdict import Verdict


class Before:
    """The stage before. Its operators are recorded when one differs, on the first case that it gets wrong."""

    def __init__(self, model: torch.nn.Module, examples: Sequence[Example]) -> None:
        self._model, self._examples = model, examples
        self._graph: Callable[[], torch.nn.Module] | None = None

    def divergence(self, made: Made, stage: Stage) -> Divergence | None:
        """The operator that ``made`` computes otherwise; ``None`` if it does not, or cannot be looked into.
        It is the stage before from then on, if its operators can be run one by one."""
        if made.graph is None:
            return None
        graph, self._graph = self._graph, made.graph
        if stage.verdict is Verdict.PASS or not stage.failed:
            return None
        call = next(one.calls[0] for one in self._examples if one.name == stage.failed[0])
        try:
            if graph is not None:
                before = operators_of_graph(graph(), call.copy().args)
            else:
                before = operators_of_call(Subject(self._model).model, call.copy().args)
            after = operators_of_graph(made.graph(), call.copy().args)
        except Exception:
            # A stage that does not run shows no operators; why it does not run is told already.
            return None
        return first_divergence(before, after)
