"""Every CMake file of ours states the oldest CMake that it needs: nothing newer is used unseen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import ROOT

SINCE = {
    r"target_link_directories\(": (3, 13),
    r"target_link_options\(": (3, 13),
    r"file\(\s*CREATE_LINK": (3, 14),
    r"FetchContent_MakeAvailable": (3, 14),
    r"list\(\s*(PREPEND|POP_FRONT|POP_BACK)": (3, 15),
    r"target_precompile_headers\(|UNITY_BUILD": (3, 16),
    r"CheckLinkerFlag|check_linker_flag\(": (3, 18),
    r"file\(\s*CONFIGURE": (3, 18),
    r"COMMAND_ERROR_IS_FATAL": (3, 19),
    r"string\(\s*JSON": (3, 19),
    r"cmake_path\(": (3, 20),
    r"cmake_language\(\s*DEFER": (3, 19),
    r"\bblock\(": (3, 25),
}
"""The CMake that first had it, by CMake's own documentation."""
PROJECTS = {
    "CMakeLists.txt": ["csrc/CMakeLists.txt", "tests/cpp/CMakeLists.txt", "cmake/*"],
    "examples/cpp_server/CMakeLists.txt": ["cmake/tsharnessConfig.cmake.in", "cmake/FindLibTorch.cmake"],
    "csrc/executorch/CMakeLists.txt": ["cmake/tsharnessConfig.cmake.in", "cmake/FindLibTorch.cmake"],
    "python/tsharness/repro/templates/CMakeLists.txt.j2": [],
}
"""With the files that they include."""


def stated(text: str) -> tuple[int, ...]:
    found = re.search(r"cmake_minimum_required\(VERSION ([\d.]+)\)", text)
    assert found is not None
    return tuple(map(int, found[1].split(".")))


def needed(text: str) -> dict[tuple[int, int], str]:
    """What of it needs which CMake."""
    code = re.sub(r"#.*", "", text)
    return {version: feature for feature, version in SINCE.items() if re.search(feature, code)}


@pytest.mark.parametrize("project", PROJECTS)
def test_the_stated_minimum_is_enough(project: str) -> None:
    minimum = stated((ROOT / project).read_text())
    files = [ROOT / project, *(path for name in PROJECTS[project] for path in ROOT.glob(name))]
    for file in files:
        newer = {
            version: feature for version, feature in needed(file.read_text()).items() if version > minimum
        }
        assert not newer, (file.name, minimum)


def test_every_project_is_looked_at() -> None:
    ours = {
        str(path.relative_to(ROOT))
        for folder in ("csrc", "examples", "python", "tests", "cmake")
        for path in (ROOT / folder).rglob("CMakeLists.txt*")
        if "cmake_minimum_required" in path.read_text()
    }
    assert ours | {"CMakeLists.txt"} == set(PROJECTS)


@pytest.mark.parametrize(
    "text", ["execute_process(COMMAND x COMMAND_ERROR_IS_FATAL ANY)", "cmake_path(GET x)"]
)
def test_what_is_newer_is_seen(text: str) -> None:
    assert max(needed(text)) >= (3, 19)


def test_pyproject_states_the_same() -> None:
    wanted = re.search(r'cmake.version = ">=([\d.]+)"', Path(ROOT / "pyproject.toml").read_text())
    assert wanted is not None and wanted[1] == ".".join(
        map(str, stated((ROOT / "CMakeLists.txt").read_text()))
    )
