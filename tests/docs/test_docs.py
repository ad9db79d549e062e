"""The documentation is true: its commands run, its generated parts are current, the site builds."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "docs"), str(ROOT / "examples")]

from pages import Command, Reader, matches, steps  # noqa: E402

from conftest import models, run, tsharness  # noqa: E402, F401

DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if any(isinstance(step, Command) for step in steps(page)))


def _one_model(folder: Path, source: Path) -> None:
    shutil.copy(source / "linear.pt", folder / "model.pt")


def _three_models(folder: Path, source: Path) -> None:
    (folder / "models").mkdir()
    for name in ("a", "b", "c"):
        shutil.copy(source / "linear.pt", folder / "models" / f"{name}.pt")


def _released(folder: Path, source: Path) -> None:
    for name in ("models", "released"):
        (folder / name).mkdir()
        shutil.copy(source / "linear.pt", folder / name / "linear.pt")


def _nothing(folder: Path, source: Path) -> None: ...


STARTS: dict[str, Callable[[Path, Path], None]] = {
    "tutorial": _nothing,
    "pull-request": _released,
    "many-artifacts": _three_models,
    "pytest": _three_models,
}
"""What lies in the folder when a page begins; a model.pt where nothing is said."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_followed_word_for_word(page: Path, models: Path, tmp_path: Path) -> None:  # noqa: F811
    STARTS.get(page.stem, _one_model)(tmp_path, models)
    assert Reader(tmp_path).follow(page) > 0


def test_the_pages_that_must_be_there_have_commands() -> None:
    names = {page.stem for page in PAGES}
    assert names >= {
        "tutorial",
        "first-request",
        "pull-request",
        "older-libtorch",
        "untrusted-file",
        "history",
    }


@pytest.mark.parametrize(
    ("says", "lines", "true"),
    [
        (("PASS  3 cases in 1.20 s",), ["PASS  12 cases in 900 ms"], True),
        (("PASS  3 cases",), ["FAIL  3 cases"], False),
        (("...", "PASS"), ["a", "b", "PASS"], True),
        (("...", "PASS"), ["a", "PASS", "b"], False),
        (("a … c",), ["a b c"], True),
        ((), ["anything"], False),
        (("only this",), ["only this", "and more"], False),
    ],
)
def test_what_a_page_says_can_be_untrue(says: tuple[str, ...], lines: list[str], true: bool) -> None:
    assert matches(says, lines) is true


@pytest.mark.parametrize(
    "text",
    [
        "```console\n$ false\n```\n",
        "```console\n$ true\n$ echo $?\n0\n```\n",
        "```console\n$ echo a\nb\n```\n",
        '```sh title="x.sh"\nexit 3\n```\n```console\n$ bash x.sh\n```\n',
    ],
)
def test_an_untrue_page_fails(tmp_path: Path, text: str) -> None:
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(AssertionError):
        Reader(tmp_path).follow(tmp_path / "page.md")


def test_generated_pages_are_current() -> None:
    from generate_reference import PAGES as GENERATED

    for name, make in GENERATED.items():
        assert (DOCS / name).read_text() == make(), "make docs"


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    ran = run(
        *(sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"),
        cwd=ROOT,
        env=environment,
    )
    assert ran.code == 0, ran.text
    home = (tmp_path / "site" / "index.html").read_text()
    assert "From a module to a gate" in (tmp_path / "site" / "tutorial" / "index.html").read_text()
    assert not re.findall(r'(?:src|href)="https?://(?:fonts|cdn|unpkg)[^"]*"', home), (
        "the site fetches something"
    )


def test_every_page_is_in_the_navigation() -> None:
    configuration = (ROOT / "mkdocs.yml").read_text()
    missing = [
        str(page.relative_to(DOCS))
        for page in DOCS.rglob("*.md")
        if page.parent.name != "findings" and str(page.relative_to(DOCS)) not in configuration
    ]
    assert not missing
