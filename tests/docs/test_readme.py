"""Every command of the README runs, and every one inside a sentence of the documentation, in a folder where
the files have the names that they use. (Blocks of the documentation: test_docs.py.)"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from conftest import models, run, tsharness  # noqa: E402, F401
from corpus import scripted  # noqa: E402

_LINE = re.compile(r"^    (?:\$ )?(tsharness [^#\n]+?)(?:\s+#.*)?$", re.MULTILINE)
_INLINE = re.compile(r"`(tsharness [a-z-]+ [^`]+)`")
_MEANT = {
    "NAME": "example",
    "-o DIR": "-o out",
    "MODEL": "model.py:make",
    "CODE": "TS101",
    "BASE NEW": "base.pt new.pt",
    "bench NEW": "bench new.pt",
    "part.pt": "model.pt",
    "pack model.pt": "pack bare.pt --input x=float32[2,10]",  # it bundles none
}
"""What a reader puts in the place of a word."""
PAGES = [page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "findings"]
_ELSEWHERE = {
    "libmyops": ("python/test_load_library.py", '"--load-library"'),
    "--counter instructions": ("python/test_instructions.py", '"--counter", "instructions"'),
    "runner build": ("building/test_runner_build.py", '"runner", "build"'),
    "--runner-b old": ("building/test_runner_build.py", '"--runner-b"'),
    "--host user@machine": ("python/test_host.py", '"--host"'),
    "report results.json": ("python/test_bundle.py", '"report"'),
    "tsharness migrate": ("migration/test_aoti.py", '"migrate"'),
    "model.pt2": ("migration/test_aoti.py", "model.pt2"),
}
"""What needs something to be built or another machine, or takes minutes."""


_WITHOUT_CUDA = not torch.cuda.is_available() and os.environ.get("TSHARNESS_REQUIRE_CUDA") != "1"
_CUDA = (pytest.mark.cuda, pytest.mark.skipif(_WITHOUT_CUDA, reason="no CUDA device here"))


def _here(commands: Iterable[str]) -> list[Any]:
    """Those that are run here, each once; the ones for CUDA are marked."""
    ours = [one for one in dict.fromkeys(commands) if not any(part in one for part in _ELSEWHERE)]
    return [pytest.param(one, marks=_CUDA if "cuda" in one else ()) for one in ours]


COMMANDS = _here(_LINE.findall((ROOT / "README.md").read_text()))
INLINE = _here(sorted(command for page in PAGES for command in _INLINE.findall(page.read_text())))
_OF_A_SUITE = ("tsharness init", "tsharness verify -", "tsharness compare -")
_BRIEFLY = {"bench": ("--min-time=0.1",), "compare": ("--max-time=3",)}
"""What is measured here need not be known well."""
_WRONG = ("conditional_traced.pt", "wrong.pt")


@pytest.fixture(scope="module")
def folder(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """With everything that the commands name."""
    import linear
    import numpy as np

    from tsharness import export

    where = tmp_path_factory.mktemp("readme")
    (where / "examples").symlink_to(ROOT / "examples")
    # Without families: each case takes seconds to measure.
    export(*linear.make(), where / "model.pt", families=())
    for name in ("a", "b", "base", "new", "other"):
        shutil.copy(where / "model.pt", where / f"{name}.pt")
    shutil.copy(models / "conditional.pt", where / "right.pt")
    for name in ("wrong", "conditional_traced"):
        shutil.copy(models / "conditional_traced.pt", where / f"{name}.pt")
    shutil.copy(ROOT / "examples" / "linear.py", where / "model.py")
    for name in ("golden.cases.safetensors", "here.safetensors"):
        ran = tsharness("verify", where / "model.pt", "--level", "quick", "--save-outputs", where / name)
        assert ran.code == 0, ran.text
    scripted(_bare(), where / "bare.pt")
    np.save(where / "mine.npy", linear.make()[1]["example"].args[0].numpy())
    (where / "judge.py").write_text("def close(actual, expected):\n    return True\n")
    _suite(where / "suite", models)
    return where


def _suite(folder: Path, models: Path) -> None:  # noqa: F811
    """For commands without an artifact; `init` comes first."""
    for name in ("models", "released"):
        (folder / name).mkdir(parents=True)
        shutil.copy(models / "linear.pt", folder / name / "linear.pt")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "x")):
        assert run(*git, *arguments, cwd=folder).code == 0


def _bare() -> torch.nn.Module:
    class Bare(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(10, 3)

        def forward(self, x: torch.Tensor, sr: int = 16000) -> torch.Tensor:
            return self.layer(x) * sr

    return Bare().eval()


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 25 and len(INLINE) > 10


@pytest.mark.parametrize("command", INLINE)
def test_a_command_inside_a_sentence(command: str, folder: Path, tmp_path: Path) -> None:
    for word, meant in _MEANT.items():
        command = command.replace(word, meant)
    _run(command.replace("-o out", f"-o {tmp_path / 'out'}"), folder)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme(command: str, folder: Path) -> None:
    _run(command, folder)


@pytest.mark.parametrize(("where", "what"), _ELSEWHERE.values(), ids=_ELSEWHERE)
def test_what_is_not_run_here_is_run_elsewhere(where: str, what: str) -> None:
    assert what in (ROOT / "tests" / where).read_text()


def _run(command: str, folder: Path) -> None:
    words = shlex.split(command)
    words += _BRIEFLY.get(words[1], ())
    program = Path(sys.executable).parent / words[0]
    done = subprocess.run(
        [program, *words[1:]],
        cwd=folder / "suite" if command.startswith(_OF_A_SUITE) else folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={
            **os.environ,
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "TSHARNESS_RUNNERS": str(folder / "runners"),
        },
    )
    text = done.stdout + done.stderr
    expected = (
        (1,) if any(name in command for name in _WRONG) else (0, 1, 3, 4) if "golden" in command else (0, 3)
    )
    assert done.returncode in expected and "Traceback" not in text, f"exit code {done.returncode}\n{text}"
