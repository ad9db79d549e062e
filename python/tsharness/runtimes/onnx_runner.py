"""The runner for ONNX models: the C++ runner's own steps in this process, with ONNX Runtime's Python
interface for the model. Called as the runner is: ``python -m tsharness.runtimes.onnx_runner --events-fd 3
-``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tsharness.runner.reach import python_folders


class OnnxProgram:
    """A model in ONNX Runtime, on the CPU. Takes and gives leaves."""

    def __init__(self, path: str) -> None:
        import onnxruntime
        import torch

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()  # as the job has it
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._inputs = self._session.get_inputs()
        self._path, self._version = path, str(onnxruntime.__version__)
        self.argument_names = [one.name for one in self._inputs]

    def call(self, leaves: Sequence[Any]) -> list[Any]:
        """Runs it. Raises ValueError for another number of inputs than it has."""
        import torch

        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        # Numbers that an export took for constants are no inputs of the model.
        given = list(leaves) if len(leaves) == len(self._inputs) else tensors
        if len(given) != len(self._inputs):
            raise ValueError(f"takes {len(self._inputs)} inputs ({', '.join(self.argument_names)})")
        feed = {one.name: _array(value) for one, value in zip(self._inputs, given, strict=True)}
        return [torch.from_numpy(output) for output in self._session.run(None, feed)]

    @property
    def facts(self) -> str:
        """ "onnxruntime", "providers", "inputs", "outputs" """
        session = self._session
        told = {
            "onnxruntime": self._version,
            "providers": session.get_providers(),
            "inputs": {one.name: [one.type, *map(str, one.shape)] for one in self._inputs},
            "outputs": {one.name: [one.type, *map(str, one.shape)] for one in session.get_outputs()},
        }
        return json.dumps(told)


def _array(value: Any) -> Any:
    import numpy as np

    if isinstance(value, (bool, int, float)):
        return np.array(value, dtype={bool: np.bool_, int: np.int64, float: np.float64}[type(value)])
    return value.contiguous().numpy()


def main(arguments: Sequence[str]) -> int:
    """Does the job on standard input: in the cage, which it enters before torch and ONNX Runtime start
    threads."""
    from tsharness import _cage

    try:
        job, cage = _cage.enter_for_job([*map(str, python_folders())])
    except RuntimeError as error:
        sys.stderr.write(f"tsharness-runner: {error}\n")
        return 8
    # What follows the job on standard input is for the steps (docs/protocol.md, "turns").
    kept = Path(json.loads(job)["cage"]["scratch"], "job.json")
    kept.write_text(job)

    from tsharness.session import load_core

    given = ["tsharness-runner-onnx", *arguments[:-1], str(kept)]
    return int(load_core().run_application(given, "onnx", OnnxProgram, cage))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # taking everything apart takes longer than many a model runs
