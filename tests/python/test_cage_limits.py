"""What takes too much in the cage is ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from conftest import running_runners, tsharness, with_case
from corpus import scripted
from tsharness.cases.safetensors_file import Location
from tsharness.runner.excess import FilesExcess, FolderExcess, memory_bytes
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.scratch import remove_tree

X = torch.ones(3)


class FillsTheDisk(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        big = torch.zeros(50_000_000)
        for i in range(1000):
            torch.save(big, "fill" + str(i))
        return x


class Huge(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.zeros(1 << 38)[:1]


class Talks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        while bool(x.sum() > -1):
            print("again and again and again and again and again and again")
        return x


@pytest.mark.alone
@pytest.mark.parametrize(
    ("module", "options", "said"),
    [
        (FillsTheDisk(), ("--allow-op", "aten::save"), "scratch folder"),
        (Huge(), (), "memory"),
        (Talks(), (), "printed more than"),
    ],
)
def test_what_takes_too_much_is_ended(
    module: nn.Module, options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    path = scripted(module, tmp_path / "m.pt")
    with_case(path, X, X)
    ran = tsharness("verify", path, "--level", "quick", "--calls", "1", *options)
    assert ran.code == 6, ran.text
    assert said in ran.out
    assert not running_runners()


@pytest.mark.parametrize("saved", ["outputs.safetensors", ""])
def test_a_folder_that_the_harness_reads_from_is_watched_too(saved: str, tmp_path: Path) -> None:
    class Beside(nn.Module):
        def __init__(self, folder: str) -> None:
            super().__init__()
            self.folder = folder

        def forward(self, x: Tensor) -> Tensor:
            big = torch.zeros(50_000_000)
            for i in range(8):
                torch.save(big, self.folder + "/fill" + str(i))
            return x

    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "of-before").write_bytes(bytes(100))
    path = scripted(Beside(str(folder)), tmp_path / "m.pt")
    with_case(path, X, X)
    more = {"save_outputs": str(folder / saved)} if saved else {}
    step = {"step": "run", "cases": ["one"], "calls": 2, **more}
    job = Job(path, ({"step": "load"}, step), Location(tmp_path / "m.pt.cases.safetensors"))
    outcome = Launcher(find_runner()).run(job, 60)
    if not saved:
        # Nobody has asked for a file there: it is locked.
        assert outcome.results("run") and not (folder / "fill0").exists(), outcome
        return
    assert outcome.death is not None and "scratch folder" in outcome.death.message, outcome


class Wide(nn.Module):
    """Enough work for more than one thread."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.ones(4_000_000).add(1.0).sum()


def test_pinned_threads_start_all_the_same(tmp_path: Path) -> None:
    """In the runner by hand, which nobody has given an environment, too."""
    path = with_case(scripted(Wide(), tmp_path / "m.pt"), X, X + 8_000_000)
    pinned = {**os.environ, "OMP_PROC_BIND": "close"}
    ran = tsharness("verify", path, "--level", "quick", "--threads", "2", env=pinned)
    assert ran.code == 0, ran.text
    step = {"step": "run", "cases": ["one"], "calls": 1}
    job = Job(path, ({"step": "load"}, step), Location(tmp_path / "m.pt.cases.safetensors"), threads=2)
    outcome = Launcher(find_runner()).run(job, 60, environment={"OMP_PROC_BIND": "close"})
    assert outcome.death is None and outcome.results("run"), outcome


@contextmanager
def process(code: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """That has done what the code says, and waits."""
    code = f"import mmap, os\n{code}\nprint('done', flush=True)\ninput()"
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=pipe, stdout=pipe, cwd=folder, text=True
    ) as one:
        assert one.stdout is not None and one.stdout.readline() == "done\n"
        yield one
        one.kill()


_KEPT_OPEN = "kept = [open(str(i), 'wb') for i in range(3)]\nfor one in kept:\n    os.unlink(one.name)\n"
_WRITTEN = "    one.write(bytes(4_000_000))\n    one.flush()"
_MAPPED = """
for i in range(3):
    with open(str(i), 'w+b') as one:
        one.truncate(4_000_000)
        kept = (kept if i else []) + [mmap.mmap(one.fileno(), 4_000_000)]
    os.unlink(str(i))
    kept[-1].write(b'x' * 4_000_000)
"""


@pytest.mark.parametrize("code", [_KEPT_OPEN + _WRITTEN, _MAPPED])
def test_removed_files_take_room_as_long_as_they_are_open(code: str, tmp_path: Path) -> None:
    with process(code, tmp_path) as one:
        assert not list(tmp_path.iterdir())
        assert FolderExcess([tmp_path], one.pid, 20_000_000).seen() is None
        assert "wrote more than" in (FolderExcess([tmp_path], one.pid, 10_000_000).seen() or "")


def test_shared_memory_is_memory(tmp_path: Path) -> None:
    with process("kept = mmap.mmap(-1, 50_000_000)\nkept.write(b'x' * 50_000_000)", tmp_path) as one:
        assert memory_bytes(one.pid) > 50_000_000

        def seen(limit: int) -> str | None:
            return FilesExcess(tmp_path, one.pid, Job(tmp_path / "m.pt", (), memory_limit=limit)).seen(0)

        assert "of memory, more than the limit" in (seen(40_000_000) or "") and seen(1 << 30) is None


def _deeper_than_a_path(folder: Path) -> None:
    subprocess.run(
        ["bash", "-c", "for i in {1..60}; do mkdir $0; cd $0; done; echo > x", "d" * 200],
        cwd=folder,
        check=True,
    )


def _without_permission(folder: Path) -> None:
    (folder / "locked" / "in").mkdir(parents=True)
    (folder / "locked" / "in").chmod(0)


@pytest.mark.parametrize("make", [_deeper_than_a_path, _without_permission])
def test_folders_that_nobody_can_look_into(make: Callable[[Path], None], tmp_path: Path) -> None:
    """They are told, end no command with a traceback, and go."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    watch = FolderExcess([scratch], os.getpid())
    make(scratch)
    if make is _deeper_than_a_path or os.getuid() != 0:
        assert "that nobody can look into" in (watch.seen() or "")
        assert FolderExcess([scratch], os.getpid()).seen() is None, "it was there before"
    remove_tree(scratch)
    assert not scratch.exists()
