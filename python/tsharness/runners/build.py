"""``tsharness runner build``: the packaged C++ sources against any LibTorch."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tsharness import __version__
from tsharness.errors import EnvironmentProblem, UsageError
from tsharness.inspection.runners import ask_runner
from tsharness.runners.store import BuiltRunner, built_runners, check_name, keep
from tsharness.scratch import ScratchFolder

Say = Callable[[int, int, str], None]
"""Steps that are done, all of them, and what is being done."""
_STEP = re.compile(r"^\[(\d+)/(\d+)\] (.*)")
_TOOLS = {"cmake": "pip install cmake", "c++": "apt-get install g++"}


@dataclass(frozen=True)
class Found:
    """A LibTorch, by what CMake said of it."""

    root: Path
    version: str
    cxx11_abi: bool
    compiler: str


def build_runner(libtorch: Path, name: str | None, say: Say, *, force: bool = False) -> BuiltRunner:
    """Configures and builds, unless the store has the same already. Raises UsageError for what is no
    LibTorch, EnvironmentProblem without compiler and CMake, or with the end of the log if it fails."""
    need_tools()
    if name is not None:
        check_name(name)
    with ScratchFolder() as folder:
        build, log = Path(folder) / "build", Path(folder) / "build.log"
        say(0, 1, "configuring")
        found = _configure(libtorch.resolve(), build, log)
        name = name or check_name(f"libtorch-{found.version}")
        key = _key(found)
        for known in built_runners():
            if known.name == name and known.key == key and not force:
                return known
        compiled = compile_target(build, "tsharness-runner", log, say)
        return kept(name, key, found, compiled, log)


def need_tools() -> None:
    """Raises EnvironmentProblem without compiler or CMake."""
    for tool, hint in _TOOLS.items():
        if shutil.which(tool, path=_path()) is None:
            raise EnvironmentProblem(f"{tool} is needed to build a runner, and was not found: {hint}")


def source_folder() -> Path:
    """The C++ sources: packaged, or those of the clone that an editable installation stands in. Raises
    EnvironmentProblem if there are none."""
    import tsharness

    for place in map(Path, tsharness.__path__):
        for folder in (place / "source", place.parent.parent):
            if (folder / "csrc" / "runner" / "main.cpp").is_file():
                return folder
    raise EnvironmentProblem("the C++ sources are not installed with this package: reinstall tsharness")


def cmake_prefix() -> Path:
    """Where ``find_package(tsharness)`` looks. Raises EnvironmentProblem if the library is not installed."""
    import tsharness

    for place in map(Path, tsharness.__path__):
        if (place / "lib" / "cmake" / "tsharness").is_dir():
            return place
    raise EnvironmentProblem("the C++ library is not installed with this package: reinstall tsharness")


def configure(source: Path, build: Path, log: Path, *definitions: str) -> str:
    """Has CMake configure; returns all that it said."""
    command = ["cmake", "-S", str(source), "-B", str(build), f"-DPython_EXECUTABLE={sys.executable}"]
    if shutil.which("ninja", path=_path()):
        command += ["-G", "Ninja"]
    for _ in _lines([*command, *definitions], log):
        pass
    return log.read_text()


def _configure(root: Path, build: Path, log: Path) -> Found:
    source = source_folder()
    definitions = [f"-DTSHARNESS_LIBTORCH={root}", "-DTSHARNESS_PYTHON=OFF"]
    definitions.append(f"-DTSHARNESS_VERSION={__version__}")
    headers = source.parent / "include" / "tsharness"
    if (headers / "nlohmann" / "json.hpp").is_file():
        definitions.append(f"-DNLOHMANN_JSON_INCLUDE_DIR={headers}")
    text = configure(source, build, log, *definitions)
    if "is no LibTorch" in text or not (build / "csrc" / "build_info.json").is_file():
        if not (root / "include" / "torch").is_dir():
            raise UsageError(
                f"{root} is no LibTorch: it has no include/torch.\n"
                "Name the folder that holds include/ and lib/: an unzipped LibTorch, a wheel's torch, or /usr"
            )
        raise EnvironmentProblem(f"CMake cannot configure it:\n{end_of(text)}")
    facts = json.loads((build / "csrc" / "build_info.json").read_text())
    return Found(root, facts["libtorch"], bool(facts["cxx11_abi"]), facts["compiler"])


def compile_target(build: Path, target: str, log: Path, say: Say) -> Path:
    """The executable. Raises EnvironmentProblem with the end of the log if it fails."""
    for line in _lines(["cmake", "--build", str(build), "--target", target, "--parallel"], log):
        step = _STEP.match(line)
        if step:
            say(int(step[1]), int(step[2]), step[3].rpartition("/")[2])
    for executable in (build / target, build / "csrc" / target):
        if executable.is_file():
            return executable
    raise EnvironmentProblem(f"the build failed; the end of its log:\n{end_of(log.read_text())}")


def kept(name: str, key: str, found: Found, built: Path, log: Path) -> BuiltRunner:
    """Puts a runner into the store, with what it says of itself. Raises EnvironmentProblem if it does not
    start."""
    done = subprocess.run([built, "--describe"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EnvironmentProblem(f"it was built, but does not start: {done.stderr.strip()[-500:]}")
    hello = json.loads(done.stdout)
    libtorch, operators = ask_runner(built)
    runner = BuiltRunner(
        name=name,
        libtorch=libtorch,
        cxx11_abi=found.cxx11_abi,
        compiler=found.compiler,
        root=str(found.root),
        key=key,
        devices=tuple(hello["devices"]),
        cpu_capability=hello["cpu_capability"],
        tsharness=__version__,
    )
    keep(runner, built, log, operators)
    return runner


def _key(found: Found) -> str:
    return key_of(f"{found.root} {found.version} {found.cxx11_abi} {found.compiler}")


def key_of(environment: str) -> str:
    """Of an environment and the sources: what is built of the same is the same."""
    digest = hashlib.sha256(environment.encode())
    source = source_folder()
    files = [source / "CMakeLists.txt", *(source / "cmake").rglob("*"), *(source / "csrc").rglob("*")]
    for path in sorted(path for path in files if path.suffix in (".txt", ".cmake", ".cpp", ".h")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _lines(command: list[str], log: Path) -> Iterator[str]:
    """What a command says, line by line; all of it goes into the log."""
    with log.open("a") as kept:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment()
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                kept.write(line)
                yield line
        finally:
            process.kill()
            process.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": _path(), "NINJA_STATUS": "[%f/%t] "}


def _path() -> str:
    """With the tools that this environment has itself: cmake and ninja come from packages, too."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def end_of(text: str) -> str:
    """The first error and what follows; else the last lines."""
    lines = text.strip().splitlines()
    first = next((n for n, line in enumerate(lines) if re.search(r"\berror\b", line, re.IGNORECASE)), None)
    return "\n".join(lines[first : first + 12] if first is not None else lines[-12:])
