"""What the cage allows is what is written down: every number of a system call is tried from inside, in the
runner and in the Python process that makes the reference."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from conftest import ROOT, build_library
from corpus import scripted
from tsharness import _cage
from tsharness.cases.case_file import CaseDocument
from tsharness.cases.safetensors_file import Location
from tsharness.exporting.torch_values import from_value

pytestmark = pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="no filter for it")

GROUPS: list[dict[str, Any]] = json.loads(_cage.allowed_calls())
CALLS = [call for group in GROUPS if group["needs"] == "always" for call in group["calls"]]
NEWER = (470, 600, 1000, 0x3FFFFFFF)
"""Numbers that this list knows nothing of."""
KERNELS_OWN = (335, 336) if platform.machine() == "x86_64" else ()
"""uretprobe and uprobe: of the kernel's own trampolines. They end everybody else, before any filter."""
NUMBERS = [number for number in (*range(NEWER[0]), *NEWER) if number not in KERNELS_OWN]
END_THE_CALLER = ("exit", "exit_group", "rt_sigreturn")
"""Allowed, and not tried: every process ends by them, and comes back from signals."""
HARMLESS = {"umask": (0o22,), "futex": (-1, 1)}
"""Arguments, where -1 would do something, or look like a call that the kernel does not have."""
MAY_LACK = ("get_mempolicy", "membarrier", "rseq", "faccessat2", "close_range")
"""What a kernel may be built without, or be too old for."""
CLONE3 = 435


def passing(test: Mapping[str, Any]) -> Any:
    value = test["values"][0]
    return value ^ 0x100 if test["refused"] else value


def failing(test: Mapping[str, Any]) -> int:
    numbers = [value for value in test["values"] if value != "own"]
    low = test["mask"] & -test["mask"]
    tries = [test["mask"] & ~(numbers[0] if numbers else 0), (numbers[0] if numbers else 0) ^ low]
    found = next(value for value in tries if value & test["mask"] not in numbers)
    return found if found < 1 << 63 else found - (1 << 64)


def row(number: int, arguments: Mapping[int, Any]) -> str:
    return ",".join(map(str, (number, *(arguments.get(i, -1) for i in range(6)))))


def tries() -> Iterator[tuple[str, bool, str]]:
    """Name, whether it must be allowed, and the row for the probe."""
    by_number = {call["number"]: call for call in CALLS}
    for number in NUMBERS:
        call = by_number.get(number)
        if call is None:
            yield str(number), False, row(number, {})
        elif not call["tests"] and call["name"] not in END_THE_CALLER:
            yield call["name"], True, row(number, dict(enumerate(HARMLESS.get(call["name"], ()))))
    for call in CALLS:
        good = {test["argument"]: passing(test) for test in call["tests"]}
        if good:
            yield call["name"], True, row(call["number"], good)
        for test in call["tests"]:
            bad = {**good, test["argument"]: failing(test)}
            yield f"{call['name']} with another argument {test['argument']}", False, row(call["number"], bad)


class Probes(nn.Module):
    def __init__(self, rows: str) -> None:
        super().__init__()
        self.rows = rows

    def forward(self, x: Tensor) -> Tensor:
        return torch.tensor(torch.ops.probe.calls(self.rows)) + (x * 0).to(torch.int64)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user can read, with the library."""
    folder = Path(tempfile.mkdtemp(prefix="cage-calls-"))
    folder.chmod(0o755)
    build_library("probe", folder)
    yield folder
    shutil.rmtree(folder)


NOBODY = (
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    # This Python may lie where others cannot read. It gives the right to nothing that is tried here.
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"),
)
USERS: dict[str, tuple[str, ...]] = {"as it is": (), "as nobody": NOBODY}


@pytest.mark.parametrize("user", USERS)
def test_what_is_allowed_is_what_is_written_down(user: str, place: Path) -> None:
    if USERS[user] and (os.getuid() != 0 or shutil.which("setpriv") is None):
        pytest.skip("needs root, to be somebody else")
    wanted = list(tries())
    artifact = scripted(Probes(";".join(row for *_, row in wanted)), place / "probes.pt")
    artifact.chmod(0o644)
    saved = place / user.replace(" ", "-")
    saved.mkdir(mode=0o777)
    saved.chmod(0o777)
    outputs = saved / "outputs.safetensors"
    command = (
        *(
            sys.executable,
            "-m",
            "tsharness",
            "verify",
            artifact,
            "--input",
            "x=float32[1]",
            "--sandbox",
            "strict",
        ),
        *("--load-library", place / "libprobe.so", "--level", "quick", "--calls", "1"),
        *("--save-outputs", outputs),
    )
    ran = subprocess.run([*USERS[user], *command], capture_output=True, text=True, check=False, cwd=saved)
    # It passes only if the runner was told the same as the process of the reference.
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (case,) = CaseDocument(Location(outputs)).cases()
    said = [int(number) for number in from_value(case.calls[0].outputs)]
    wrong = [
        (name, errno.errorcode.get(number, number))
        for (name, allowed, _), number in zip(wanted, said, strict=True)
        if is_allowed(name, number) != allowed
    ]
    assert not wrong
    unknown = {name: number for (name, *_), number in zip(wanted, said, strict=True)}
    assert [unknown[str(number)] for number in (CLONE3, *NEWER)] == [errno.ENOSYS] * (1 + len(NEWER))


def is_allowed(name: str, number: int) -> bool:
    return number != errno.EPERM and (number != errno.ENOSYS or name in MAY_LACK)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the page has the names of x86-64")
def test_the_page_has_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from generate_cage import PAGE, page

    assert page() == PAGE.read_text(), "make docs"
