"""What a process of Python may reach that runs an artifact: the same cage as the runner's, for a process that
has no job."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsharness.runner.cage import SCRATCH_BYTES, Sandbox, clean_environment

LOADERS = (Path("/lib64/ld-linux-x86-64.so.2"), Path("/lib/ld-linux-aarch64.so.1"))
"""What the kernel starts every program with that a process may start."""
_OF_COMPILERS = ("PATH", "CC", "CXX", "CPATH", "CPLUS_INCLUDE_PATH", "C_INCLUDE_PATH", "LIBRARY_PATH")


@dataclass(frozen=True)
class Reach:
    """Files and programs, besides Python's own and a scratch folder."""

    sandbox: Sandbox
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    """Folders in which it makes what it was asked for."""
    execute: tuple[Path, ...] = ()
    """Programs that it may start: a compiler. None: it starts no process at all."""
    device: str = "cpu"
    room: int = SCRATCH_BYTES
    """Bytes that it may write."""

    def rules(self, scratch: Path, timeout: float) -> dict[str, Any]:
        """As ``tsharness._cage.enter`` takes them (csrc/runner/cage_machine.h). The processor time is a last
        resort: the clock stops it earlier."""
        return {
            "gpu": not self.device.startswith("cpu"),
            "read": [*map(str, python_folders()), *map(_absolute, self.read)],
            "write": [str(scratch), *map(_absolute, self.write)],
            "execute": [*map(_absolute, self.execute)],
            "file_bytes": self.room,
            "cpu_seconds": int(timeout * (os.cpu_count() or 1)) + 60,
        }

    def environment(self, environment: Mapping[str, str], scratch: Path) -> dict[str, str]:
        """The variables that it gets of these."""
        wanted = ("PYTHONPATH", *(_OF_COMPILERS if self.execute else ()))
        own = {name: environment[name] for name in wanted if name in environment}
        made = {"PYTHONDONTWRITEBYTECODE": "1", "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor")}
        return {**clean_environment(environment, str(scratch)), **own, **made}


def _absolute(path: Path) -> str:
    return str(path.absolute())


def python_folders() -> Iterator[Path]:
    """Where this Python imports from, but not the folder that it works in: that is the user's."""
    import tsharness

    paths = sysconfig.get_paths()
    kept = dict.fromkeys(
        Path(path)
        for path in (
            *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
            *(
                f"{prefix}/{name}"
                for prefix in (sys.prefix, sys.base_prefix)
                for name in ("lib", "pyvenv.cfg")
            ),
            *filter(None, sys.path),
            *tsharness.__path__,
        )
    )
    working = Path.cwd()
    yield from (path for path in kept if path.absolute() != working)
