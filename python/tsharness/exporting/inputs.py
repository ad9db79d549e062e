"""Example inputs as users write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from tsharness.errors import UsageError


class Inputs:
    """The arguments of one call: ``Inputs(x, mask=m)``, or ``Inputs(x, method="encode")``."""

    def __init__(self, *args: Any, method: str = "forward", **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs
        self.method = method

    @classmethod
    def of(cls, example: Any) -> Inputs:
        """A tensor is the only argument, a tuple holds the positional ones, a dict the named ones."""
        if isinstance(example, Inputs):
            return example
        if isinstance(example, tuple):
            return cls(*example)
        if isinstance(example, Mapping):
            return cls(**example)
        if isinstance(example, torch.Tensor):
            return cls(example)
        raise UsageError(
            f"example inputs of type {type(example).__name__}: expected a tensor, a tuple of "
            "arguments, a dict of named arguments, or tsharness.Inputs(...)"
        )


def calls_of(example: Any) -> list[Inputs]:
    """A case is one call, or a list of calls that are made one after the other."""
    if isinstance(example, list):
        if not example:
            raise UsageError("a case needs at least one call, got an empty list")
        return [Inputs.of(item) for item in example]
    return [Inputs.of(example)]
