"""AOTInductor: the program as machine code."""

from __future__ import annotations

import contextlib
import shlex
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from tsharness.artifact.archive import append_extra_files, users_extra_files
from tsharness.migration.converting.program import Exported, oblivious
from tsharness.migration.converting.targets.base import Made, Step, Target, program_made


class Aoti(Target):
    """``torch._inductor.aoti_compile_and_package``."""

    informative = frozenset({"decomposed"})

    def steps(self, exported: Exported | None, script: Path | None) -> Sequence[Step]:
        assert exported is not None

        def decompose() -> Made:
            import torch._inductor.lowering  # some decompositions look for it  # noqa: F401
            from torch._inductor.decomposition import select_decomp_table

            return program_made(exported.program.run_decompositions(select_decomp_table()))

        def compile_() -> Made:
            import torch._inductor

            with oblivious(), _linked_with_this_torch(), _libraries_quoted():
                path = torch._inductor.aoti_compile_and_package(
                    exported.program, package_path=str(self.request.output), inductor_configs=_CONFIGURED
                )
            if script is not None:
                append_extra_files(self.request.output, users_extra_files(script))
            if self.writes:
                # It keeps what it writes: each case begins with one that was just loaded.
                return Made(fresh=lambda: torch._inductor.aoti_load_package(path))
            loaded = torch._inductor.aoti_load_package(path)
            return Made(fresh=lambda: loaded)

        return [("decomposed", decompose), ("compiled", compile_)]


_CONFIGURED = {"aot_inductor.precompile_headers": False}
"""They are for who compiles many models; for one they are half of the time."""


@contextlib.contextmanager
def _linked_with_this_torch() -> Iterator[None]:
    """The linker is given the folder of Python's library before torch's own; Debian's Python has it among
    all of the system's libraries, where another LibTorch may lie (libtorch-dev)."""
    variables = sysconfig.get_config_vars()
    before = variables["LIBDIR"]
    variables["LIBDIR"] = str(Path(torch.__file__).parent / "lib")
    try:
        yield
    finally:
        variables["LIBDIR"] = before


@contextlib.contextmanager
def _libraries_quoted() -> Iterator[None]:
    """The linker is told of folders without quotes around them (torch 2.13), so that one with a space in its
    path would be two words."""
    from torch._inductor.cpp_builder import BuildOptionsBase

    listed = BuildOptionsBase.get_libraries_dirs

    def quoted(options: BuildOptionsBase) -> list[str]:
        return [shlex.quote(folder) for folder in listed(options)]

    BuildOptionsBase.get_libraries_dirs = quoted  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        BuildOptionsBase.get_libraries_dirs = listed  # type: ignore[method-assign]
