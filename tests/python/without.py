"""An environment in which packages are missing that are installed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

OPTIONAL = ("onnx", "onnxruntime", "onnxscript", "executorch", "matplotlib", "zstandard", "pynvml")
"""What the extras bring that a user may have."""

_HIDING = """
import importlib.machinery, sys

HIDDEN = {hidden!r}

class Hiding(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        hidden = fullname.partition(".")[0] in HIDDEN
        return None if hidden else super().find_spec(fullname, path, target)

sys.meta_path = [
    Hiding if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path
]
"""


def without(packages: Sequence[str], folder: Path) -> Mapping[str, str]:
    """The variables of this process, and one that hides those packages from every Python that gets them;
    ``folder`` takes what does it."""
    (folder / "sitecustomize.py").write_text(_HIDING.format(hidden=tuple(packages)))
    return {**os.environ, "PYTHONPATH": str(folder)}
