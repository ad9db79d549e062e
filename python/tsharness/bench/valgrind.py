"""Instructions of calls in a runner, counted by valgrind: the same number each time but for some ten,
whatever else the machine does."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tsharness.bench.own_step import run_job
from tsharness.errors import EnvironmentProblem, RunnerCrash
from tsharness.runner.cage import Sandbox
from tsharness.runner.find import Runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Event
from tsharness.runner.process import Hooks
from tsharness.scratch import ScratchFolder

_CALLS = "tsharness_counted_calls"
"""The function of the runner that makes the calls and nothing else (csrc/runner/instructions_step.cpp)."""
_MEMORY = ("malloc", "calloc", "realloc", "free", "posix_memalign", "aligned_alloc", "memalign")
"""Left out: what they do depends on where memory lies, which a longer file name is enough to change. Of a
chain of small operators they are a quarter of all instructions, and moved the count by 4%."""
_CAPPED = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX", "MKL_ENABLE_INSTRUCTIONS": "AVX"}
"""valgrind knows no AVX-512, and computes a fused multiply-add in software: with AVX2, convolutions and
products take it ten times as long."""
_SUM = re.compile(r"^summary:\s*(\d+)", re.MULTILINE)


def find_valgrind(launcher: Launcher, why: str) -> str:
    """The program. Raises EnvironmentProblem if it is not installed, with ``why`` it is needed, or could not
    run what this launcher starts."""
    found = shutil.which("valgrind")
    if launcher.sandbox is Sandbox.STRICT:
        raise EnvironmentProblem(
            "valgrind cannot run inside the sandbox; --sandbox auto counts outside of it"
        )
    if found is None:
        raise EnvironmentProblem(f"{why}, and valgrind is not installed: apt-get install valgrind")
    return found


def counts_by_valgrind(
    job: Job, runner: Runner, timeout: float, hooks: Hooks, valgrind: str
) -> dict[str, float]:
    """Instructions of one call of each case of the job's last step, "instructions"; those of a device, of the
    kernel and of the memory allocator are not among them.

    Raises EnvironmentProblem for a runner, or machine code, that valgrind cannot follow, and as ``run_job``.
    """
    if runner.prefix:
        raise EnvironmentProblem(
            f"valgrind counts a runner in C++; {job.kind} models run in Python, where nothing counts them"
        )
    with ScratchFolder() as folder:
        counts = Path(folder) / "counts"
        prefix = (valgrind, "--tool=callgrind", *_rules(), f"--callgrind-out-file={counts}")
        launcher = Launcher(replace(runner, prefix=prefix), Sandbox.OFF, _CAPPED)
        events = _run(replace(job, memory_limit=None), timeout, launcher, hooks)
        sums = sums_of_calls(Path(folder), every_thread=job.threads != 1)
    if len(sums) != len(events):
        raise EnvironmentProblem(
            f"valgrind has seen no calls of the runner {runner.path}: it is of another version of tsharness; "
            "build it anew (tsharness runner build)"
        )
    return {event["case"]: number / event["calls"] for event, number in zip(events, sums, strict=True)}


def _run(job: Job, timeout: float, launcher: Launcher, hooks: Hooks) -> tuple[Event, ...]:
    try:
        return run_job(job, timeout, launcher, hooks)
    except RunnerCrash as error:
        if "SIGILL" not in str(error):
            raise
        raise EnvironmentProblem(
            f"{job.artifact} executes instructions that valgrind does not know, such as AVX-512's in machine "
            "code that was compiled for this processor; nothing counts them here"
        ) from None


def _rules() -> Iterator[str]:
    """Count everywhere but in the allocator, from each of the runner's counted calls on to its end."""
    yield from (f"--toggle-collect={name}" for name in _MEMORY)
    yield from ("--collect-atstart=yes", "--separate-threads=yes")
    yield from (f"--zero-before={_CALLS}", f"--dump-after={_CALLS}")


def sums_of_calls(folder: Path, *, every_thread: bool) -> list[int]:
    """Of each of the runner's counted calls, in their order. Where one thread is to work, only the first:
    one that waits beside it, as in Debian's LibTorch, would be counted by chance."""
    found: Counter[int] = Counter()
    for path in folder.glob("counts.*-*"):
        part, thread = map(int, path.suffix[1:].split("-"))
        match = _SUM.search(path.read_text(errors="replace"))
        if match is not None and (every_thread or thread == 1):
            found[part] += int(match[1])
    return [found[part] for part in sorted(found)]
