"""Times an artifact in Python's torch.jit, or the eager model: a process of its own, because loading it runs
its code.

Standard input: ``{"artifact" or "eager", "cases": [path, offset, size], "only", "device", "threads",
"libraries", "seconds"}``, and of the eager model ``"folder"``. Standard output: ``{"medians": {CASE:
seconds}}``, or an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import torch

from tsharness.cases.case_file import Case, CaseDocument
from tsharness.cases.safetensors_file import Location
from tsharness.errors import TsharnessError
from tsharness.exporting import torch_jit
from tsharness.exporting.answer import answer_request
from tsharness.exporting.guard import needs_gradients
from tsharness.exporting.load import load_model
from tsharness.exporting.record import bound_call
from tsharness.exporting.source import essence
from tsharness.exporting.torch_values import inputs_of_call

_FEWEST = 5


def _answer(message: Mapping[str, Any]) -> dict[str, Any]:
    try:
        if message["threads"]:
            torch.set_num_threads(message["threads"])
        for library in message["libraries"]:
            torch.ops.load_library(library)  # type: ignore[no-untyped-call]
        device = torch.device(message["device"])
        model = _model(message, device)
        path, offset, size = message["cases"]
        document = CaseDocument(Location(Path(path), offset, size))
        chosen = [case for case in document.cases() if case.name in message["only"]]
        medians = {case.name: _median(_calls(model, case, device), device, message) for case in chosen}
    except TsharnessError as error:
        return {"error": {"kind": "usage", "message": str(error)}}
    except Exception as error:
        # Whatever a model raises is its own.
        return {"error": {"kind": "input", "message": essence(error)}}
    return {"medians": medians}


def _model(message: Mapping[str, Any], device: torch.device) -> Any:
    if "artifact" in message:
        return torch_jit.load(Path(message["artifact"]), str(device))
    return load_model(message["eager"])[0].to(device).eval()


def _calls(model: Any, case: Case, device: torch.device) -> Callable[[], object]:
    """All calls of the case, one after the other."""
    given = [inputs_of_call(call).replaced(lambda _, leaf: _on(device, leaf), ()) for call in case.calls]
    bound = [bound_call(model, call) for call in given]

    def run() -> None:
        for call in bound:
            call()

    return run


def _on(device: torch.device, leaf: Any) -> Any:
    return leaf.to(device) if isinstance(leaf, torch.Tensor) else leaf


def _needs_gradients(run: Callable[[], object]) -> bool:
    try:
        with torch.no_grad():
            run()
    except RuntimeError as error:
        if not needs_gradients(error):
            raise
        return True
    return False


def _median(run: Callable[[], object], device: torch.device, message: Mapping[str, Any]) -> float:
    """Half of the time is warm-up. Without gradients, as in a server, unless the model needs them."""
    with torch.set_grad_enabled(_needs_gradients(run)):
        _seconds(run, device, message["seconds"] / 2)
        return median(_seconds(run, device, message["seconds"]))


def _seconds(run: Callable[[], object], device: torch.device, least: float) -> list[float]:
    samples: list[float] = []
    begun = time.perf_counter()
    while len(samples) < _FEWEST or time.perf_counter() - begun < least:
        start = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        samples.append(time.perf_counter() - start)
    return samples


if __name__ == "__main__":
    answer_request(_answer)
