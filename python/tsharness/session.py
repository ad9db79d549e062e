"""``tsharness.load``: an artifact in the C++ core, in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsharness.bench.measure import Sample
from tsharness.bench.report import Latency
from tsharness.bench.scenarios import LATENCY
from tsharness.bench.summarize import summarize
from tsharness.runner.find import installed_runner

if TYPE_CHECKING:
    from types import ModuleType

    from tsharness import _core


def load_core() -> ModuleType:
    """The compiled module; torch is loaded first, because the module needs its libraries.

    Raises EnvironmentProblem if torch is not the one that it was built against."""
    installed_runner()
    import torch  # noqa: F401

    from tsharness import _core

    return _core


class Session:
    """A loaded artifact. Tensors go in and come out without a copy; the GIL is free while it runs.

    An artifact that crashes takes this process with it: ``verify`` runs it in one of its own."""

    def __init__(self, path: str | Path, device: str = "cpu") -> None:
        self._session: _core.Session = load_core().Session(str(path), device)
        self.path = Path(path)
        self.device = device

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls ``forward``."""
        return self._session.run("forward", *args, **kwargs)

    def run(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a method by its name."""
        return self._session.run(method, *args, **kwargs)

    @property
    def methods(self) -> Mapping[str, str]:
        """TorchScript schema of every method, by name."""
        return self._session.methods()

    def restore(self) -> None:
        """Puts the module back into the state in which it was loaded."""
        self._session.restore()

    def benchmark(
        self, *args: Any, method: str = "forward", min_seconds: float = 1.0, **kwargs: Any
    ) -> Latency:
        """Latency of one call with these arguments, measured in C++."""
        import numpy as np

        told, seconds = self._session.measure(method, args, kwargs, min_seconds)
        event = {"calls_per_sample": 1, **json.loads(told)}
        rows = np.array(seconds).reshape(-1, 1)
        return summarize(method, [Sample(event, rows, LATENCY.sampled(rows, event), None)], {})


def load(path: str | Path, device: str = "cpu") -> Session:
    """Loads an artifact. Raises ArtifactError, DeviceError or EnvironmentProblem."""
    return Session(path, device)
