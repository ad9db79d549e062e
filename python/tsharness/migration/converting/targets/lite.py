"""The lite interpreter: TorchScript's bytecode, for the runtime that phones have had so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tsharness.exporting import torch_jit
from tsharness.migration.converting.targets.base import Made, Step, Target


class Lite(Target):
    """``_save_for_lite_interpreter``, and ``_backport_for_mobile`` for an older runtime."""

    of_script = True

    def steps(self, exported: object, script: Path | None) -> Sequence[Step]:  # noqa: ARG002
        assert script is not None

        def load() -> Made:
            return Made(fresh=lambda: torch_jit.load(script))

        def bytecode() -> Made:
            write_lite(script, self.request.output, self.request.bytecode)
            return Made(fresh=None)

        return [("torchscript", load), ("bytecode", bytecode)]


def write_lite(script: Path, output: Path, version: int | None) -> None:
    """Bytecode of a TorchScript file; of an older version, if one is stated. Raises RuntimeError for one that
    torch cannot go back to."""
    with torch_jit.without_deprecation():
        module = torch_jit.load(script)
        module._save_for_lite_interpreter(str(output))
        if version is None:
            return
        from torch.jit.mobile import _backport_for_mobile, _get_model_bytecode_version

        held = _get_model_bytecode_version(str(output))
        if held == version:
            return
        newer = output.with_suffix(".newer")
        output.replace(newer)
        try:
            written = _backport_for_mobile(str(newer), str(output), version)  # type: ignore[no-untyped-call]
            if not written:
                raise RuntimeError(f"torch writes bytecode of version {held} and cannot go back to {version}")
        finally:
            newer.unlink()
