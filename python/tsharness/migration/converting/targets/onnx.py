"""ONNX: the program in ONNX's operators."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tsharness.migration.converting.program import Exported
from tsharness.migration.converting.targets.base import Made, Step, Target, program_made, sample_args


class Onnx(Target):
    """``torch.onnx.export(..., dynamo=True)``."""

    informative = frozenset({"decomposed"})

    def steps(self, exported: Exported | None, script: Path | None) -> Sequence[Step]:  # noqa: ARG002
        assert exported is not None
        # Their absence is told before anything is done.
        import onnxscript  # noqa: F401
        import torch

        def decompose() -> Made:
            return program_made(exported.program.run_decompositions())

        def translate() -> Made:
            program = torch.onnx.export(
                exported.program, sample_args(exported), dynamo=True, verbose=False, optimize=True
            )
            assert program is not None
            program.save(str(self.request.output), external_data=False)
            return Made(fresh=None)

        return [("decomposed", decompose), ("translated", translate)]
