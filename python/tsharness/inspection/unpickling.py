"""What a pickle would import and call, if somebody unpickled it (TS364)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tsharness.artifact.kind import Kind
from tsharness.artifact.pickled_files import pickles_in
from tsharness.artifact.pickles import Global, Pickle
from tsharness.findings import finding
from tsharness.report.model import Finding

PICKLED = {
    *("state-dict", "checkpoint", "module", "legacy-checkpoint", "legacy-tar", "pickle"),
    *("exported-program", "aoti", "mar", "numpy", "keras", "zip", "torchscript-json"),
}
"""Kinds of files that hold pickles, or may."""
_TORCH = (
    r"torch\.(\w+Storage|device|Size|Tensor|per_(tensor|channel)_\w+|q?u?int\w*|b?float\w*|half|double|short|long"
    r"|complex\w*|bool)|torch\._utils\._rebuild_\w+|collections\.OrderedDict"
)
_ARCHIVE = rf"{_TORCH}|__torch__(\.\w+)+|torch\.jit\._pickle\.\w+"
_SCRIPT = re.compile(_ARCHIVE)
"""In a TorchScript archive: values, and the archive's own classes."""
_BUILTINS = (
    "set|frozenset|dict|list|tuple|int|float|complex|bool|bytes|bytearray|str|object|slice|range|long|unicode"
)
_SAVED = re.compile(
    rf"{_ARCHIVE}|(builtins|__builtin__)\.({_BUILTINS})|collections\.(defaultdict|Counter|deque)"
    r"|(copyreg|copy_reg)\._reconstructor|_codecs\.encode|torch\.nn\.parameter\.(Parameter|Buffer)"
    r"|torch\._tensor\._rebuild_from_type_v2|torch\.storage\.(Typed|Untyped)Storage|torch\.serialization\._get_layout"
    r"|numpy\.(_?core\.multiarray\.(_reconstruct|scalar)|ndarray|dtype|dtypes\.\w+)"
    r"|torch\.distributions\.constraints\._?\w+|torch\.torch_version\.TorchVersion"
)
"""In what torch.save writes: values, what puts them together; and in archives within archives."""
_NETWORKS = re.compile(r"torch\.nn\.(modules(\.\w+)*|functional)\.\w+")
_MANY = 3  # names in one finding


def outsiders(record: str, pickle: Pickle | None) -> Iterator[Finding]:
    """Classes and functions that TorchScript's own archives never name in their objects."""
    for found in pickle.globals if pickle else ():
        if not _SCRIPT.fullmatch(found.path):
            yield finding("TS364", f"{record} names {found.path}", where=record)


def harmful_pickles(path: Path, kind: Kind) -> Iterator[Finding]:
    """Of a file that Python unpickles: what is named there and is no value, and what could not be read."""
    if kind.name not in PICKLED:
        return
    told: dict[str, list[str]] = {}
    for record, pickle in pickles_in(path, kind.name):
        if isinstance(pickle, str):
            yield finding("TS364", f"{record} cannot be judged: {pickle}".strip(), where=record)
            continue
        names = [one.path for one in pickle.globals if not _is_value(one, pickle, kind)]
        told.setdefault(record, []).extend(names)
    for record, names in told.items():
        if names:
            more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
            yield finding("TS364", f"{record or 'it'} names {', '.join(names[:_MANY])}{more}", where=record)


def _is_value(found: Global, pickle: Pickle, kind: Kind) -> bool:
    if _SAVED.fullmatch(found.path):
        return True
    if kind.name not in ("module", "legacy-checkpoint") or found in pickle.called:
        return False
    # A whole module names the classes that it consists of; these are made, and not called.
    top = found.module.partition(".")[0]
    stranger = top not in sys.stdlib_module_names and top not in ("torch", "numpy", "__builtin__", "copy_reg")
    return bool(_NETWORKS.fullmatch(found.path)) or stranger or found.module == "__main__"
