"""The stage before the one that differs: what its operators give."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tsharness.exporting.state import Subject
from tsharness.migration.converting.cases import Example, as_inputs
from tsharness.migration.converting.operators import Operator, operators_of_call, operators_of_graph
from tsharness.migration.converting.targets.base import Made
from tsharness.migration.stage import Stage
from tsharness.verdict import Verdict


class Before:
    """The operators of the stage before, on the first case that a stage gets wrong; recorded when one does,
    and for the stages on the way there only if their graphs can be run."""

    def __init__(self, model: torch.nn.Module, examples: Sequence[Example]) -> None:
        self._model, self._examples = model, examples
        self.operators: list[Operator] = []
        self._graphs: list[Made] = []

    def operators_of(self, made: Made, stage: Stage) -> list[Operator] | None:
        """Of this stage; ``None`` unless it is the one that differs and can be looked into."""
        if made.graph is None:
            return None
        previous, self._graphs = self._graphs, [made]
        if stage.verdict is Verdict.PASS or not stage.failed:
            return None
        call = next(one.calls[0] for one in self._examples if one.name == stage.failed[0])
        try:
            if previous and previous[0].graph is not None:
                self.operators = operators_of_graph(previous[0].graph(), as_inputs(call).args)
            else:
                self.operators = operators_of_call(Subject(self._model).model, as_inputs(call).args)
            return operators_of_graph(made.graph(), as_inputs(call).args)
        except Exception:
            # A stage that does not run shows no operators; why it does not run is told already.
            return None
