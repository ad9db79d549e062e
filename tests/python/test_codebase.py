"""What the repository promises about itself."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tsharness
from conftest import ROOT
from tsharness.session import load_core

PACKAGE = ROOT / "python" / "tsharness"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def test_one_version() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    match = re.search(r'^version = "(.+)"', text, re.MULTILINE)
    assert match and match[1] == tsharness.__version__


def test_the_stub_names_what_the_module_has() -> None:
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    stub = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    core = load_core()
    assert stub == {name for name in dir(core) if not name.startswith("_")}
    (session,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    methods = {node.name for node in session.body if isinstance(node, ast.FunctionDef)}
    assert methods - {"__init__"} == {name for name in dir(core.Session) if not name.startswith("_")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_three_packages_import_torch_at_the_top(path: Path) -> None:
    if {"exporting", "diagnosis", "converting"} & set(path.parts):
        return
    for node in ast.parse(path.read_text()).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.partition(".")[0] for name in names} & {"torch", "numpy", "scipy"}


def test_the_core_knows_no_python() -> None:
    for path in (ROOT / "csrc").rglob("*"):
        if path.suffix in (".h", ".cpp") and path.parent.name != "bindings":
            assert "Python.h" not in path.read_text() and "pybind11" not in path.read_text(), path


def test_files_are_small() -> None:
    files = [*SOURCES, *(ROOT / "csrc").rglob("*.cpp"), *(ROOT / "csrc").rglob("*.h")]
    long = {path.name: n for path in files if (n := len(path.read_text().splitlines())) > 300}
    assert not long
