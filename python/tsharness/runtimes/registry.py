"""The kinds of artifact that can be run, and what is different about each."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tsharness.artifact.kind import kind_of
from tsharness.errors import EnvironmentProblem, UsageError
from tsharness.inspection.refusing import not_torchscript
from tsharness.runner.find import Runner, installed_torch
from tsharness.runners.resolve import runner_named
from tsharness.runners.store import EXECUTORCH, INSTALLED, built_runners

_NO_STATE = "nothing can look at what it keeps from call to call"
_NO_GRAD = "it has no gradients to be switched off"
_OWN_KERNELS = "its kernels are not LibTorch's, which the check switches"


@dataclass(frozen=True)
class Runtime:
    """What runs a kind of artifact."""

    name: str
    """As jobs carry it (csrc/core/program.h)."""
    what: str
    """In words."""
    skips: Mapping[str, str] = field(default_factory=dict)
    """Checks, by their ids, that say nothing about such an artifact, and why."""
    probing: Mapping[str, str] = field(default_factory=dict)
    """Variables of processes that call it with sizes which it may not take."""

    @property
    def has_graphs(self) -> bool:
        """Whether its operators can be looked at while it runs."""
        return self.name == "torchscript"

    @property
    def is_torchscript(self) -> bool:
        """Whether it runs what torch.jit has written, with LibTorch's kernels."""
        return self.name in ("torchscript", "lite")

    @property
    def own_runner(self) -> bool:
        """Whether the runner that is installed with the package does not run it."""
        return self.name in ("executorch", "onnx")

    @property
    def counts_parameters(self) -> bool:
        """Whether its files say how many there are."""
        return not self.own_runner


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime("torchscript", "TorchScript"),
        Runtime("lite", "bytecode of the lite interpreter"),
        Runtime(
            "aoti",
            "an AOTInductor package",
            {
                "state": _NO_STATE,
                "grad-mode": _NO_GRAD,
                "cpu-capability": "its machine code has the instructions that it was compiled with",
                "device": "it was compiled for one kind of device",
            },
            # Without it, machine code takes whatever it is given for the sizes that it was compiled for.
            {"AOTI_RUNTIME_CHECK_INPUTS": "1"},
        ),
        Runtime(
            "executorch",
            "an ExecuTorch program",
            {
                "state": _NO_STATE,
                "grad-mode": _NO_GRAD,
                "cpu-capability": _OWN_KERNELS,
                "precision": _OWN_KERNELS,
                "thread-count": "its runtime has one pool of threads, whose size nobody can choose",
                "device": "it runs on the CPU here",
            },
        ),
        Runtime(
            "onnx",
            "an ONNX model, by ONNX Runtime in Python",
            {
                "no-python": "the runtime of this kind is Python's: C++ is not claimed",
                "state": _NO_STATE,
                "grad-mode": _NO_GRAD,
                "cpu-capability": _OWN_KERNELS,
                "precision": _OWN_KERNELS,
                "thread-count": "its threads are ONNX Runtime's, whose number is settled at the load",
                "device": "it runs on the CPU here",
            },
        ),
    )
}


def runtime_of(artifact: Path, stated: str | None = None) -> Runtime:
    """What runs a file: what ``--kind`` says, else what the file is. Raises UsageError for a kind that there
    is not, ArtifactError for a file of which no runtime is made."""
    if stated is not None:
        if stated not in RUNTIMES:
            raise UsageError(f"--kind '{stated}': expected {', '.join(RUNTIMES)}")
        return RUNTIMES[stated]
    kind = kind_of(artifact)
    if not kind.runtime:
        raise not_torchscript(artifact, kind)
    return RUNTIMES[kind.runtime]


def runner_for(runtime: Runtime, named: str) -> Runner:
    """The runner of that name if it has the kind, else the one that is made for it. Raises UsageError,
    EnvironmentProblem with the command that installs what is missing."""
    if runtime.name == "executorch" and named == INSTALLED:
        return _executorch_runner()
    if runtime.name == "onnx":
        if named != INSTALLED:
            raise UsageError(f"--runner {named}: ONNX models run in this Python's ONNX Runtime alone")
        return _onnx_runner()
    return runner_named(named)


def runs_in(runtime: Runtime, named: str, runner: Runner) -> bool:
    """Whether that runner, which is the one of that name or what stands in for it, is the one to take."""
    return named != INSTALLED or not runtime.own_runner or runner.prefix != ()


def _executorch_runner() -> Runner:
    for one in built_runners():
        if one.name == EXECUTORCH:
            return one.runner
    build = "tsharness runner build --executorch"
    if importlib.util.find_spec("executorch") is None:
        raise EnvironmentProblem(
            "ExecuTorch programs need ExecuTorch's runtime, which is not installed.\n"
            f"pip install 'tsharness[executorch]', then: {build}"
        )
    raise EnvironmentProblem(f"no runner for ExecuTorch programs has been built yet.\nOnce: {build}")


def _onnx_runner() -> Runner:
    if importlib.util.find_spec("onnxruntime") is None:
        raise EnvironmentProblem(
            "ONNX models need ONNX Runtime, which is not installed: pip install 'tsharness[onnx]'"
        )
    return Runner(Path("tsharness.runtimes.onnx_runner"), installed_torch() or "", (sys.executable, "-m"))
