"""examples/cpp_server, built as an outside project against what is installed."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from conftest import Ran, models, run, tsharness  # noqa: E402, F401

pytestmark = pytest.mark.skipif(
    not shutil.which("c++"), reason="no C++ compiler here (Debian: apt-get install g++)"
)
TOOLS = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def configure(build: Path, *options: str) -> Ran:
    prefix = tsharness("runner", "prefix").out.strip()
    source = ROOT / "examples" / "cpp_server"
    return run("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", *options, env=TOOLS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("outside")
    ran = configure(build)
    assert ran.code == 0, ran.text
    ran = run("cmake", "--build", build, env=TOOLS, timeout=300)
    assert ran.code == 0, ran.text
    return build / "server"


def serve(server: Path, artifact: Path, requests: str = "") -> Ran:
    return run(server, artifact, input=requests, env={})


def test_it_serves_what_proves_itself(server: Path, models: Path) -> None:  # noqa: F811
    ran = serve(server, models / "linear.pt", "1 2 3 4 5 6 7 8 9 10\n1 2\n")
    assert ran.code == 0 and ran.err.startswith("PASS  "), ran.text
    assert "[ CPUFloatType{1,2} ]" in ran.out and "refused: " in ran.out


def test_a_flipped_bit_keeps_it_from_starting(server: Path, models: Path, tmp_path: Path) -> None:  # noqa: F811
    original = models / "linear.pt"
    content = bytearray(original.read_bytes())
    with zipfile.ZipFile(original) as archive:
        entry = next(one for one in archive.infolist() if one.filename.endswith("/data/0"))
        weights = archive.read(entry)
    content[content.index(weights)] ^= 1
    tampered = tmp_path / "tampered.pt"
    tampered.write_bytes(content)
    ran = serve(server, tampered, "1 2 3 4 5 6 7 8 9 10\n")
    assert ran.code == 1 and not ran.out and "data/0 is not what was saved" in ran.err


def test_other_weights_with_a_right_checksum_do_too(server: Path, models: Path, tmp_path: Path) -> None:  # noqa: F811
    tampered = tmp_path / "tampered.pt"
    with zipfile.ZipFile(models / "linear.pt") as archive, zipfile.ZipFile(tampered, "w") as other:
        for entry in archive.infolist():
            content = bytearray(archive.read(entry))
            if entry.filename.endswith("/data/0"):
                content[3] ^= 1  # a sign or an exponent's highest bits: little-endian float32
            other.writestr(entry.filename, bytes(content))
    ran = serve(server, tampered, "1 2 3 4 5 6 7 8 9 10\n")
    assert (
        ran.code == 1 and not ran.out and "its content is not what its cases were recorded with" in ran.err
    ), ran.text


def test_what_has_no_cases_proves_nothing(server: Path, models: Path, tmp_path: Path) -> None:  # noqa: F811
    with zipfile.ZipFile(models / "linear.pt") as archive, zipfile.ZipFile(tmp_path / "bare.pt", "w") as bare:
        for entry in archive.infolist():
            if "extra/" not in entry.filename:
                bare.writestr(entry.filename, archive.read(entry))
    ran = serve(server, tmp_path / "bare.pt")
    assert ran.code == 1 and "nothing to compare" in ran.err


@pytest.fixture
def no_libtorch(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def outside(folder: Path, find: str, *lines: str) -> Path:
    """A project that asks for tsharness in its own way."""
    folder.mkdir(exist_ok=True)
    head = ("cmake_minimum_required(VERSION 3.19)", "project(outside LANGUAGES CXX)", find, *lines)
    (folder / "CMakeLists.txt").write_text("\n".join(head) + "\n")
    return folder


def asked(folder: Path, libtorch: Path | str) -> Ran:
    prefix = tsharness("runner", "prefix").out.strip()
    options = (f"-DCMAKE_PREFIX_PATH={prefix}", f"-DTSHARNESS_LIBTORCH={libtorch}")
    return run("cmake", "-S", folder, "-B", folder / "build", *options, env=TOOLS)


SAYS = 'message(STATUS "found=${tsharness_FOUND} why=${tsharness_NOT_FOUND_MESSAGE}")'


def test_who_can_do_without_is_not_stopped(tmp_path: Path, no_libtorch: Path) -> None:
    """Headers without libraries are no LibTorch either."""
    headers = tmp_path / "headers"
    version = headers / "include/torch/csrc/api/include/torch/version.h"
    version.parent.mkdir(parents=True)
    version.touch()
    for number, wrong in enumerate((no_libtorch, headers, "/no/such/folder")):
        ran = asked(outside(tmp_path / str(number), "find_package(tsharness QUIET)", SAYS), wrong)
        assert ran.code == 0, ran.text
        assert "found=0 why=" in ran.out and str(wrong) in ran.out
        assert "Warning" not in ran.err and "Error" not in ran.err


def test_who_asks_aloud_is_told(tmp_path: Path, no_libtorch: Path) -> None:
    told = "is no LibTorch: it has no include/torch. Name the folder that holds include/ and lib/."
    ran = asked(outside(tmp_path / "aloud", "find_package(tsharness)", SAYS), no_libtorch)
    assert ran.code == 0 and "found=0" in ran.out and told in " ".join(ran.err.split()), ran.text
    ran = asked(outside(tmp_path / "required", "find_package(tsharness REQUIRED)"), no_libtorch)
    assert ran.code != 0 and told in " ".join(ran.err.split()), ran.text


needs_another = pytest.mark.skipif(
    not Path("/usr/include/torch").is_dir(),
    reason="no second LibTorch here (Debian: apt-get install libtorch-dev)",
)


@needs_another
def test_another_libtorch_is_refused_by_cmake(tmp_path: Path) -> None:
    ran = configure(tmp_path / "build", "-DTSHARNESS_LIBTORCH=/usr")
    assert ran.code != 0 and "/usr is 1.13." in " ".join(ran.err.split()), ran.text
    assert "cmake -S SOURCES -B build -DTSHARNESS_LIBTORCH=/usr" in " ".join(ran.err.split())


@needs_another
def test_another_libtorch_is_not_found_quietly(tmp_path: Path) -> None:
    targets = "if(TARGET LibTorch::LibTorch)\nmessage(FATAL_ERROR left)\nendif()"
    ran = asked(outside(tmp_path / "quiet", "find_package(tsharness QUIET)", SAYS, targets), "/usr")
    assert ran.code == 0 and "found=0" in ran.out and "/usr is 1.13." in " ".join(ran.out.split()), ran.text
    assert not ran.err


OWN = ("core/json.h", "core/error.h", "core/verify.h", "core/session.h", "runner/job.h", "runner/events.h")


def test_files_of_ones_own_with_the_same_names_are_left_alone(tmp_path: Path) -> None:
    """An application may have a folder ``core`` or ``runner``: our headers do not take it, and it does."""
    folder = outside(
        tmp_path / "own",
        "find_package(tsharness REQUIRED)",
        "add_executable(own main.cpp)",
        "target_include_directories(own BEFORE PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})",
        "target_link_libraries(own PRIVATE tsharness::core)",
    )
    for name in OWN:
        header = folder / name
        header.parent.mkdir(exist_ok=True)
        macro = name.replace("/", "_").replace(".", "_")
        header.write_text(f"#define OWN_{macro} 1\n\n")
    included = "".join(f'#include "{name}"\n' for name in OWN)
    seen = " && ".join(f"OWN_{name.replace('/', '_').replace('.', '_')}" for name in OWN)
    (folder / "main.cpp").write_text(
        "#include <tsharness/core/verify.h>\n#include <tsharness/runner/events.h>\n"
        "int main() { return tsharness::Json().is_null() ? 0 : 1; }\n"
    )
    (folder / "other.cpp").write_text(f'{included}static_assert({seen}, "");\n')
    with (folder / "CMakeLists.txt").open("a") as project:
        project.write("target_sources(own PRIVATE other.cpp)\n")
    prefix = tsharness("runner", "prefix").out.strip()
    ran = run("cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}", env=TOOLS)
    assert ran.code == 0, ran.text
    ran = run("cmake", "--build", folder / "build", env=TOOLS, timeout=600)
    assert ran.code == 0, ran.text
    assert run(folder / "build" / "own", env={}).code == 0


def test_what_is_not_installed_for_others_is_not_found(tmp_path: Path) -> None:
    """``"core/..."`` means the application's own, and is an error where it has none."""
    folder = outside(
        tmp_path / "own",
        "find_package(tsharness REQUIRED)",
        "add_library(own STATIC main.cpp)",
        "target_link_libraries(own PRIVATE tsharness::core)",
    )
    (folder / "main.cpp").write_text('#include "core/printable.h"\n')
    prefix = tsharness("runner", "prefix").out.strip()
    run("cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}", env=TOOLS)
    ran = run("cmake", "--build", folder / "build", env=TOOLS, timeout=300)
    assert ran.code != 0 and "core/printable.h" in ran.text
