"""The example inputs' shapes and dtypes that ``torch.jit.trace`` leaves in an archive, without their data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsharness.artifact.archive import BAD_ZIP, open_archive, raw_record, record_name
from tsharness.artifact.pickle_values import bounded
from tsharness.artifact.pickles import Call, Global, Persistent, read_pickle
from tsharness.artifact.storages import DTYPES
from tsharness.errors import ArtifactError

_NOT_UNDERSTOOD = (
    *(ArtifactError, AssertionError, AttributeError, LookupError, TypeError, ValueError),
    *BAD_ZIP,
)
_RECORD = "traced_inputs.pkl"


@dataclass(frozen=True)
class TracedTensor:
    """A tensor of the example, without its values."""

    dtype: str
    dims: tuple[int, ...]


def traced_inputs(path: Path) -> Mapping[str, list[Any]]:
    """By method, the arguments: ``TracedTensor``s, numbers, and lists and dicts of these. Empty if the
    archive keeps none, or what is not understood. Raises ArtifactError for a file that cannot be read."""
    archive = open_archive(path)
    if archive is None:
        return {}
    with archive:
        for info in archive.infolist():
            if record_name(info) == _RECORD:
                try:
                    found = _plain(bounded(read_pickle(raw_record(path, info)).value))
                except _NOT_UNDERSTOOD:
                    return {}  # of another torch, or damaged: the check "integrity" says so
                return found if isinstance(found, dict) else {}
    return {}


def _plain(value: Any) -> Any:
    """The tree with tensors in the place of the calls that would make them."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return _made(value) if isinstance(value, Call) else value


def _made(call: Call) -> Any:
    """What a call would have given, for the three that occur. Raises ValueError for another."""
    name = call.function.name if isinstance(call.function, Global) else ""
    if name == "_rebuild_tensor_v2":
        storage, _, dims = call.arguments[:3]
        assert isinstance(storage, Persistent)
        return TracedTensor(DTYPES[storage.id[1].name], tuple(int(dim) for dim in dims))
    if name == "restore_type_tag":
        return _plain(call.arguments[0])
    if name == "OrderedDict":
        return _plain(call.state or {})
    raise ValueError(name)
