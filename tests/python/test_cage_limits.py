"""What takes too much in the cage is ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from conftest import running_runners, tsharness, with_case
from corpus import scripted
from tsharness.cases.safetensors_file import Location
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher

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
