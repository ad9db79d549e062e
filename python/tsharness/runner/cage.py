"""What a runner process may do: the cage that it locks itself into. What is watched from outside is in
excess.py; csrc/runner/cage.h is the lock; docs/security.md says what it is worth."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from tsharness.errors import UsageError
from tsharness.runner.job import Job
from tsharness.runner.paths import WRITTEN

SCRATCH_BYTES = 1 << 30
"""That a process may have in its scratch folder."""
PRINTED_BYTES = 1 << 28
"""That it may print."""
KEPT_VARIABLES = (
    *("LD_", "OMP_", "GOMP_", "KMP_", "MKL_", "ATEN_", "ONEDNN_", "DNNL_", "MALLOC_", "LC_", "LANG", "TZ"),
    *("CUDA_", "CUBLAS_", "CUDNN_", "NVIDIA_", "NCCL_", "HIP_", "HSA_", "ROCR_", "TORCH_", "PYTORCH_"),
)
"""What the names of variables begin with that a process gets."""
PINNING = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY")
"""With these GNU's OpenMP gives each thread a processor by the thread's number, which the cage takes for a
stranger's: no thread would start."""


class Sandbox(Enum):
    """How much of the cage must be there."""

    STRICT = "strict"
    """All of it, or nothing runs."""
    AUTO = "auto"
    """What the kernel can; the report says what it could not."""
    OFF = "off"


def parse_sandbox(text: str) -> Sandbox:
    """Raises UsageError."""
    try:
        return Sandbox(text)
    except ValueError:
        raise UsageError(f"--sandbox '{text}': expected strict, auto or off") from None


def clean_environment(environment: Mapping[str, str], scratch: str) -> dict[str, str]:
    """The variables that LibTorch and its libraries read; secrets that others hold stay outside."""
    kept = {name: value for name, value in environment.items() if _is_kept(name)}
    return {**kept, "HOME": scratch, "TMPDIR": scratch, "CUDA_CACHE_PATH": scratch}


def _is_kept(name: str) -> bool:
    return name.startswith(KEPT_VARIABLES) and name not in PINNING


def cage_of(
    job: Job, sandbox: Sandbox, scratch: Path, timeout: float, cores: int | None = None
) -> dict[str, Any]:
    """The cage as the job carries it; ``cores`` of the machine, if it is not this one. The processor time is
    a last resort: the clock stops it earlier."""
    cases = sum(len(step.get("cases", ())) + len(step.get("candidates", ())) + 1 for step in job.steps)
    seconds = int(timeout * (cases + 1) * (cores or os.cpu_count() or 1)) + 60
    return {
        "mode": sandbox.value,
        "scratch": str(scratch),
        # What it is asked to write has been in its memory first.
        "file_bytes": (job.memory_limit or 0) if written(job) else SCRATCH_BYTES,
        "cpu_seconds": seconds,
        "reads": [str(path.absolute()) for path in _beside(job)],
    }


def _beside(job: Job) -> list[Path]:
    """Files that belong to the artifact: the weights of an ONNX model, where they lie below its folder."""
    if job.kind != "onnx":
        return []
    from tsharness.artifact.onnx_file import read_onnx
    from tsharness.inspection.onnx_model import external_files

    return external_files(job.artifact, read_onnx(job.artifact))


def written(job: Job) -> list[Path]:
    """Files that the harness itself has the process write tensors to."""
    return [Path(step[field]) for step in job.steps for field in WRITTEN if step.get(field)]
