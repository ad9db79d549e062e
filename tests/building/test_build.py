"""The ways to install from source, in a clone whose path has a space, and the one that must fail.

A group of its own (``make test-build``), because it builds everything twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python")]

from conftest import Ran, run  # noqa: E402

pytestmark = pytest.mark.skipif(
    not shutil.which("c++") and not shutil.which("g++"),
    reason="no C++ compiler here (Debian: apt-get install g++)",
)

BUILD_SECONDS = 600
TORCH = os.environ.get("TORCH", "torch==2.13.0")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a fresh clone would hold."""
    folder = tmp_path_factory.mktemp("a folder") / "the clone"
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listing.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with torch."""
    python = new_environment(tmp_path_factory.mktemp("environment"))
    assert pip(python, "install", TORCH).code == 0
    return python


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact to try an installation on."""
    sys.path.insert(0, str(ROOT / "examples"))
    from linear import make

    import tsharness

    path = tmp_path_factory.mktemp("models") / "linear.pt"
    tsharness.export(*make(), path, families=())
    return path


def new_environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin" / "python"


def pip(python: Path, *arguments: str, cwd: Path = ROOT) -> Ran:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = (python, "-m", "pip", "--disable-pip-version-check", *arguments)
    return run(*command, cwd=cwd, timeout=BUILD_SECONDS, env=environment)


def mapped_torch(python: Path) -> set[Path]:
    """Folders of the torch libraries that the installed runner maps, under an empty environment."""
    code = "from tsharness.runner.find import find_runner; print(find_runner().path)"
    path = run(python, "-c", code, cwd=Path("/")).out.strip()
    ran = run("env", "-i", path, "--describe")
    assert ran.code == 0, ran.err
    libraries = map(Path, json.loads(ran.out)["mapped_libraries"])
    return {path.resolve().parent for path in libraries if path.name.startswith(("libtorch", "libc10"))}


def own_torch(python: Path) -> set[Path]:
    code = "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    return {Path(run(python, "-c", code).out.strip()).resolve() / "lib"}


def check_works(python: Path, linear: Path) -> None:
    assert mapped_torch(python) == own_torch(python)
    verify = run(python, "-m", "tsharness", "verify", linear, cwd=Path("/"))
    assert verify.code == 0, verify.text
    load = f"import torch, tsharness; tsharness.load({str(linear)!r})(torch.ones(1, 10))"
    assert run(python, "-c", load, cwd=Path("/")).code == 0


def test_isolated_install(clone: Path, environment: Path, linear: Path, tmp_path: Path) -> None:
    """By the step of the action for GitHub, as it stands."""
    install = yaml.safe_load((clone / "action.yml").read_text())["runs"]["steps"][0]
    assert install["name"] == "Install"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    path = f"{environment.parent}{os.pathsep}{os.environ['PATH']}"
    ran = run(
        *("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", install["run"]),
        cwd=tmp_path,
        timeout=BUILD_SECONDS,
        env={**kept, "PATH": path, "TORCH": TORCH, "ACTION": str(clone)},
    )
    assert ran.code == 0, ran.text[-3000:]
    check_works(environment, linear)
    page = tmp_path / "page.html"
    assert run(environment, "-m", "tsharness", "verify", linear, "--html", page, cwd=Path("/")).code == 0
    assert "<svg" in page.read_text()


def test_editable_install(clone: Path, environment: Path, linear: Path) -> None:
    """Without isolation, as ``make install`` installs the package itself."""
    tools = ("scikit-build-core", "nvidia-cudnn-frontend", "cmake", "ninja")
    assert pip(environment, "install", *tools).code == 0
    ran = pip(environment, "install", "--no-deps", "--no-build-isolation", "-e", ".", cwd=clone)
    assert ran.code == 0, ran.text[-3000:]
    check_works(environment, linear)
    where = run(environment, "-c", "import tsharness; print(tsharness.__file__)", cwd=Path("/"))
    assert Path(where.out.strip()) == clone / "python" / "tsharness" / "__init__.py"


def test_without_torch_the_command_is_named(clone: Path, tmp_path: Path) -> None:
    ran = pip(new_environment(tmp_path), "install", "--no-deps", ".", cwd=clone)
    assert ran.code != 0
    assert "torch is not installed in this Python environment" in ran.text
    assert "pip install torch==2.13.0" in ran.text


def test_a_libtorch_that_is_none_is_refused(tmp_path: Path) -> None:
    ran = run(
        *("cmake", "-S", ROOT, "-B", tmp_path / "b", f"-DTSHARNESS_LIBTORCH={tmp_path}"),
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    assert ran.code != 0
    assert "is no LibTorch" in ran.err


@pytest.fixture
def few_tools(tmp_path: Path) -> Path:
    """A PATH with what the Makefile takes for granted, and nothing else."""
    for name in ("make", "sh", "find", "touch", "mkdir"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    # Not the python3 of the PATH: a version manager puts a script there, which needs further tools.
    (tmp_path / "python3").symlink_to(Path(sys.executable).resolve())
    return tmp_path


def make_install(clone: Path, tools: Path) -> Ran:
    return run("make", "install", cwd=clone, env={"PATH": str(tools), "HOME": os.environ["HOME"]})


def test_make_says_that_the_compiler_is_missing(clone: Path, few_tools: Path) -> None:
    ran = make_install(clone, few_tools)
    assert ran.code != 0
    assert "no C++ compiler (c++) was found: apt-get install g++" in ran.out


def test_make_says_that_the_venv_module_is_missing(clone: Path, few_tools: Path) -> None:
    (few_tools / "python3").unlink()
    (few_tools / "python3").write_text('#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\n')
    (few_tools / "python3").chmod(0o755)
    ran = make_install(clone, few_tools)
    assert ran.code != 0
    assert "Python's venv module is missing: apt-get install python3-venv" in ran.out


@pytest.mark.parametrize(("status", "expected"), [(0, "ON"), (1, "OFF")])
def test_make_knows_whether_googletest_is_there(
    status: int, expected: str, clone: Path, few_tools: Path
) -> None:
    (few_tools / "c++").write_text(f'#!/bin/sh\ncase "$*" in *gtest/gtest.h*) exit {status};; esac\nexit 2\n')
    (few_tools / "c++").chmod(0o755)
    (few_tools / "echo").symlink_to(shutil.which("echo") or "/bin/echo")
    command = ("make", "--eval=print: ; @echo $(HAVE_GTEST)", "print")
    ran = run(*command, cwd=clone, env={"PATH": str(few_tools), "HOME": os.environ["HOME"]})
    assert ran.out.strip() == expected, ran.text
