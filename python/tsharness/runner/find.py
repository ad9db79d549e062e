"""The runner that was installed with this package, and whether it fits the torch that is there."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
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
    """The installed runner; if torch was changed since, one of the store that was built against it. Raises
    EnvironmentProblem if there is neither, with the command that makes one."""
    try:
        return installed_runner()
    except OtherTorch as error:
        from tsharness.runners.store import built_runners

        for one in built_runners():
            if Path(one.root) == error.folder.resolve() and minor(one.libtorch) == minor(error.version):
                return one.runner
        raise EnvironmentProblem(
            f"{str(error).splitlines()[0]}\nBuild one for it: tsharness runner build --libtorch "
            f"{shlex.quote(str(error.folder))}  (or go back: pip install torch=={error.built})"
        ) from None


def installed_runner() -> Runner:
    """The one that came with this package. Raises EnvironmentProblem if there is none, or if torch is another
    minor version than the one that it was built against: LibTorch's C++ interface changes with each."""
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
    if minor(installed) != minor(built):
        raise OtherTorch(built, installed)


class OtherTorch(EnvironmentProblem):
    """Another torch is installed than the one that this package was built against."""

    def __init__(self, built: str, version: str) -> None:
        super().__init__(
            f"the runner was built against torch {built}, but torch {version} is installed now.\n"
            f"Build it anew from the source folder: {_REINSTALL}  (or go back: pip install torch=={built})"
        )
        self.built, self.version = built, version

    @property
    def folder(self) -> Path:
        """Of the torch that is installed."""
        return next(_torch_folders())


def _torch_folders() -> Iterator[Path]:
    spec = importlib.util.find_spec("torch")
    yield from map(Path, (spec.submodule_search_locations or ()) if spec else ())


def installed_torch() -> str | None:
    """Version of the torch that is installed, without importing it; ``None`` if there is none."""
    for folder in _torch_folders():
        version = folder / "version.py"
        if version.is_file():
            match = re.search(r"__version__ = '([^']+)'", version.read_text())
            if match:
                return match[1]
    return None


def _package_folders() -> list[Path]:
    # An editable install keeps what was compiled apart from the sources; both are on __path__.
    import tsharness

    return [Path(folder) for folder in tsharness.__path__]


def minor(version: str) -> list[str]:
    """Of LibTorch: what its C++ interface stays the same within."""
    return version.split("+", maxsplit=1)[0].split(".")[:2]
