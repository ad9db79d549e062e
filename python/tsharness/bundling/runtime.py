"""What a runner needs to run elsewhere: itself, LibTorch's libraries, and their licences."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tsharness.bundling.elf import leave_own_libraries
from tsharness.errors import EnvironmentProblem
from tsharness.runner.find import Runner
from tsharness.runners.resolve import describe

EXECUTABLE = Path("runtime/tsharness/bin/tsharness-runner")
"""Where it looks for ``../../torch/lib``."""
LIBRARIES = Path("runtime/torch/lib")
VERSION = Path("runtime/libtorch-version")
"""Of the LibTorch that it was built against, and needs."""
LICENCES = Path("licences")
_OF_THE_HOST = re.compile(
    # The C library fits its kernel and its loader, the driver of a GPU its kernel.
    r"(ld-linux.*|libc|libm|libpthread|libdl|librt|libresolv|libutil|libcuda|libnvidia-.*)[.-].*"
)
_LATE = re.compile(r"libcudnn.*")
"""Their parts are loaded when they are first needed."""
_LICENCE = re.compile(r"(licen[cs]e|notice|copying|copyright).*", re.IGNORECASE)


def runtime_files(runner: Runner, with_libtorch: bool) -> dict[str, Path]:
    """Files by their names below the folder that they belong into. Raises EnvironmentProblem if the runner
    does not start."""
    files = {str(EXECUTABLE): runner.path}
    if with_libtorch:
        files |= {f"{LIBRARIES}/{name}": path.resolve() for name, path in libraries_of(runner.path).items()}
        files |= {f"{LIBRARIES.parent}/{file.name}": file for file in _version_files(runner.path)}
    return files


def copy_runtime(runner: Runner, folder: Path, with_libtorch: bool) -> list[str]:
    """Copies them, with their licences. Returns names of libraries whose licence was not found. Raises
    EnvironmentProblem if the runner does not start."""
    texts = {f"tsharness/{path.name}": path for path in _own_licences()}
    unlicensed: list[str] = []
    for name, path in runtime_files(runner, with_libtorch).items():
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
        if copy.parent == folder / LIBRARIES:
            found = dict(licences_of(path))
            texts |= found
            if not found:
                unlicensed.append(copy.name)
    leave_own_libraries(folder / EXECUTABLE)
    (folder / VERSION).write_text(f"{describe(runner.path)['build']['libtorch']}\n")
    for name, path in texts.items():
        copy = folder / LICENCES / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return sorted(unlicensed)


def _version_files(runner: Path) -> Iterator[Path]:
    """What LibTorch's version is read from: a file beside its libraries."""
    for library in describe(runner)["mapped_libraries"]:
        if library.endswith("/libtorch_cpu.so"):
            root = Path(library).parent.parent
            yield from (root / name for name in ("version.py", "build-version") if (root / name).is_file())


def libraries_of(runner: Path) -> dict[str, Path]:
    """By the names that the loader looks for, the libraries that a started runner has mapped, but for those
    that belong to its host."""
    mapped = {Path(path) for path in describe(runner)["mapped_libraries"]}
    linked = _linked(runner)
    known = {path.resolve() for path in linked.values()}
    found = {**linked, **{path.name: path for path in mapped - known if ".so" in path.name}}
    for path in list(found.values()):
        if _LATE.fullmatch(path.name):
            found |= {part.name: part for part in path.parent.glob("libcudnn*.so*")}
    return {name: path for name, path in sorted(found.items()) if not _OF_THE_HOST.fullmatch(name)}


def _linked(runner: Path) -> dict[str, Path]:
    """What the loader would load: /proc has the files, but not the names that they are looked for by."""
    try:
        done = subprocess.run(["ldd", runner], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EnvironmentProblem(f"ldd cannot list the libraries of {runner}: {error}") from None
    found = re.findall(r"^\s*(\S+) => (/\S+)", done.stdout, re.MULTILINE)
    return {name: Path(path) for name, path in found}


def licences_of(library: Path) -> Iterator[tuple[str, Path]]:
    """Texts, with names to keep them under: of the Python distribution, the Debian package or the unzipped
    folder that the library came with."""
    site = next((parent for parent in library.parents if parent.name == "site-packages"), None)
    if site is not None:
        owner = library.relative_to(site).parts
        words = {"_".join(owner[: n + 1]).replace("-", "_").lower() for n in range(2)}
        for info in site.glob("*.dist-info"):
            name = info.name.partition("-")[0].lower()
            if name == owner[0].partition(".")[0].lower() or any(name.startswith(w) for w in words):
                yield from _texts(info, name)
        return
    package = _debian_package(library)
    if package:
        text = Path("/usr/share/doc") / package / "copyright"
        if text.is_file():
            yield f"{package}/copyright", text
        return
    yield from _texts(library.parent.parent, library.parent.parent.name, deep=False)


def _texts(folder: Path, name: str, deep: bool = True) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*") if deep else folder.glob("*"):
        if path.is_file() and _LICENCE.fullmatch(path.name):
            yield f"{name}/{path.relative_to(folder)}", path


def _debian_package(library: Path) -> str | None:
    if not shutil.which("dpkg"):
        return None
    # A file of /lib may be registered as one of /usr/lib, and the other way round.
    for path in (library, Path("/", *library.parts[2:]), Path("/usr", *library.parts[1:])):
        done = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.partition(":")[0]
    return None


def _own_licences() -> Iterable[Path]:
    files: Mapping[str, Path] = {
        Path(str(file)).name: Path(str(file.locate()))
        for file in importlib.metadata.files("tsharness") or ()
        if _LICENCE.fullmatch(Path(str(file)).name)
    }
    return files.values()
