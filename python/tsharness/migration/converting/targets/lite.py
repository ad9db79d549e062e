"""The lite interpreter: TorchScript's bytecode, for the runtime that phones have had so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tsharness.exporting import torch_jit
from tsharness.exporting.lite import save_lite
from tsharness.exporting.pitfalls import of_lite
from tsharness.migration.converting.targets.base import Made, Step, Target
from tsharness.report.model import Finding


class Lite(Target):
    """``_save_for_lite_interpreter``, and ``_backport_for_mobile`` for an older runtime."""

    of_script = True

    def steps(self, exported: object, script: Path | None) -> Sequence[Step]:  # noqa: ARG002
        assert script is not None

        def load() -> Made:
            return Made(fresh=lambda: torch_jit.load(script))

        def bytecode() -> Made:
            self._left_out = save_lite(script, self.request.output)
            if self.request.bytecode is not None:
                _go_back_to(self.request.bytecode, self.request.output)
            return Made(fresh=None)

        return [("torchscript", load), ("bytecode", bytecode)]

    def notes(self) -> list[Finding]:
        return list(of_lite(self._left_out))


def _go_back_to(version: int, output: Path) -> None:
    """Writes bytecode of an older version in its place. Raises RuntimeError for one that torch cannot go back
    to."""
    from torch.jit.mobile import _backport_for_mobile, _get_model_bytecode_version

    with torch_jit.without_deprecation():
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
