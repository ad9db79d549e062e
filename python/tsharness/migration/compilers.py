"""The programs that a conversion may start in the cage: a compiler and its parts, and no others."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tsharness.runner.reach import LOADERS

_PARTS = ("cc1", "cc1plus", "collect2", "as", "ld", "lto-wrapper", "objcopy")


def compilers_for(to: str) -> tuple[Path, ...]:
    """For that target; none for those that Python alone makes."""
    found = {"aoti": _of_inductor, "executorch": _of_executorch}.get(to)
    return tuple(dict.fromkeys(path.resolve() for path in found() if path.exists())) if found else ()


def headers_for(to: str) -> tuple[Path, ...]:
    """Folders that a compiler of that target reads."""
    if to != "aoti":
        return ()
    roots = (Path("/usr"), Path("/usr/local"), Path(sys.prefix), Path(sys.base_prefix))
    folders = (root / name for root in roots for name in ("include", "lib", "libexec"))
    return (*folders, Path("/etc/ssl/openssl.cnf"))


def _of_inductor() -> Iterator[Path]:
    """The compiler that torch's inductor asks for, and Python, with which it tries what that made."""
    yield from (Path(sys.executable), *LOADERS)
    # It hashes what it has compiled with a program, where there is one.
    yield from map(Path, filter(None, (shutil.which("openssl"),)))
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        return
    yield Path(compiler)
    for part in _PARTS:
        done = subprocess.run(
            [compiler, f"-print-prog-name={part}"], capture_output=True, text=True, check=False
        )
        path = shutil.which(done.stdout.strip() or part)
        if path is not None:
            yield Path(path)


def _of_executorch() -> Iterator[Path]:
    """The compiler of flatbuffer schemas that comes with it, or the system's."""
    yield from LOADERS
    spec = importlib.util.find_spec("executorch")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(folder) / "data" / "bin" / "flatc"
    for name in filter(None, (os.environ.get("FLATC_EXECUTABLE"), shutil.which("flatc"))):
        yield Path(name)
