"""Reference outputs from Python: asked of a process of its own, because loading an artifact runs its code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

from tsharness.cases.safetensors_file import Location
from tsharness.cases.specs import InputCase
from tsharness.errors import ArtifactError, InputError, RunnerCrash, TsharnessError, UsageError
from tsharness.runner.cage import SCRATCH_BYTES, Sandbox
from tsharness.runner.python_process import Ended, run_python
from tsharness.runner.reach import Reach
from tsharness.scratch import ScratchFolder
from tsharness.verification.plan import Plan, VerifyOptions

_ARTIFACTS = (".pt", ".pth")
_TENSOR_FILES = (".safetensors", ".pt", ".pth")


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
    foreign: bool = False
    """Whether the artifact is no TorchScript: Python does not load it, and its arguments have no names."""

    @property
    def own_reference(self) -> bool:
        """Whether the reference is the user's own code."""
        return self.reference is not None and not is_artifact(self.reference)

    @property
    def own_code(self) -> bool:
        """Whether any of it is the user's own code: that runs in a process which never opens the artifact."""
        return self.made_inputs or self.own_reference

    @property
    def made_inputs(self) -> bool:
        """Whether the user's own code makes the inputs."""
        return self.inputs_from is not None and not self.inputs_from.endswith(_TENSOR_FILES)

    @property
    def has_bundled_inputs(self) -> bool:
        """Whether no inputs are stated, so that the artifact is asked for them."""
        return not self.inputs and self.cases is None and self.inputs_from is None

    def to_dict(self) -> dict[str, Any]:
        return {
            "artifact": str(self.artifact.absolute()),
            "inputs": [case.to_dict() for case in self.inputs],
            "cases": _location(self.cases) if self.cases else None,
            "inputs_from": _file(self.inputs_from, _TENSOR_FILES),
            "outputs_from": str(self.outputs_from.absolute()) if self.outputs_from else None,
            "reference": _file(self.reference, _ARTIFACTS),
            "libraries": [str(path.absolute()) for path in self.libraries],
            "trace_case": self.trace_case,
            "bundle_into": str(self.bundle_into.absolute()) if self.bundle_into else None,
            "foreign": self.foreign,
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
            data["foreign"],
        )


def _file(name: str | None, endings: tuple[str, ...]) -> str | None:
    """A file by a name that every process understands; what names code stays as it is."""
    return str(Path(name).absolute()) if name is not None and name.endswith(endings) else name


def _location(location: Location) -> list[Any]:
    return [str(location.path.absolute()), location.offset, location.size]


def is_artifact(reference: str | None) -> TypeGuard[str]:
    """Whether the reference names a saved model."""
    return reference is not None and reference.endswith(_ARTIFACTS)


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
        record_reference(request, target, options.timeout, options.sandbox)
        yield target


_KINDS: dict[str, type[TsharnessError]] = {
    "artifact": ArtifactError,
    "input": InputError,
    "usage": UsageError,
}


def record_reference(request: ReferenceRequest, output: Path, timeout: float, sandbox: Sandbox) -> str:
    """Has processes write a case file: one in the cage that runs the artifact, one outside of it that runs
    the user's own code, if some is named, and never opens the artifact. Returns what the cage lacked, in
    words that go behind a sentence. Raises ArtifactError, InputError or UsageError with their reason,
    RunnerCrash if one died or took longer than ``timeout`` seconds, EnvironmentProblem without a cage that
    must be whole."""
    artifact = request.artifact
    if not artifact.is_file():
        raise ArtifactError(f"{artifact} does not exist; give the path of a saved model")
    ask = _Recorder(request, timeout, sandbox)
    if not request.own_code:
        return ask.artifact(request, output)
    with ScratchFolder() as name:
        scratch = Path(name)
        if request.has_bundled_inputs:
            ask.artifact(replace(request, reference=None), scratch / "inputs", only="inputs")
            request = replace(request, cases=Location(scratch / "inputs"))
        if request.trace_case is not None:
            ask.own_code(request, output)
            return ""
        if request.foreign and request.own_reference:
            ask.own_code(request, output)
            return " (your own code, not in the cage)"
        ask.own_code(request, scratch / "own")
        known = replace(request, inputs=(), cases=Location(scratch / "own"), inputs_from=None, reference=None)
        only = "signature" if request.own_reference else ""
        lacks = ask.artifact(known, output, only)
    return lacks + (" (your own code, not in the cage)" if request.own_reference else "")


@dataclass(frozen=True)
class _Recorder:
    request: ReferenceRequest
    timeout: float
    sandbox: Sandbox

    def artifact(self, request: ReferenceRequest, output: Path, only: str = "") -> str:
        """Its process; ``only`` a part of its work (exporting/reference_process.py)."""
        read = [
            *([] if request.foreign else [request.artifact]),
            *(library.parent for library in request.libraries),
        ]
        read += [Path(name) for name in (request.inputs_from, request.reference) if name]
        read += [request.cases.path] if request.cases else []
        read += [request.outputs_from] if request.outputs_from else []
        write = [output, *([request.bundle_into] if request.bundle_into else [])]
        reach = Reach(
            self.sandbox,
            tuple(read),
            tuple(path.parent for path in write),
            room=SCRATCH_BYTES + 4 * request.artifact.stat().st_size,
        )
        ended = self._ask("reference_process", request, output, reach, only=only)
        return cage_in_words(ended.missing)

    def own_code(self, request: ReferenceRequest, output: Path) -> None:
        self._ask("user_process", request, output, None)

    def _ask(
        self, module: str, request: ReferenceRequest, output: Path, reach: Reach | None, **more: Any
    ) -> Ended:
        message = {**request.to_dict(), "output": str(output.absolute()), **more}
        return ask_python(
            f"tsharness.exporting.{module}", message, self.request.artifact, self.timeout, reach
        )


def cage_in_words(missing: Sequence[str]) -> str:
    """Silent where the cage is whole."""
    return f" (cage: {'; '.join(missing)})" if missing else ""


def ask_python(
    module: str, message: Mapping[str, Any], artifact: Path, timeout: float, reach: Reach | None
) -> Ended:
    """What a process of ``module`` answers to the message (exporting/answer.py), in the cage that ``reach``
    describes; ``None``: the user's own code, which never gets an artifact. Raises its error as its kind says,
    RunnerCrash if it died or took longer than ``timeout`` seconds."""
    folder = {"folder": str(Path.cwd())} if reach is None else {}
    ended = run_python(module, {**message, **folder}, reach, timeout)
    if ended.problem:
        what = "the Python reference" + (" process" if ended.problem.startswith("died") else "")
        raise RunnerCrash(f"{artifact}: {what} {ended.problem}")
    error = ended.answer.get("error")
    if error is not None:
        raise _KINDS.get(error["kind"], ArtifactError)(f"{artifact}: {error['message']}")
    return ended
