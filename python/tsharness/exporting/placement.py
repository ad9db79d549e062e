"""Casting and moving a model, and what this means for its inputs and the outputs that it must give."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch

from tsharness.exporting.inputs import Inputs, map_leaves


@dataclass(frozen=True)
class Placement:
    """The dtype and the device that the artifact shall have; ``None`` for what the model has.

    Both are given to the model before it is traced, not to the module afterwards: a trace holds dtypes and
    devices as literals, and a frozen module's weights are constants that neither cast nor move."""

    dtype: torch.dtype | None = None
    device: torch.device | None = None

    @classmethod
    def of(cls, dtype: str | None, device: str | None) -> Placement:
        return cls(getattr(torch, dtype) if dtype else None, torch.device(device) if device else None)

    @property
    def is_given(self) -> bool:
        return self.dtype is not None or self.device is not None

    def of_model(self, model: torch.nn.Module) -> torch.nn.Module:
        """A copy of the model, cast and moved; the model itself if nothing is asked for."""
        if not self.is_given:
            return model
        return copy.deepcopy(model).to(device=self.device, dtype=self.dtype)

    def inputs(self, call: Inputs) -> Inputs:
        """What the artifact is given."""
        return call.replaced(lambda _, leaf: self._cast(leaf, self.dtype), ())

    def moved(self, call: Inputs) -> Inputs:
        """The same, on the device."""
        return call.replaced(lambda _, leaf: leaf.to(self.device) if _is_tensor(leaf) else leaf, ())

    def reference_inputs(self, call: Inputs, original: Inputs) -> Inputs:
        """What the reference is given: the artifact's numbers, rounded as they are, in the original dtype, so
        that the comparison shows the error of the computation and not of the rounding of inputs."""
        if self.dtype is None:
            return original
        dtypes = iter([leaf for _, leaf in original.leaves(())])
        return call.replaced(lambda _, leaf: _like(leaf, next(dtypes)), ())

    def outputs(self, value: Any) -> Any:
        """What the artifact must return where the reference returned ``value``."""
        return map_leaves("", value, lambda _, leaf: self._cast(leaf, self.dtype))

    def _cast(self, leaf: Any, dtype: torch.dtype | None) -> Any:
        if dtype is None or not _is_tensor(leaf) or not leaf.is_floating_point():
            return leaf
        return leaf.to(dtype)


AS_IT_IS = Placement()


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor)


def _like(leaf: Any, original: Any) -> Any:
    return leaf.to(original.dtype) if _is_tensor(leaf) else leaf
