"""Reference outputs from Python: asked of a process of its own, because loading an artifact runs its code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from tsharness.cases.input_spec import InputCase
from tsharness.cases.safetensors_file import Location
from tsharness.errors import ArtifactError, InputError, RunnerCrash, TsharnessError, UsageError
from tsharness.scratch import ScratchFolder
from tsharness.verification.plan import Plan, VerifyOptions


@dataclass(frozen=True)
class ReferenceRequest:
    """Whose outputs, on which inputs. The first kind of inputs that is stated counts; without any, the
    inputs that the artifact bundles (torch.utils.bundled_inputs)."""

    artifact: Path
    inputs: tuple[InputCase, ...] = ()
    """Described on a command line, or found."""
    cases: Location | None = None
    """A case file, whose outputs do not count."""
    inputs_from: str | None = None
    """``file.py:NAME``, or a file of tensors (.safetensors, .pt)."""
    outputs_from: Path | None = None
    """A file of tensors: the outputs, which nothing then computes."""
    reference: str | None = None
    """``MODULE:FACTORY`` of the eager model, or another artifact (``.pt``); ``None``: the artifact itself,
    run by ``torch.jit``."""
    libraries: tuple[Path, ...] = ()
    """Of custom operators, loaded before anything else."""
    trace_case: str | None = None
    """Name of a case: not a case file is written then, but the reference traced on its inputs."""
    bundle_into: Path | None = None
    """Where to save the artifact with the inputs bundled as PyTorch does it."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "artifact": str(self.artifact.absolute()),
            "inputs": [case.to_dict() for case in self.inputs],
            "cases": _location(self.cases) if self.cases else None,
            "inputs_from": self.inputs_from,
            "outputs_from": str(self.outputs_from.absolute()) if self.outputs_from else None,
            "reference": self.reference,
            "libraries": [str(path.absolute()) for path in self.libraries],
            "trace_case": self.trace_case,
            "bundle_into": str(self.bundle_into.absolute()) if self.bundle_into else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ReferenceRequest:
        return cls(
            Path(data["artifact"]),
            tuple(InputCase.from_dict(case) for case in data["inputs"]),
            Location(Path(data["cases"][0]), *data["cases"][1:]) if data["cases"] else None,
            data["inputs_from"],
            Path(data["outputs_from"]) if data["outputs_from"] else None,
            data["reference"],
            tuple(map(Path, data["libraries"])),
            data["trace_case"],
            Path(data["bundle_into"]) if data["bundle_into"] else None,
        )


def _location(location: Location) -> list[Any]:
    return [str(location.path.absolute()), location.offset, location.size]


def is_artifact(reference: str | None) -> TypeGuard[str]:
    """Whether the reference names a saved model."""
    return reference is not None and reference.endswith((".pt", ".pth"))


@contextmanager
def reference_artifact(plan: Plan, options: VerifyOptions, case: str) -> Iterator[Path]:
    """The reference as an artifact that the runner can take apart: itself, if it is one; the eager model,
    traced on the inputs of that case. Raises UsageError where the reference is neither."""
    stated = options.reference
    if stated is None or stated in ("python", "none"):
        raise UsageError(
            "--localize compares operator by operator with another artifact: add --reference MODULE:FACTORY "
            "(the eager model, which is traced) or --reference other.pt"
        )
    if is_artifact(stated):
        yield Path(stated)
        return
    with ScratchFolder() as scratch:
        request = ReferenceRequest(
            plan.artifact,
            cases=plan.document.location,
            reference=stated,
            libraries=options.libraries,
            trace_case=case,
        )
        target = Path(scratch) / "reference.pt"
        record_reference(request, target, options.timeout)
        yield target


_KINDS: dict[str, type[TsharnessError]] = {
    "artifact": ArtifactError,
    "input": InputError,
    "usage": UsageError,
}


def record_reference(request: ReferenceRequest, output: Path, timeout: float) -> None:
    """Has the process write a case file. Raises ArtifactError, InputError or UsageError with its reason,
    RunnerCrash if it died or took longer than ``timeout`` seconds."""
    artifact = request.artifact
    if not artifact.is_file():
        raise ArtifactError(f"{artifact} does not exist; give the path of a saved model")
    message = {**request.to_dict(), "output": str(output.absolute())}
    ask_python("tsharness.exporting.reference_process", message, artifact, timeout)


def ask_python(module: str, message: Mapping[str, Any], artifact: Path, timeout: float) -> dict[str, Any]:
    """What a process of ``module`` answers to the message (exporting/answer.py). Raises its error as its kind
    says, RunnerCrash if it died or took longer than ``timeout`` seconds."""
    command = [sys.executable, "-m", module]
    with ScratchFolder() as scratch:
        try:
            done = subprocess.run(
                command,
                input=json.dumps({**message, "folder": str(Path.cwd())}),
                capture_output=True,
                text=True,
                timeout=timeout,
                cwd=scratch,
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RunnerCrash(f"{artifact}: the Python reference took longer than {timeout:g} s") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise RunnerCrash(f"{artifact}: the Python reference process died: {said[0]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    error = answer.get("error")
    if error is not None:
        raise _KINDS[error["kind"]](f"{artifact}: {error['message']}")
    return answer
