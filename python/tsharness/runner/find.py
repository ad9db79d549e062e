"""The runner that was installed with this package, and whether it fits the torch that is there."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path

from tsharness.errors import EnvironmentProblem

_REINSTALL = "pip install --force-reinstall --no-deps --no-build-isolation ."


@dataclass(frozen=True)
class Runner:
    """A runner executable."""

    path: Path
    libtorch: str
    """Version that it was built against."""
    prefix: tuple[str, ...] = ()
    """Of its command line: a program that runs it."""


def find_runner() -> Runner:
    """The installed runner. Raises EnvironmentProblem if there is none, or if torch is another minor
    version than the one that it was built against: LibTorch's C++ interface changes with each."""
    for folder in _package_folders():
        path, build = folder / "bin" / "tsharness-runner", folder / "build_info.json"
        if path.is_file() and build.is_file():
            built = str(json.loads(build.read_text())["libtorch"])
            check_torch(built)
            return Runner(path, built)
    raise EnvironmentProblem(
        "no runner is installed with this package; build it from the source folder: pip install ."
    )


def check_torch(built: str) -> None:
    """Compares the installed torch with the one built against. Raises EnvironmentProblem."""
    installed = installed_torch()
    if installed is None:
        raise EnvironmentProblem(
            f"torch is not installed, and the runner needs its libraries: pip install torch=={built}"
        )
    if _minor(installed) != _minor(built):
        raise EnvironmentProblem(
            f"the runner was built against torch {built}, but torch {installed} is installed now.\n"
            f"Build it anew from the source folder: {_REINSTALL}  (or go back: pip install torch=={built})"
        )


def installed_torch() -> str | None:
    """Version of the torch that is installed, without importing it; ``None`` if there is none."""
    spec = importlib.util.find_spec("torch")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        version = Path(folder) / "version.py"
        if version.is_file():
            match = re.search(r"__version__ = '([^']+)'", version.read_text())
            if match:
                return match[1]
    return None


def _package_folders() -> list[Path]:
    # An editable install keeps what was compiled apart from the sources; both are on __path__.
    import tsharness

    return [Path(folder) for folder in tsharness.__path__]


def _minor(version: str) -> list[str]:
    return version.split("+", maxsplit=1)[0].split(".")[:2]
