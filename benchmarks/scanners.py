"""Which files do scanners of pickles flag, and which does ``tsharness inspect``? Harmful TorchScript files,
and healthy ones: the table of docs/scanners.md.

    python -m venv scanners && scanners/bin/pip install picklescan modelscan fickling typing_extensions
    python benchmarks/scanners.py scanners/bin [--save]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from common import BIN, ROOT

sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from corpus import BAD, scripted, traced  # noqa: E402
from test_inspect import HEALTHY  # noqa: E402

PAGE = ROOT / "docs" / "scanners.md"
Scanner = Callable[[Path], bool]
"""Whether it flags a file."""


def harmful(folder: Path) -> list[Path]:
    """Files that write, read or send when they are called or loaded, or whose pickle runs a program."""
    made = []
    for name, bad in BAD.items():
        if bad.exit_code == 7 and bad.code.startswith("TS36"):
            bad.make(folder / f"{name}.pt")
            made.append(folder / f"{name}.pt")
    return made


def healthy(folder: Path) -> list[Path]:
    """Modules of torch, traced and scripted."""
    made = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (module, x) in HEALTHY.items():
            made.append(traced(module, x, folder / f"{name}-traced.pt"))
            made.append(scripted(module, folder / f"{name}-scripted.pt"))
    return made


def by_exit_code(*command: str | Path, flags: Sequence[int] = (1,)) -> Scanner:
    def scan(path: Path) -> bool:
        # Some write their results into the folder that they are run in.
        with tempfile.TemporaryDirectory() as folder:
            arguments = [*map(str, command), str(path.absolute())]
            done = subprocess.run(arguments, capture_output=True, check=False, cwd=folder)
        return done.returncode in flags

    return scan


def fickling(tools: Path) -> Scanner:
    """It takes pickles alone: those of the archive."""

    def scan(path: Path) -> bool:
        with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(path) as archive:
            pickles = [
                archive.extract(info, name)
                for info in archive.infolist()
                if info.filename.endswith("data.pkl")
            ]
            check = by_exit_code(tools / "fickling", "--check-safety")
            return any(check(Path(one)) for one in pickles)

    return scan


def table(tools: Path) -> list[str]:
    """A row for each scanner."""
    scanners = {
        f"picklescan {_version(tools, 'picklescan')}": by_exit_code(tools / "picklescan", "-p"),
        f"modelscan {_version(tools, 'modelscan')}": by_exit_code(tools / "modelscan", "-p"),
        f"fickling {_version(tools, 'fickling')} (on data.pkl)": fickling(tools),
        "`tsharness inspect`": by_exit_code(BIN / "tsharness", "inspect", "-q", flags=(7,)),
    }
    rows = []
    with tempfile.TemporaryDirectory() as name:
        bad, good = Path(name) / "harmful", Path(name) / "healthy"
        bad.mkdir()
        good.mkdir()
        harm, health = harmful(bad), healthy(good)
        for scanner, flags in scanners.items():
            found, false = [path.stem for path in harm if flags(path)], sum(map(flags, health))
            missed = ", ".join(path.stem for path in harm if path.stem not in found)
            rows.append(f"| {scanner} | {len(found)} of {len(harm)} | {false} of {len(health)} | {missed} |")
            print(rows[-1])
    return rows


def _version(tools: Path, name: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    return subprocess.run(
        [tools / "python", "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description="scanners of pickles, side by side")
    parser.add_argument("tools", type=Path, help="the bin folder of an environment that has the scanners")
    parser.add_argument("--save", action="store_true", help="write docs/scanners.md")
    options = parser.parse_args()
    rows = table(options.tools.absolute())
    if options.save:
        PAGE.write_text(INTRODUCTION + "\n".join(rows) + "\n")


INTRODUCTION = """# Scanners, side by side

A TorchScript file is code: what it does stands in its `code/`, not in its pickles. Scanners of pickles do not
read that. Here they are on the harmful files of `tests/python/corpus.py` (they write or read files when they
are called, or while they are loaded; call other processes; use operators that nobody knows; one has a pickle
that runs a program) and on healthy modules of torch, traced and scripted. A file counts as flagged by the
scanner's exit code; for `inspect` that is 7. Made by `benchmarks/scanners.py`.

| scanner | harmful files flagged | healthy files flagged | missed |
|---|---|---|---|
"""


if __name__ == "__main__":
    main()
