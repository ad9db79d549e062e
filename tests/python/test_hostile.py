"""Nothing that an artifact does can hurt the harness: each becomes a result, and the others still run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from conftest import running_runners, tsharness, verify_json
from tsharness.cases import Call, Case, CaseFile, Tensor, write_case_file
from tsharness.exporting import torch_jit
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher


class Segfault(torch.nn.Module):
    def forward(self, x: torch.Tensor, bad: bool) -> torch.Tensor:
        if bad:
            indices = torch.tensor([[1 << 45]])
            return torch.ops.aten._sparse_coo_tensor_unsafe(indices, torch.ones(1), [4]).to_dense()
        return x + 1


class Abort(torch.nn.Module):
    """Overwrites the allocator's own bytes; freeing the memory then calls abort."""

    def forward(self, x: torch.Tensor, bad: bool) -> torch.Tensor:
        if bad:
            # A size that no chunk has, of the main arena: for another one, free would look at an address that
            # need not be mapped.
            indices, values = torch.tensor([[-1]]), torch.tensor([73])
            return torch.ops.aten._sparse_coo_tensor_unsafe(indices, values, [4]).to_dense() + x
        return x + 1


class Loop(torch.nn.Module):
    def forward(self, x: torch.Tensor, bad: bool) -> torch.Tensor:
        while bad:
            x = torch.sin(x)
        return x + 1


class Terabyte(torch.nn.Module):
    def forward(self, x: torch.Tensor, bad: bool) -> torch.Tensor:
        if bad:
            x = torch.zeros([1 << 38], dtype=torch.float32)
        return x + 1


class GrowsSlowly(torch.nn.Module):
    """Every allocation is small: only the sum is not."""

    def forward(self, x: torch.Tensor, bad: bool) -> torch.Tensor:
        kept = [x]
        while bad:
            kept.append(torch.ones(1 << 20) + len(kept))
        return x + 1 + kept[-1].sum() * 0


class Prints(torch.nn.Module):
    def forward(self, x: torch.Tensor, bad: bool) -> torch.Tensor:
        print('{"event": "result", "step": "run", "case": "bad", "passed": true}')
        return x + 1


class Raises(torch.nn.Module):
    def forward(self, x: torch.Tensor, bad: bool) -> torch.Tensor:
        if bad:
            raise ValueError("no such luck")
        return x + 1


def make(module: torch.nn.Module, folder: Path) -> Path:
    """The artifact, with cases beside it: good, bad, good again; a right answer is x + 1."""
    path = folder / "model.pt"
    torch_jit.save(torch_jit.script(module), path)
    one = Tensor("float32", (4,), torch.ones(4).numpy().tobytes())
    two = Tensor("float32", (4,), (torch.ones(4) + 1).numpy().tobytes())
    cases = tuple(Case(name, (Call((one, name == "bad"), two),)) for name in ("before", "bad", "after"))
    write_case_file(CaseFile(cases), f"{path}.cases.safetensors")
    return path


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (Segfault(), (), "the runner crashed (SIGSEGV)"),
        (Abort(), (), "the runner crashed (SIGABRT)"),
        (Loop(), ("--timeout", "3"), "the runner took longer than 3 s"),
        (Terabyte(), (), "1099511627776 bytes"),
        (GrowsSlowly(), ("--memory-limit", "1GB"), "allocate"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, torch.nn.Module) else "",
)
def test_bad_case_is_a_result(
    module: torch.nn.Module, options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    started = time.monotonic()
    ran, report = verify_json(make(module, tmp_path), *options)
    assert ran.code == 6
    before, bad, after = report["cases"]
    assert (before["verdict"], bad["verdict"], after["verdict"]) == ("pass", "error", "pass")
    assert message in bad["error"]["message"]
    assert 'ERROR case "bad"' in ran.err and "Traceback" not in ran.err
    assert time.monotonic() - started < 60


def test_what_a_model_prints_is_not_believed(tmp_path: Path) -> None:
    ran, report = verify_json(make(Prints(), tmp_path))
    assert ran.code == 0
    assert [case["verdict"] for case in report["cases"]] == ["pass"] * 3
    assert '{"event": "result"' in report["printed"]


def test_exception_names_the_line(tmp_path: Path) -> None:
    ran, report = verify_json(make(Raises(), tmp_path))
    assert ran.code == 5
    error = report["cases"][1]["error"]
    assert error["kind"] == "execution"
    assert "no such luck" in error["message"] and "test_hostile.py" in error["message"]
    assert [case["verdict"] for case in report["cases"]] == ["pass", "error", "pass"]
    assert 'ERROR case "bad": builtins.ValueError: no such luck' in ran.err
    assert "in forward" in ran.err and "Traceback" not in ran.err


def test_crash_while_loading(tmp_path: Path) -> None:
    """Very deep expressions overflow the loader's stack."""
    path = make(Prints(), tmp_path)
    import zipfile

    deep = tmp_path / "deep.pt"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(deep, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith("test_hostile.py"):
                data = data.replace(b"torch.add(x, 1)", b"(" * 300000 + b"x" + b")" * 300000)
            new.writestr(info.filename, data)
    outcome = Launcher(find_runner()).run(Job(deep, ({"step": "load"},)), 60)
    assert outcome.death is not None
    assert (outcome.death.kind, outcome.death.step) == ("signal", "load")
    # verify does not let it get so far: what cannot be parsed cannot be judged.
    ran = tsharness("verify", deep, "--cases", f"{path}.cases.safetensors")
    assert ran.code == 7 and "cannot be judged" in ran.err


@pytest.mark.alone
def test_quiet_hostile_run_leaves_no_process(tmp_path: Path) -> None:
    path = make(Loop(), tmp_path)
    assert tsharness("verify", path, "--timeout", "1", "-q").code == 6
    assert not running_runners()
