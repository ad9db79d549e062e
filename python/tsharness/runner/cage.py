"""What a runner process may do: the cage that it locks itself into, and what is watched from outside.

csrc/runner/cage.h is the lock; docs/security.md says what it is worth."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

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
        "file_bytes": (job.memory_limit or 0) if _written(job) else SCRATCH_BYTES,
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


def _written(job: Job) -> list[Path]:
    """Files that the harness itself has the process write tensors to."""
    return [Path(step[field]) for step in job.steps for field in WRITTEN if step.get(field)]


class Excess(Protocol):
    """What a process takes too much of."""

    def seen(self, printed: int) -> str | None:
        """In words, when it has printed so many bytes; ``None`` if nothing."""


class PrintedExcess:
    """All that is seen from afar is what it prints."""

    def seen(self, printed: int) -> str | None:
        return f"printed more than {PRINTED_BYTES} bytes" if printed > PRINTED_BYTES else None


class FolderExcess:
    """What is written into folders, from now on."""

    def __init__(
        self, folders: Collection[Path], room: int = SCRATCH_BYTES, asked_for: Collection[Path] = ()
    ) -> None:
        self._folders, self._room, self._asked_for = frozenset(folders), room, frozenset(asked_for)
        self._before = self._bytes(1 << 62)

    def seen(self) -> str | None:
        """In words, if it is more than there is room for. Files that were asked for do not count."""
        if self._bytes(self._before + self._room) > self._before + self._room:
            return f"wrote more than {self._room} bytes into its scratch folder"
        return None

    def _bytes(self, enough: int) -> int:
        return sum(_bytes_in(folder, enough, self._asked_for) for folder in self._folders)


class FilesExcess(PrintedExcess):
    """Of a process on this machine: its files, too. On a GPU the memory is watched besides: the driver
    reserves more addresses than a limit could allow."""

    def __init__(self, scratch: Path, pid: int, job: Job) -> None:
        self._pid, self._job = pid, job
        asked_for = _written(job)
        self._folders = FolderExcess({scratch, *(path.parent for path in asked_for)}, asked_for=asked_for)

    def seen(self, printed: int) -> str | None:
        too_much = super().seen(printed) or self._folders.seen()
        if too_much:
            return too_much
        if self._job.memory_limit and not self._job.device.startswith("cpu"):
            resident = _resident(self._pid)
            if resident > self._job.memory_limit:
                return f"took {resident} bytes of memory, more than the limit of {self._job.memory_limit}"
        return None


def _bytes_in(folder: Path, enough: int, asked_for: Collection[Path]) -> int:
    """Bytes of the files in a folder and below, but for those asked for; it stops counting at ``enough``."""
    total, open_ = 0, [folder]
    while open_ and total <= enough:
        # What is removed while it is counted is not counted.
        with contextlib.suppress(FileNotFoundError), os.scandir(open_.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    open_.append(Path(entry.path))
                elif Path(entry.path) not in asked_for:
                    # An empty file takes room, too.
                    total += max(4096, entry.stat(follow_symlinks=False).st_size)
    return total


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0  # it has ended
    return pages * os.sysconf("SC_PAGE_SIZE")
