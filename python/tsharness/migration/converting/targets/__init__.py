"""How each kind of artifact is made of an exported program."""

from __future__ import annotations

from tsharness.migration.converting.targets.base import Request, Target


def target_for(request: Request) -> Target:
    """What makes what is asked for."""
    if request.to == "aoti":
        from tsharness.migration.converting.targets.aoti import Aoti

        return Aoti(request)
    if request.to == "executorch":
        from tsharness.migration.converting.targets.executorch import Executorch

        return Executorch(request)
    if request.to == "onnx":
        from tsharness.migration.converting.targets.onnx import Onnx

        return Onnx(request)
    from tsharness.migration.converting.targets.lite import Lite

    return Lite(request)
