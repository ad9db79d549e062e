"""The command, the C++ library and a bundle say the same of the same files: verdict and exit code."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from test_cpp_server import TOOLS, server  # noqa: E402, F401

import tsharness as package  # noqa: E402
from conftest import Ran, run, tsharness, with_case  # noqa: E402
from corpus import scripted  # noqa: E402

pytestmark = pytest.mark.skipif(
    not shutil.which("c++"), reason="no C++ compiler here (Debian: apt-get install g++)"
)
X = torch.linspace(-1, 1, 6).reshape(2, 3)


class Plus(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1.0


class Root(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sqrt(x)


class Counts(nn.Module):
    """Keeps state that its outputs do not show."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls.add_(1.0)
        return x + 1.0


class Sums(nn.Module):
    """Keeps state that its outputs do show."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sum", torch.zeros(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        self.sum.add_(x)
        return self.sum.clone()


class Writes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.add_(1.0)


class Shows(nn.Module):
    """Gives its own memory away."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight


class TwoMethods(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1.0

    @torch.jit.export
    def double(self, x: Tensor) -> Tensor:
        return x * 2.0


class Fails(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        assert x.size(0) == 9, "nine rows"
        return x


def recorded(module: nn.Module, expected: Tensor, x: Tensor = X) -> Callable[[Path], Path]:
    return lambda folder: with_case(scripted(module, folder / "model.pt"), x, expected)


def several(module: nn.Module, *calls: tuple[str, Tensor], **case: Any) -> Callable[[Path], Path]:
    """A case of several calls, each of a method with what it gives for X."""

    def make(folder: Path) -> Path:
        from tsharness.cases import Call, Case, CaseFile, write_case_file
        from tsharness.exporting.torch_values import to_value

        path = scripted(module, folder / "model.pt")
        made = tuple(Call((to_value(X),), to_value(expected), method=name) for name, expected in calls)
        write_case_file(CaseFile((Case("one", made, **case),)), path.with_name("model.pt.cases.safetensors"))
        return path

    return make


def exported(module: nn.Module) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        package.export(module, (X,), folder / "model.pt", families=(), method="script")
        return folder / "model.pt"

    return make


def damaged(folder: Path) -> Path:
    """One bit of a weight; its checksum no longer fits, and LibTorch loads it all the same."""
    path = exported(nn.Linear(3, 2))(folder)
    with zipfile.ZipFile(path) as archive:
        name = next(one for one in archive.namelist() if one.endswith("/data/0"))
        weights = archive.read(name)
    content = bytearray(path.read_bytes())
    content[content.index(weights)] ^= 1
    path.write_bytes(content)
    return path


def other_content(folder: Path) -> Path:
    """The same with a checksum that fits: only the cases know better."""
    path = exported(nn.Linear(3, 2))(folder)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(folder / "other.pt", "w") as other:
        for entry in archive.infolist():
            content = bytearray(archive.read(entry))
            if entry.filename.endswith("/data/0"):
                content[0] ^= 1  # of a weight's last bits: outputs stay within the tolerance
            other.writestr(entry.filename, bytes(content))
    shutil.move(folder / "other.pt", path)
    return path


NAN = torch.tensor([[torch.nan] * 3, [0.0, 0.0, 0.0]])


@dataclass(frozen=True)
class Way:
    make: Callable[[Path], Path]
    code: int


WAYS = {
    "passes": Way(recorded(Plus(), X + 1.0), 0),
    "exported": Way(exported(nn.Linear(3, 2)), 0),
    "wrong value": Way(recorded(Plus(), X + 1.5), 1),
    "one wrong element": Way(recorded(Plus(), X + 1.0 + 1e-3 * torch.eye(2, 3)), 1),
    "wrong shape": Way(recorded(Plus(), X[:1] + 1.0), 1),
    "wrong dtype": Way(recorded(Plus(), (X + 1.0).double()), 1),
    "wrong type": Way(several(Plus(), ("forward", [X + 1.0])), 1),
    "a NaN that nobody expects": Way(recorded(Root(), torch.ones(2, 3), X), 1),
    "a NaN that is expected": Way(recorded(Root(), torch.sqrt(X), X), 0),
    "a NaN of its own": Way(several(Root(), ("forward", torch.sqrt(X)), origin="torchscript-python"), 1),
    "damaged record": Way(damaged, 1),
    "other content": Way(other_content, 1),
    "two methods": Way(several(TwoMethods(), ("forward", X + 1.0), ("double", X * 2.0)), 0),
    "one method wrong": Way(several(TwoMethods(), ("forward", X + 1.0), ("double", X * 3.0)), 1),
    "a method that it lacks": Way(several(Plus(), ("double", X * 2.0)), 2),
    "hidden state": Way(recorded(Counts(), X + 1.0), 1),
    "state in a sequence": Way(several(Sums(), ("forward", X), ("forward", 2 * X)), 0),
    "state that one call shows": Way(recorded(Sums(), X), 1),
    "writes into its input": Way(recorded(Writes(), X + 1.0), 1),
    "gives its memory away": Way(recorded(Shows(), torch.ones(2, 3)), 1),
    "an exception": Way(recorded(Fails(), X), 5),
}


def by_command(path: Path) -> Ran:
    return tsharness("verify", path, "--level", "quick")


def by_runner(path: Path, runner: Path) -> Ran:
    return run(runner, "--verify", path)


def by_bundle(path: Path, folder: Path) -> Ran:
    made = tsharness("bundle", path, "-o", folder, "--no-bench", "--level", "quick")
    assert folder.is_dir(), made.text
    return run(folder / "run.sh", env={**TOOLS, "LIBTORCH": str(Path(torch.__file__).parent)})


def by_library(path: Path, server: Path) -> Ran:  # noqa: F811
    return run(server, path, input="", env={})


@pytest.mark.parametrize("name", WAYS)
def test_all_say_the_same(
    name: str,
    server: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    from tsharness.runner.find import find_runner

    way = WAYS[name]
    path = way.make(tmp_path)
    ran = {
        "command": by_command(path),
        "runner": by_runner(path, find_runner().path),
        "bundle": by_bundle(path, tmp_path / "b"),
        "library": by_library(path, server),
    }
    library = ran.pop("library")
    texts = "\n".join(f"{who}: {one.code}\n{one.text}" for who, one in ran.items())
    assert {who: one.code for who, one in ran.items()} == dict.fromkeys(ran, way.code), texts
    # An application of its own has its own exit codes: it is told whether it passed.
    assert library.err.startswith("PASS  " if way.code == 0 else "FAIL  "), library.text
    for one in ran.values():
        assert ("\nPASS  " in one.out) == (way.code == 0), one.text
