"""Exporting the 224x224 network with twelve families, against what eager, trace and save alone take for the
same inputs: the price of the proof."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from common import ROOT, Row, interleaved, main

import tsharness
from tsharness.exporting import torch_jit
from tsharness.exporting.families import families
from tsharness.exporting.inputs import Inputs, calls_of

ROUNDS = 7
TARGET = 2.5


def measure() -> list[Row]:
    sys.path.insert(0, str(ROOT / "examples"))
    import resnet

    torch.manual_seed(0)
    model, example = resnet.ResNet().eval(), torch.randn(1, 3, 224, 224)
    dynamic = {"x": {0: "N:1..8", 3: "W:192..256/32"}}  # with these, twelve families
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "resnet.pt"

        def export(method: str) -> Callable[[], float]:
            def run() -> float:
                start = time.perf_counter()
                tsharness.export(model, example, path, method=method, dynamic=dynamic)
                return time.perf_counter() - start

            return run

        inputs = _inputs(example, dynamic)

        def peer() -> float:
            start = time.perf_counter()
            with torch.no_grad():
                for x in inputs:
                    model(x.clone())
            traced = torch_jit.trace(model, {"forward": Inputs(example)})
            with torch_jit.without_deprecation():
                torch.jit.save(traced, str(path))
            return time.perf_counter() - start

        seconds = interleaved({"trace": export("trace"), "auto": export("auto"), "peer": peer}, ROUNDS)
    print(f"{len(inputs)} cases; eager, trace and save alone: {seconds['peer']:.2f} s", file=sys.stderr)
    ratios = {method: seconds[method] / seconds["peer"] for method in ("trace", "auto")}
    return [
        Row(
            f"`export --method {method}`, {len(inputs)} cases / eager, trace and save alone",
            f"{ratio:.2f}",
            f"at most {TARGET}" if method == "trace" else "(two candidates: no target)",
            ratio <= TARGET or method != "trace",
        )
        for method, ratio in ratios.items()
    ]


def _inputs(example: torch.Tensor, dynamic: dict[str, dict[int, str]]) -> list[torch.Tensor]:
    """The example and the very families that export makes of it."""
    from tsharness.cases.dims import unified

    made = families("example", calls_of(example), ("x",), unified(dynamic))
    return [example, *(family.calls[0].args[0] for family in made)]


if __name__ == "__main__":
    main("export", measure)
