"""Harmful archives, mutated, through the gate and, where it lets them pass, through LibTorch.

    python tests/fuzz/gate.py --mutations 20000 [--seed 0] [--alive 50] [--keep DIR]

What must hold: whatever LibTorch loads and runs so that it writes a file, or compiles with an operator that
may write one, the gate had refused. Each is loaded and run in a process of its own, which may write to an
empty folder alone. Of those that the gate refused, one in ``--alive`` is run all the same: how many of these
do harm says what the figure is worth."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SECONDS = 20  # for one file
_HARMED, _NOT_RUN, _HARMLESS = 3, 2, 0
_DANGEROUS = ("aten::save", "aten::from_file", "stranger::leave")


def refused(path: Path) -> bool:
    """Whether the gate lets nothing run it. Any error of the tree is a refusal; another one is not."""
    from tsharness.errors import TsharnessError
    from tsharness.inspection.gate import refuse_dangers

    try:
        refuse_dangers(path)
    except TsharnessError:
        return True
    return False


def runs_harm(path: Path, folder: Path) -> int:
    """What LibTorch made of it, in a process of its own: _HARMED, _HARMLESS, _NOT_RUN, or how it died."""
    scratch = Path(tempfile.mkdtemp(dir=folder))
    child = os.fork()
    if child == 0:
        code = _NOT_RUN
        try:
            code = _child(path, scratch)
        except BaseException:  # the child must not go on as its parent would
            code = _HARMED if any(scratch.iterdir()) else _NOT_RUN
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    harmed = any(scratch.iterdir())
    shutil.rmtree(scratch)
    return _HARMED if harmed else os.waitstatus_to_exitcode(status)


def _child(path: Path, scratch: Path) -> int:
    import torch
    from landlock import write_only_below
    from torch.jit.mobile import _load_for_lite_interpreter

    os.chdir(scratch)
    for stream in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    write_only_below(scratch)
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    torch.set_num_threads(1)
    ran = False
    for load in (torch.jit.load, _load_for_lite_interpreter):
        with contextlib.suppress(RuntimeError, ValueError, UnicodeDecodeError):
            module = load(str(path))
            if load is torch.jit.load and _compiled(module):
                return _HARMED
            ran = True
            module(torch.ones(2))
    return _HARMLESS if ran else _NOT_RUN


def _compiled(module: object) -> bool:
    """Whether a dangerous operator is in what was compiled."""
    for one in module.modules():  # type: ignore[attr-defined]
        for name in one._c._method_names():
            graph = str(one._c._get_method(name).inlined_graph)
            if any(op in graph for op in _DANGEROUS):
                return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mutations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--alive", type=int, default=50)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--open", action="store_true", help="without a gate, to see that it would be noticed")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.path[:0] = [str(Path(__file__).parent)]
    with tempfile.TemporaryDirectory() as folder:
        return _run(given, Path(folder), (lambda _: False) if given.open else refused)


def _run(given: argparse.Namespace, folder: Path, gate: Callable[[Path], bool]) -> int:
    from harmful import harmful

    seeds = harmful(folder)
    plain = seeds.pop("plain")
    counts: Counter[str] = Counter()
    broken: list[str] = []
    started = time.monotonic()
    _check_seeds(seeds, folder, gate)
    for number in range(given.seed, given.seed + given.mutations):
        name, data = mutation(seeds, plain, number)
        path = folder / "m.pt"
        path.write_bytes(data)
        told = _judged(path, folder, gate, number % given.alive == 0, counts)
        if told:
            broken.append(f"{number} ({name}): {told}")
            print("BROKEN", broken[-1], flush=True)
            if given.keep:
                given.keep.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, given.keep / f"{number}-{name}.pt")
    seconds = time.monotonic() - started
    print(f"{len(seeds)} harmful seeds, {given.mutations} mutations from {given.seed} on, {seconds:.0f} s")
    print(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    print(f"{'FAIL' if broken else 'PASS'} {len(broken)} got past the gate")
    return 1 if broken else 0


def mutation(seeds: dict[str, bytes], plain: bytes, number: int) -> tuple[str, bytes]:
    """The mutation of that number, always the same one."""
    from gate_mutations import mutated

    rng = random.Random(number)
    name = rng.choice(sorted(seeds))
    return name, mutated(seeds[name], plain, rng)


def _check_seeds(seeds: dict[str, bytes], folder: Path, gate: Callable[[Path], bool]) -> None:
    """Unchanged, each does harm, and is refused."""
    for name, data in seeds.items():
        path = folder / "m.pt"
        path.write_bytes(data)
        if runs_harm(path, folder) != _HARMED:
            raise SystemExit(f"the seed {name} does no harm")
        if gate is refused and not gate(path):
            raise SystemExit(f"the seed {name} passes the gate as it is")


def _judged(
    path: Path, folder: Path, gate: Callable[[Path], bool], sample: bool, counts: Counter[str]
) -> str:
    """What broke the rule; empty if nothing did."""
    try:
        stopped = gate(path)
    except Exception:
        return f"the gate itself failed: {traceback.format_exc(limit=-2)}"
    counts["refused" if stopped else "let pass"] += 1
    if stopped and not sample:
        return ""
    outcome = runs_harm(path, folder)
    if stopped:
        counts["refused, and run to see"] += 1
        counts["refused, and harmful when run"] += outcome == _HARMED
        return ""
    counts["let pass, and run"] += outcome == _HARMLESS
    return "let pass, and harmful" if outcome == _HARMED else ""


if __name__ == "__main__":
    sys.exit(main())
