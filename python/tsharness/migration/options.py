"""How to migrate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsharness.errors import UsageError

SUFFIXES = {"aoti": ".pt2", "executorch": ".pte", "onnx": ".onnx", "lite": ".ptl"}
"""Of the file that each target has."""


def is_script(source: str) -> bool:
    """Whether a source names a file of TorchScript."""
    return source.endswith((".pt", ".pth", ".ptl"))


@dataclass(frozen=True)
class MigrateOptions:
    """One conversion."""

    to: str
    """"aoti", "executorch", "onnx" or "lite"."""
    cases: Path | None = None
    """A case file that wins over the artifact's own."""
    only: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    """Dims that change, as ``tsharness export --dynamic`` takes them; those with a star never do."""
    fixed: tuple[str, ...] = ()
    """Names of inputs whose sizes, or values, never change."""
    inputs_from: str | None = None
    """Of a model in Python that gives no example inputs: ``file.py:NAME``."""
    libraries: tuple[Path, ...] = ()
    device: str = "cpu"
    tolerance: Mapping[str, Any] = field(default_factory=dict)
    """A layer over the table's (verification/plan.py)."""
    level: str = "standard"
    """Of the new artifact's verification."""
    compare_seconds: float = 6.0
    """For the comparison of latencies; 0: none."""
    contiguous: bool = False
    """Whether the new artifact's callers promise contiguous inputs: cases of other layouts stay behind."""
    bytecode: int | None = None
    """Of "lite": the version of bytecode that the phone's runtime reads; ``None``: this torch's own."""
    force: bool = False
    """Whether to leave the new artifact although it differs."""
    allow_ops: tuple[str, ...] = ()
    sandbox: str = "auto"
    timeout: float = 600.0
    """Seconds, of every stage and every case."""

    def __post_init__(self) -> None:
        if self.to not in SUFFIXES:
            raise UsageError(f"--to '{self.to}': expected {', '.join(SUFFIXES)}")
        if self.bytecode is not None and self.to != "lite":
            raise UsageError("--bytecode is a version of the lite interpreter's: it goes with --to lite")
