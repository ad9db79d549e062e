"""Seeded mutations of healthy archives and case files through ``inspect`` and ``verify``.

    python tests/fuzz/fuzz.py --inspect 5000 --verify 500 [--seed 0] [--keep DIR]

What must hold: an answer or an error of the tree (no traceback, no crash), within seconds, in bounded memory,
and nothing left behind. ``inspect`` runs in one process under a limit of memory, ``verify`` as a user runs
it. What breaks the rules is kept, and named by the seed that makes it again."""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SECONDS = 10  # for one file
_MEMORY = 2_000_000_000  # bytes of the process that inspects
_GOOD_EXITS = {0, 1, 2, 3, 5, 6, 7}


@dataclass(frozen=True)
class Failure:
    """A mutation that broke a rule."""

    seed: int
    what: str


def seeds_of(folder: Path) -> list[Path]:
    """Healthy files: scripted, traced, with cases inside, lite, as flatbuffer; and a case file."""
    import warnings

    import torch

    sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]
    import conditional

    import tsharness
    from corpus import Small, lite, small
    from lint_models import LINTS

    made = [small(folder / "small.pt")]
    tsharness.export(*conditional.on_tensor(), folder / "cases.pt", families=())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("TS336", "TS341", "TS348"):
            LINTS[name](folder / f"{name}.pt")
            made.append(folder / f"{name}.pt")
    lite(Small(), folder / "flatbuffer.pt", flatbuffer=True)
    made.append(folder / "flatbuffer.pt")
    torch.manual_seed(0)
    from tsharness.artifact.archive import embedded_cases

    location = embedded_cases(folder / "cases.pt")
    assert location is not None
    data = location.path.read_bytes()[location.offset : location.offset + location.size]
    (folder / "cases.safetensors").write_bytes(data)
    return [*made, folder / "cases.pt", folder / "cases.safetensors"]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The bytes with one to three changes of some kind."""
    for _ in range(rng.randint(1, 3)):
        data = rng.choice(_MUTATIONS)(data, rng)
    return data


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 16)):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.choice((1, 2, 8, 64))) + data[at:]


def _drop(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.choice((1, 4, 30, 300)) :]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    part = data[at : at + rng.choice((4, 46, 500))]
    to = rng.randrange(len(data) + 1)
    return data[:to] + part + data[to:]


def _number(data: bytes, rng: random.Random) -> bytes:
    """Two, four or eight bytes with the numbers that parsers trip over."""
    size = rng.choice((2, 4, 8))
    value = rng.choice((0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), rng.getrandbits(8 * size)))
    at = rng.randrange(max(1, len(data) - size))
    return data[:at] + value.to_bytes(size, "little") + data[at + size :]


def _at_a_signature(data: bytes, rng: random.Random) -> bytes:
    """A field of one of the zip's headers."""
    places = [i for magic in (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06") for i in _all(data, magic)]
    if not places:
        return _flip(data, rng)
    at = rng.choice(places) + rng.randrange(4, 46)
    return (
        data[:at] + rng.randbytes(rng.choice((1, 2, 4))) + data[at + 4 :]
        if rng.random() < 0.2
        else (data[:at] + bytes((rng.randrange(256),)) + data[at + 1 :])
    )


def _all(data: bytes, magic: bytes) -> Iterator[int]:
    at = data.find(magic)
    while at >= 0:
        yield at
        at = data.find(magic, at + 1)


_MUTATIONS: Sequence[Callable[[bytes, random.Random], bytes]] = (
    # What keeps the length comes up more often: it gets further into a parser.
    *(_flip,) * 4,
    *(_number,) * 3,
    *(_at_a_signature,) * 4,
    *(_cut, _insert, _drop, _repeat),
)


def mutation(seeds: Sequence[bytes], seed: int) -> bytes:
    """The mutation of that number: the same on every machine."""
    rng = random.Random(seed)
    return mutated(rng.choice(seeds), rng)


def fuzz_inspect(
    seeds: Sequence[bytes], numbers: Sequence[int], folder: Path
) -> tuple[Counter[str], list[Failure]]:
    """How the inspections ended, and which broke a rule. The process gets a limit of memory for good."""
    from tsharness.errors import TsharnessError
    from tsharness.inspection.api import InspectOptions, inspect_file

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.signal(signal.SIGALRM, _too_long)
    path, ends, failures = folder / "mutated.pt", Counter[str](), []
    for number in numbers:
        path.write_bytes(mutation(seeds, number))
        signal.alarm(_SECONDS)
        try:
            ends[inspect_file(path, InspectOptions(triton=True)).exit_code.name] += 1
        except TsharnessError as error:
            ends[type(error).__name__] += 1
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            said = f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
            failures.append(Failure(number, f"inspect raised {said}"))
        finally:
            signal.alarm(0)
    return ends, failures


def _too_long(*_: object) -> None:
    raise TimeoutError(f"took longer than {_SECONDS} s")


def fuzz_verify(
    seeds: Sequence[bytes], numbers: Sequence[int], folder: Path
) -> tuple[Counter[str], list[Failure]]:
    """As a user: the command, in a process of its own, whose folder for temporary files must stay empty."""
    ends, failures = Counter[str](), []
    scratch = folder / "tmp"
    scratch.mkdir()
    command = Path(sys.executable).parent / "tsharness"
    for number in numbers:
        rng = random.Random(number)
        path, cases = folder / "mutated.pt", folder / "mutated.cases.safetensors"
        path.write_bytes(mutation(seeds[:-1], number) if rng.random() < 0.7 else seeds[-2])
        arguments = [command, "verify", path, "--level", "quick", "--timeout", "10", "-q"]
        if rng.random() < 0.4:
            cases.write_bytes(mutation(seeds[-1:], number))
            arguments += ["--cases", cases]
        said = _run(arguments, scratch)
        ends[said if said.isalnum() else "failure"] += 1
        if not said.isalnum():
            failures.append(Failure(number, said))
    return ends, failures


def _run(arguments: Sequence[str | Path], scratch: Path) -> str:
    """The exit code as text, or what broke a rule."""
    environment = {**os.environ, "TMPDIR": str(scratch)}
    try:
        done = subprocess.run(
            list(map(str, arguments)),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=6 * _SECONDS,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "verify: it hung"
    if "Traceback (most recent call last)" in done.stderr:
        return f"verify: a traceback: {done.stderr.strip().splitlines()[-1]}"
    if done.returncode not in _GOOD_EXITS:
        return f"verify: exit code {done.returncode}: {done.stderr[-300:]}"
    left = list(scratch.iterdir())
    return f"verify: left behind {left[0]}" if left else str(done.returncode)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inspect", type=int, default=5000, metavar="N")
    parser.add_argument("--verify", type=int, default=500, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="number of the first mutation")
    parser.add_argument("--keep", type=Path, help="folder for files that broke a rule")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = [path.read_bytes() for path in seeds_of(folder)]
        failures = []
        for what, count, fuzz in (
            ("verify", options.verify, fuzz_verify),
            ("inspect", options.inspect, fuzz_inspect),
        ):
            started = time.monotonic()
            ends, bad = fuzz(seeds, range(options.seed, options.seed + count), folder)
            failures += bad
            told = ", ".join(f"{end} {number}" for end, number in ends.most_common())
            print(f"{what}: {count} mutations in {time.monotonic() - started:.0f} s: {told}")
        for failure in failures:
            print(f"FAIL seed {failure.seed}: {failure.what}")
            if options.keep is not None:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{failure.seed}.pt").write_bytes(mutation(seeds, failure.seed))
    print("FAIL" if failures else "PASS", f"{len(failures)} broke a rule")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
