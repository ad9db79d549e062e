"""A job: what one runner process is asked to do (docs/protocol.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsharness.cases.safetensors_file import Location

PROTOCOL = 1


@dataclass(frozen=True)
class Job:
    """Steps on one artifact in one environment."""

    artifact: Path
    steps: tuple[Mapping[str, Any], ...]
    cases: Location | None = None
    kind: str = ""
    """Of the artifact (runtimes/registry.py); empty: what the file is."""
    device: str = "cpu"
    threads: int | None = None
    """Of the intra-op pool; ``None`` for LibTorch's own choice."""
    seed: int = 0
    memory_limit: int | None = None
    """Bytes of private memory."""
    libraries: tuple[Path, ...] = ()
    """Of operators, loaded before the artifact."""
    judged: Mapping[str, Any] | None = None
    """What the inspection has judged of the artifact (inspection/judged.py): LibTorch must find nothing else
    in it. ``None``: nobody has judged it."""
    cast: Mapping[str, str] = field(default_factory=dict)
    """Of the artifact and its inputs: "dtype", "memory_format"."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the whole process, set before the artifact is loaded."""
    nonce: str = field(default_factory=lambda: os.urandom(16).hex())
    """Comes back with every event: what a model may write to the event stream does not have it."""

    def to_dict(self) -> dict[str, Any]:
        """As the protocol has it."""
        cases = None
        if self.cases is not None:
            path = str(self.cases.path.absolute())
            cases = {"path": path, "offset": self.cases.offset, "size": self.cases.size}
        return {
            "protocol": PROTOCOL,
            "artifact": str(self.artifact.absolute()),
            "kind": self.kind,
            "cases": cases,
            "device": self.device,
            "threads": self.threads or 0,
            "seed": self.seed,
            "memory_limit": self.memory_limit or 0,
            "libraries": [str(path.absolute()) for path in self.libraries],
            "judged": self.judged,
            "cast": dict(self.cast),
            "settings": dict(self.settings),
            "nonce": self.nonce,
            "steps": list(self.steps),
        }
