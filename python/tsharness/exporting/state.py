"""A module's state: seeing that a call changed it, and putting it back.

Export works on the user's own module, because not every module can be copied (one with ``weight_norm``
cannot); so everything that running it may change is noted first.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch

_REGISTRIES = ("_parameters", "_buffers", "_modules")
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


class Snapshot:
    """The state of a module when this object was made: tensors, gradients, attributes, modes, hooks."""

    def __init__(self, model: torch.nn.Module, known: Snapshot | None = None) -> None:
        """``known`` is one of the same model, none of whose tensors has changed since: copies are shared."""
        self._modules = {
            name: module
            for name, module in model.named_modules()
            if not isinstance(module, torch.jit.ScriptModule)
        }
        self._dicts = {name: dict(module.__dict__) for name, module in self._modules.items()}
        self._contents = {
            (name, key): copy.copy(value)
            for name, attributes in self._dicts.items()
            for key, value in attributes.items()
            if isinstance(value, (dict, list, set))
        }
        self._tensors = dict(self._named_tensors(model))
        self._buffers = [name for name, _ in model.named_buffers()]
        self._copies: dict[str, torch.Tensor] = (
            {name: tensor.detach().clone() for name, tensor in self._tensors.items()}
            if known is None
            else known._copies
        )
        self._gradients = {name: tensor.grad for name, tensor in self._tensors.items() if tensor.is_leaf}
        self._marks = self._mark()

    def changed(self) -> tuple[str, ...]:
        """Names of the buffers, parameters and attributes that differ from the snapshot."""
        now = self._mark()
        names = [name for name in {**self._marks, **now} if self._marks.get(name) != now.get(name)]
        return tuple(dict.fromkeys([*names, *self._written_unseen()]))

    def restore(self) -> None:
        """Puts everything back; costs nothing if nothing changed."""
        if not self.changed():
            return
        for name, attributes in self._dicts.items():
            own = self._modules[name].__dict__
            for key in own.keys() - attributes.keys():
                del own[key]
            own.update(attributes)
        for (name, key), content in self._contents.items():
            container = self._dicts[name][key]
            container.clear()
            container.extend(content) if isinstance(container, list) else container.update(content)
        for name, tensor in self._tensors.items():
            if self._marks[name] != _version(tensor) or not same_bytes(tensor, self._copies[name]):
                tensor.detach().copy_(self._copies[name])
        for name, gradient in self._gradients.items():
            self._tensors[name].grad = gradient
        self._marks = self._mark()

    def _written_unseen(self) -> Iterator[str]:
        """Buffers with other bytes: batch normalisation writes its statistics without counting a version."""
        for name in self._buffers:
            if not same_bytes(self._tensors[name], self._copies[name]):
                yield name

    def _named_tensors(self, model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
        yield from model.named_parameters()
        yield from model.named_buffers()
        for name, attributes in self._dicts.items():
            for key, value in attributes.items():
                if isinstance(value, torch.Tensor):
                    yield _path(name, key), value

    def _mark(self) -> dict[str, Any]:
        marks: dict[str, Any] = {}
        for name, module in self._modules.items():
            for key, value in module.__dict__.items():
                if isinstance(value, dict) and not value:
                    continue  # the many registries of hooks, empty in most modules
                if key in _REGISTRIES:
                    marks.update((f"{_path(name, k)}", id(item)) for k, item in value.items())
                else:
                    marks[_path(name, key)] = _identity(value)
        for name, tensor in self._tensors.items():
            # Only where the module still holds this tensor, and not another in its place.
            if marks.get(name, id(tensor)) == id(tensor):
                marks[name] = _version(tensor)
        return marks


def _version(tensor: torch.Tensor) -> int:
    """How often it was written to; inference tensors do not count."""
    return 0 if tensor.is_inference() else tensor._version


def same_bytes(left: torch.Tensor, right: torch.Tensor) -> bool:
    """NaN equals NaN here. Tensors without plain memory count as unchanged: their versions tell."""
    if left.layout is not torch.strided or left.is_quantized or left.is_meta:
        return True
    parts = (tensor.detach().contiguous().flatten().view(torch.uint8) for tensor in (left, right))
    return torch.equal(*parts)


def _path(module: str, attribute: str) -> str:
    return f"{module}.{attribute}" if module else attribute


def _identity(value: Any) -> Any:
    """Something that differs if the value was replaced, or a container's contents were."""
    if isinstance(value, _PLAIN):
        return (type(value), value)
    if isinstance(value, dict):
        return tuple((key, id(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(id(item) for item in value)
    if isinstance(value, set):
        return frozenset(id(item) for item in value)
    return id(value)


class Subject:
    """A model that is run again and again, each time from the state in which it was given."""

    def __init__(self, model: torch.nn.Module, known: Snapshot | None = None) -> None:
        self._scripted = isinstance(model, torch.jit.ScriptModule)
        self._given = model
        self._snapshot = None if self._scripted else Snapshot(model, known)
        self.model: torch.nn.Module = copy.deepcopy(model) if self._scripted else model

    def changed(self) -> tuple[str, ...]:
        """What the calls since the last ``restore`` changed, by name; unknown for a ScriptModule."""
        return self._snapshot.changed() if self._snapshot is not None else ()

    def restore(self) -> None:
        if self._snapshot is not None:
            self._snapshot.restore()
        else:
            # A ScriptModule's attributes cannot be listed; but it can always be copied.
            self.model = copy.deepcopy(self._given)
