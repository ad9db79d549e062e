"""AOTInductor: the program as machine code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tsharness.migration.converting.program import Exported, oblivious
from tsharness.migration.converting.targets.base import Made, Step, Target, program_made


class Aoti(Target):
    """``torch._inductor.aoti_compile_and_package``."""

    informative = frozenset({"decomposed"})

    def steps(self, exported: Exported | None, script: Path | None) -> Sequence[Step]:  # noqa: ARG002
        assert exported is not None

        def decompose() -> Made:
            import torch._inductor.lowering  # some decompositions look for it  # noqa: F401
            from torch._inductor.decomposition import select_decomp_table

            return program_made(exported.program.run_decompositions(select_decomp_table()))

        def compile_() -> Made:
            import torch._inductor

            with oblivious():
                path = torch._inductor.aoti_compile_and_package(
                    exported.program, package_path=str(self.request.output)
                )
            loaded = torch._inductor.aoti_load_package(path)
            return Made(fresh=lambda: loaded)

        return [("decomposed", decompose), ("compiled", compile_)]
