"""Instructions of calls in a runner, counted by valgrind: the same number each time but for some ten,
whatever else the machine does."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
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
from tsharness.runner.reach import LOADERS, Reach
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


_PARTS = ("libexec/valgrind", "lib/valgrind", f"lib/{os.uname().machine}-linux-gnu/valgrind")
"""Where it keeps its tools, below its prefix."""


def find_valgrind(why: str) -> str:
    """The program. Raises EnvironmentProblem if it is not installed, with ``why`` it is needed."""
    found = shutil.which("valgrind")
    if found is None:
        raise EnvironmentProblem(f"{why}, and valgrind is not installed: apt-get install valgrind")
    return found


def counts_by_valgrind(
    job: Job, runner: Runner, timeout: float, hooks: Hooks, valgrind: str, sandbox: Sandbox
) -> dict[str, float]:
    """Instructions of one call of each case of the job's last step, "instructions"; those of a device, of the
    kernel and of the memory allocator are not among them. valgrind enters the cage before it runs anything:
    inside of it, the runner could not.

    Raises EnvironmentProblem for a runner, or machine code, that valgrind cannot follow, and as ``run_job``.
    """
    if runner.prefix:
        raise EnvironmentProblem(
            f"valgrind counts a runner in C++; {job.kind} models run in Python, where nothing counts them"
        )
    with ScratchFolder() as folder:
        counts = Path(folder) / "counts"
        program = (valgrind, "--tool=callgrind", *_rules(), f"--callgrind-out-file={counts}")
        reach = _reach(job, runner, valgrind, sandbox)
        cage = json.dumps(reach.rules(Path(folder), _most_seconds(job, timeout)))
        prefix = (sys.executable, "-m", "tsharness.runner.caged_program", cage, sandbox.value, *program)
        launcher = Launcher(replace(runner, prefix=prefix), Sandbox.OFF, {**_CAPPED, **_own_path()})
        events = _run(replace(job, memory_limit=None), timeout, launcher, hooks)
        sums = sums_of_calls(Path(folder), every_thread=job.threads != 1)
    if len(sums) != len(events):
        raise EnvironmentProblem(
            f"valgrind has seen no calls of the runner {runner.path}: it is of another version of tsharness; "
            "build it anew (tsharness runner build)"
        )
    return {event["case"]: number / event["calls"] for event, number in zip(events, sums, strict=True)}


def _reach(job: Job, runner: Runner, valgrind: str, sandbox: Sandbox) -> Reach:
    """The programs that valgrind consists of, and what the job reads."""
    from tsharness.runners.resolve import describe

    program = Path(valgrind)
    folders = [folder for part in _PARTS if (folder := program.parents[1] / part).is_dir()]
    tools = [tool for folder in folders for tool in folder.glob("callgrind-*-linux")]
    # Debian's is a script that starts another one beside it.
    shell, beside = Path("/bin/sh"), program.with_name("valgrind.bin")
    programs = [path.resolve() for path in (program, beside, shell, *LOADERS, *tools)]
    mapped = {Path(library).parent for library in describe(runner.path)["mapped_libraries"]}
    libraries = [library.parent for library in job.libraries]
    cases = [job.cases.path] if job.cases is not None else []
    return Reach(
        sandbox,
        (job.artifact, *cases, runner.path, *folders, *programs, *sorted(mapped), *libraries),
        execute=tuple(path for path in programs if path.exists()),
    )


def _most_seconds(job: Job, timeout: float) -> float:
    return timeout * (len(job.steps[-1].get("cases", ())) + 1)


def _own_path() -> dict[str, str]:
    """What lets Python find this package, where a variable does."""
    return {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}


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
    # Nobody asks it anything while it runs, and the FIFOs for that are not for the cage.
    yield from ("--collect-atstart=yes", "--separate-threads=yes", "--vgdb=no")
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
