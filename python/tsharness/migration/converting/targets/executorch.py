"""ExecuTorch: the program in its edge dialect, as far as possible by XNNPACK, with a memory plan."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tsharness.findings import finding
from tsharness.migration.converting.program import Exported, oblivious
from tsharness.migration.converting.targets.base import Made, Step, Target, program_made
from tsharness.report.model import Finding


class Executorch(Target):
    """``executorch.exir.to_edge_transform_and_lower`` with the XNNPACK partitioner."""

    informative = frozenset({"decomposed", "edge"})

    def steps(self, exported: Exported | None, script: Path | None) -> Sequence[Step]:  # noqa: ARG002
        assert exported is not None
        # Its absence is told before anything is done.
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge, to_edge_transform_and_lower

        logging.getLogger("root").setLevel(logging.ERROR)
        made: dict[str, Any] = {}

        def decompose() -> Made:
            return program_made(exported.program.run_decompositions())

        def edge() -> Made:
            with oblivious():
                made["edge"] = to_edge(exported.program)
            return program_made(made["edge"].exported_program())

        def lower() -> Made:
            with oblivious():
                made["lowered"] = to_edge_transform_and_lower(
                    exported.program, partitioner=[XnnpackPartitioner()]
                )
            self._lowered = made["lowered"]
            return program_made(made["lowered"].exported_program())

        def write() -> Made:
            with oblivious():
                program = made["lowered"].to_executorch()
            self.request.output.write_bytes(program.buffer)
            return Made(fresh=None)

        return [("decomposed", decompose), ("edge", edge), ("lowered", lower), ("written", write)]

    def notes(self) -> list[Finding]:
        fell_back: dict[str, int] = {}
        for node in self._lowered.exported_program().graph.nodes:
            name = str(node.target)
            if node.op == "call_function" and "executorch_call_delegate" not in name and "aten" in name:
                short = name.replace("<EdgeOpOverload: ", "").split(">")[0]
                fell_back[short] = fell_back.get(short, 0) + 1
        if not fell_back:
            return []
        told = ", ".join(f"{name} {count}" for name, count in sorted(fell_back.items(), key=lambda i: -i[1]))
        return [finding("TS512", told)]
