"""Where built runners are kept, and what is known of each without starting it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsharness.atomic import folder_beside
from tsharness.errors import UsageError
from tsharness.report.model import from_dict, to_dict
from tsharness.runner.find import Runner

INSTALLED = "installed"
"""The name of the one that came with the package."""
EXECUTORCH = "executorch"
"""The name of the one for ExecuTorch programs."""
EXECUTABLE = "tsharness-runner"
REGISTRY = "operators.json"
LOG = "build.log"
_FACTS = "runner.json"
_FILES = (EXECUTABLE, LOG, REGISTRY, _FACTS)
"""All that is put into the folder of a runner; the facts are the last to come and the first to go."""
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")


@dataclass(frozen=True)
class BuiltRunner:
    """A runner of the store."""

    name: str
    libtorch: str
    """Version that it was built against."""
    cxx11_abi: bool
    compiler: str
    root: str
    """Folder of that LibTorch."""
    key: str
    """Of all that the build depends on: version, ABI, compiler, sources."""
    devices: tuple[str, ...]
    cpu_capability: str
    tsharness: str
    """Version of the sources."""

    @property
    def folder(self) -> Path:
        return store_folder() / self.name

    @property
    def path(self) -> Path:
        return self.folder / EXECUTABLE

    @property
    def runner(self) -> Runner:
        """As the harness starts it."""
        return Runner(self.path, self.libtorch)


def store_folder() -> Path:
    """``TSHARNESS_RUNNERS``, or the user's cache (XDG)."""
    stated = os.environ.get("TSHARNESS_RUNNERS")
    cache = os.environ.get("XDG_CACHE_HOME")
    return Path(stated) if stated else Path(cache or Path.home() / ".cache") / "tsharness" / "runners"


def check_name(name: str) -> str:
    """Raises UsageError for what cannot be a folder's name, or is taken by the package."""
    if not _NAME.fullmatch(name) or name in (INSTALLED, EXECUTORCH, "all"):
        raise UsageError(
            f"'{name}' cannot be a runner's name: letters, digits and . + - _, such as debian-1.13"
        )
    return name


def built_runners() -> Iterator[BuiltRunner]:
    """All of them, by name. What is not whole, or was not put there by ``keep``, is left out: a build that
    was killed leaves no facts."""
    for facts in sorted(store_folder().glob(f"*/{_FACTS}")):
        with contextlib.suppress(ValueError, OSError):
            runner = from_dict(BuiltRunner, json.loads(facts.read_text()))
            if runner.name == facts.parent.name and runner.path.is_file():
                yield runner


def built_runner(name: str) -> BuiltRunner:
    """Raises UsageError for one that there is not."""
    known = {one.name: one for one in built_runners()}
    if name not in known:
        there = ", ".join([INSTALLED, *known])
        raise UsageError(f"no runner '{name}'; there is: {there}. `tsharness runner build` makes others")
    return known[name]


def keep(runner: BuiltRunner, built: Path, log: Path, operators: dict[str, Any]) -> None:
    """Puts what was built into the store; the facts last, which say that it is whole. A runner of that name
    that is at work goes on with the file that it was started from."""
    runner.folder.mkdir(parents=True, exist_ok=True)
    with folder_beside(runner.path) as made:
        shutil.copy2(built, made / EXECUTABLE)
        shutil.copy2(log, made / LOG)
        (made / REGISTRY).write_text(json.dumps(operators))
        (made / _FACTS).write_text(json.dumps(to_dict(runner), indent=1) + "\n")
        (runner.folder / _FACTS).unlink(missing_ok=True)
        for name in _FILES:
            (made / name).replace(runner.folder / name)


def remove(name: str) -> None:
    """Removes what ``keep`` has put there, and the folder unless something else is in it; of a link, the link
    alone. Raises UsageError for one that there is not."""
    folder = built_runner(name).folder
    if folder.is_symlink():
        folder.unlink()
        return
    for file in reversed(_FILES):
        (folder / file).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty
        folder.rmdir()
