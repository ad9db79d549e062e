"""Reports of every kind, rendered once; where their judges are, and what happens without them."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _shared() -> ModuleType:
    """The fixtures and helpers of tests/python, which pytest would know under the name of ours."""
    folder = ROOT / "tests" / "python"
    sys.path[:0] = [str(folder), str(ROOT / "examples")]
    spec = importlib.util.spec_from_file_location("shared_conftest", folder / "conftest.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_SHARED = _shared()
models, tsharness = _SHARED.models, _SHARED.tsharness

MODULES = ROOT / "build" / "validators" / "node_modules"


def needs(what: str) -> pytest.MarkDecorator:
    """Skips without "chromium", or without the judges of "node_modules" and Java for one of them."""
    there = {
        "chromium": bool(shutil.which("chromium") and shutil.which("chromedriver")),
        "node_modules": MODULES.is_dir() and bool(shutil.which("java")),
    }
    missing = not there[what]
    hint = (
        "Debian: apt-get install chromium chromium-driver default-jre-headless npm, then make test-rendering"
    )
    return pytest.mark.skipif(missing, reason=f"{what} is missing; {hint}")


@pytest.fixture(scope="session")
def rendered(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pages and other files: one that fails, and everything."""
    folder = tmp_path_factory.mktemp("rendered")
    wrong, right = models / "conditional_traced.pt", models / "linear.pt"
    copy = Path(shutil.copy(right, folder / "copy.pt"))
    history = ("--history", folder / "history.sqlite")
    bench = ("bench", right, "--min-time", "0.3", "--sweep", "threads=1,2", *history, "--profile")
    assert tsharness(*bench, "--json", folder / "first.json").code in (0, 3)
    commands = {
        "verify": ("verify", right, wrong, folder / "none.pt"),
        "bench": bench,
        "compare": ("compare", right, copy, "--max-time", "3"),
        "inspect": ("inspect", right, wrong),
    }
    for name, arguments in commands.items():
        tsharness(*arguments, "--json", folder / f"{name}.json")
    _render(folder, "fail", tsharness("verify", wrong, "--json", folder / "fail.json").code, "fail")
    _render(folder, "everything", 5, *commands)
    assert tsharness("history", folder / "history.sqlite", "--html", folder / "history.html").code == 0
    return folder


def _render(folder: Path, name: str, code: int, *documents: str) -> None:
    kinds = {"html": "html", "junit": "xml", "sarif": "sarif", "markdown": "md"}
    options = [part for kind, end in kinds.items() for part in (f"--{kind}", folder / f"{name}.{end}")]
    ran = tsharness("report", *(folder / f"{one}.json" for one in documents), *options)
    assert ran.code == code, ran.text
