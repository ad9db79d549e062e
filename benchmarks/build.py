"""A clean build: configure and compile runner, core and Python module from nothing."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from common import BIN, ROOT, Row, main

LIMIT = 240.0


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        configure = ("-S", ROOT, "-B", folder, "-G", "Ninja", f"-DPython_EXECUTABLE={sys.executable}")
        _run(BIN / "cmake", *configure, f"-DCMAKE_MAKE_PROGRAM={BIN / 'ninja'}")
        _run(BIN / "cmake", "--build", folder)
        seconds = time.perf_counter() - start
    return [Row("clean build", f"{seconds:.0f} s", "at most 240 s on two cores", seconds <= LIMIT)]


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main("build", measure)
