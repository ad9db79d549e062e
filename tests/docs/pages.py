"""Pages whose commands are run as they stand.

A block ``console`` holds commands after ``$ ``, and below each what it prints: "..." stands for any lines or
any rest of a line, and numbers, times, sizes and blanks may differ. A command ends with 0, unless ``echo $?``
is the next one. A block with a title is a file of that name, with what it includes from the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_INCLUDED = re.compile(r'^--8<-- "([^"]+)"\n', re.MULTILINE)
"""As the site's own generator reads it."""
_NUMBER = re.compile(r"\d[\d.,]*(?:e[+-]?\d+)?")
_UNIT = re.compile(r"# (?:ns|µs|ms|s|B|kB|MB|GB)\b")


@dataclass(frozen=True)
class File:
    """That the reader is asked to write."""

    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """That the reader is asked to run, with what the page says that it prints."""

    line: str
    says: tuple[str, ...]


def steps(page: Path) -> Iterator[File | Command]:
    """In the order of the page."""
    for kind, title, text in _FENCE.findall(page.read_text()):
        if title:
            yield File(Path(title).name, _INCLUDED.sub(lambda found: (ROOT / found[1]).read_text(), text))
        elif kind == "console":
            yield from _commands(text)


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, *says = part.rstrip("\n").split("\n")
        yield Command(line, tuple(says))


class Reader:
    """Does what a page says, in a folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        hidden = ("GITHUB_ACTIONS", "CI", "FORCE_COLOR")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        # Of an editable installation of this package, which no reader has.
        quiet = {"PYTEST_ADDOPTS": "-W ignore::pytest.PytestAssertRewriteWarning"}
        own = {"PATH": path, "COLUMNS": "200", "TSHARNESS_RUNNERS": str(folder / "runners")}
        self._environment = {**kept, **quiet, **own, **(environment or {})}
        self._code = 0

    def follow(self, page: Path) -> int:
        """Raises AssertionError where the page is not true; gives how many commands it has run."""
        todo, ran = list(steps(page)), 0
        for number, step in enumerate(todo):
            if isinstance(step, File):
                (self._folder / step.name).write_text(step.text)
                continue
            following = todo[number + 1] if number + 1 < len(todo) else None
            asked = isinstance(following, Command) and following.line == "echo $?"
            self._run(step, may_fail=asked)
            ran += 1
        return ran

    def _run(self, command: Command, may_fail: bool) -> None:
        script = f"(exit {self._code}); {command.line}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        said = f"$ {command.line}\n{done.stdout}\nexit code {done.returncode}"
        assert "Traceback" not in done.stdout, said
        assert done.returncode == 0 or may_fail, said
        assert done.returncode or not may_fail, f"the page asks for its exit code, and it is 0\n{said}"
        assert matches(command.says, done.stdout.splitlines()), f"{said}\nthe page says:\n" + "\n".join(
            command.says
        )
        self._code = done.returncode


def matches(says: tuple[str, ...], lines: list[str]) -> bool:
    """Whether the lines are what the page says."""
    pattern = "".join(
        r"(?:[^\n]*\n)*?" if text.strip() == "..." else _line_pattern(text) + r"\n" for text in says
    )
    text = "".join(f"{_loose(line)}\n" for line in lines if line.strip())
    return re.fullmatch(pattern, text) is not None


def _line_pattern(text: str) -> str:
    parts = [re.escape(_loose(part)) for part in re.split(r"\.\.\.|…", text)]
    return r"[^\n]*".join(parts)


def _loose(text: str) -> str:
    """Numbers with their units and runs of blanks are all alike."""
    return _UNIT.sub("# u", _NUMBER.sub("#", " ".join(text.split())))
