"""The torch that the runner was built against, and the one that is there."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

import tsharness
from conftest import Ran, run
from tsharness.errors import EnvironmentProblem
from tsharness.runner.find import check_torch, installed_torch


def test_installed_torch_is_known_without_importing_it() -> None:
    code = (
        "import sys; from tsharness.runner.find import installed_torch;"
        "print(installed_torch(), 'torch' in sys.modules)"
    )
    version, imported = run(sys.executable, "-c", code).out.split()
    assert version == installed_torch() and imported == "False"


@pytest.mark.parametrize("built", ["2.1.0", "1.13.1", "3.13.0"])
def test_another_minor_version_is_refused_with_the_fix(built: str) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        check_torch(built)
    assert f"built against torch {built}" in str(caught.value)
    assert "pip install --force-reinstall" in str(caught.value)


def test_same_minor_version_fits() -> None:
    installed = installed_torch()
    assert installed is not None
    check_torch(".".join([*installed.split(".")[:2], "99"]))


@pytest.fixture
def other_torch(tmp_path: Path) -> Path:
    """A site-packages with tsharness as installed, and a torch that says it is another version."""
    import torch

    site = tmp_path / "site"
    shutil.copytree(Path(tsharness.__file__).parent, site / "tsharness", symlinks=True)
    own, fake = Path(torch.__file__).parent, site / "torch"
    fake.mkdir()
    (fake / "version.py").write_text("__version__ = '2.99.0+cpu'\n")
    (fake / "__init__.py").write_text("")
    shutil.copytree(own / "lib", fake / "lib", copy_function=link_or_copy)
    return site


def link_or_copy(source: str, target: str) -> None:
    """A hard link: the system must see the library in its new folder. On another file system, a copy."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def cli(site: Path, *arguments: str | Path) -> Ran:
    return run(sys.executable, "-m", "tsharness", *arguments, env={"PYTHONPATH": str(site), "PATH": ""})


def test_verify_says_so_before_anything_can_crash(other_torch: Path, models: Path) -> None:
    ran = cli(other_torch, "verify", models / "linear.pt")
    assert ran.code == 8
    assert "torch 2.99.0+cpu is installed now" in ran.err and "Traceback" not in ran.text
    assert f"tsharness runner build --libtorch {other_torch / 'torch'}" in ran.err


def test_a_runner_that_was_built_since_stands_in(other_torch: Path, models: Path, tmp_path: Path) -> None:
    """The fake torch has the libraries of the real one, so that the runner is one that fits it."""
    from tsharness.runner.find import find_runner

    store, built = tmp_path / "runners" / "new", find_runner().path
    store.mkdir(parents=True)
    shutil.copy2(built, store / "tsharness-runner")
    facts = {
        "name": "new",
        "libtorch": "2.99.0",
        "cxx11_abi": True,
        "compiler": "",
        "key": "",
        "devices": ["cpu"],
    }
    more = {"root": str((other_torch / "torch").resolve()), "cpu_capability": "AVX2", "tsharness": "0.1.0"}
    (store / "runner.json").write_text(json.dumps({**facts, **more}))
    environment = {"PYTHONPATH": str(other_torch), "PATH": "", "TSHARNESS_RUNNERS": str(tmp_path / "runners")}
    command = (sys.executable, "-m", "tsharness", "verify", models / "linear.pt", "--level", "quick")
    ran = run(*command, env=environment)
    assert ran.code == 0 and "PASS" in ran.out, ran.text


def test_the_runner_by_hand_says_so_too(other_torch: Path) -> None:
    ran = run("env", "-i", other_torch / "tsharness" / "bin" / "tsharness-runner", "--describe")
    assert ran.code == 8
    assert "torch 2.99.0+cpu is installed now" in ran.err


def test_no_runner_installed(tmp_path: Path, models: Path) -> None:
    package = tmp_path / "tsharness"
    ignore = shutil.ignore_patterns("bin", "_core*.so")
    shutil.copytree(Path(tsharness.__file__).parent, package, ignore=ignore)
    ran = cli(tmp_path, "verify", models / "linear.pt")
    assert ran.code == 8
    assert "no runner is installed" in ran.err and "pip install ." in ran.err
