"""``tsharness runner build --executorch``: the installed C++ library with ExecuTorch's own, in one runner."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from pathlib import Path

from tsharness.errors import EnvironmentProblem
from tsharness.runner.find import installed_runner
from tsharness.runners import build
from tsharness.runners.store import EXECUTORCH, BuiltRunner, built_runners
from tsharness.scratch import ScratchFolder


def build_executorch_runner(say: build.Say, *, force: bool = False) -> BuiltRunner:
    """Builds against the torch and the executorch that are installed, unless the store has the same already.
    Raises EnvironmentProblem without them, without compiler and CMake, or with the end of the log."""
    build.need_tools()
    package = _package()
    say(0, 1, "configuring")
    found = _found()
    key = build.key_of(f"executorch {importlib.metadata.version('executorch')} {found}")
    for known in built_runners():
        if known.name == EXECUTORCH and known.key == key and not force:
            return known
    with ScratchFolder() as scratch:
        folder, log = Path(scratch) / "build", Path(scratch) / "build.log"
        source = build.source_folder() / "csrc" / "executorch"
        definitions = [f"-DCMAKE_PREFIX_PATH={build.cmake_prefix()}"]
        definitions.append(f"-Dexecutorch_DIR={package / 'lib' / 'cmake' / 'executorch'}")
        said = build.configure(source, folder, log, *definitions)
        if "Generating done" not in said:
            raise EnvironmentProblem(f"CMake cannot configure it:\n{build.end_of(said)}")
        compiled = build.compile_target(folder, "tsharness-runner-executorch", log, say)
        return build.kept(EXECUTORCH, key, found, compiled, log)


def _package() -> Path:
    spec = importlib.util.find_spec("executorch")
    for folder in map(Path, (spec.submodule_search_locations or ()) if spec else ()):
        if (folder / "lib" / "cmake" / "executorch").is_dir():
            return folder
    if spec is None:
        raise EnvironmentProblem("executorch is not installed: pip install 'tsharness[executorch]'")
    raise EnvironmentProblem(
        f"this executorch ({importlib.metadata.version('executorch')}) brings no C++ libraries: "
        "pip install 'executorch>=1.5'"
    )


def _found() -> build.Found:
    """The LibTorch that tsharness itself was built against, as its build has noted it."""
    facts = json.loads((build.cmake_prefix() / "build_info.json").read_text())
    installed_runner()
    spec = importlib.util.find_spec("torch")
    root = Path(next(iter((spec.submodule_search_locations or ()) if spec else ())))
    return build.Found(root, str(facts["libtorch"]), bool(facts["cxx11_abi"]), str(facts["compiler"]))
