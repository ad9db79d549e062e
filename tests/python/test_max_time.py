"""``verify --max-time``: what shows most for its time comes first, and what was left out is named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from conftest import tsharness, verify_json
from tsharness.cases import Call, Case, CaseFile, write_case_file
from tsharness.exporting import torch_jit
from tsharness.exporting.torch_values import to_value

CASES = 30


class Slow(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x
        for _ in range(40):
            y = torch.tanh(y @ y)
        return y


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 100 ms a call, 30 cases of six families: 15 s and more for the calls alone."""
    path = tmp_path_factory.mktemp("slow") / "slow.pt"
    module = torch_jit.script(Slow())
    torch_jit.save(module, path)
    torch.set_num_threads(1)
    cases = []
    for number in range(CASES):
        x = torch.rand(500, 500, generator=torch.Generator().manual_seed(number))
        call = Call((to_value(x),), to_value(module(x)))
        cases.append(Case(f"case-{number}", (call,), f"family-{number % 6}"))
    write_case_file(CaseFile(tuple(cases)), path.with_name("slow.pt.cases.safetensors"))
    return path


def test_what_was_left_out_is_named_in_the_verdict_line(slow: Path) -> None:
    start = time.monotonic()
    ran, report = verify_json(slow, "--threads", "1", "--max-time", "3s")
    took = time.monotonic() - start
    assert ran.code == 0, ran.text
    skipped = [case["name"] for case in report["cases"] if case["verdict"] == "skipped"]
    done = [case for case in report["cases"] if case["verdict"] == "pass"]
    assert skipped and done and len(skipped) + len(done) == CASES
    assert f"left out for time: {len(skipped)} cases" in ran.text.splitlines()[-1]
    assert "memory" in ran.text.splitlines()[-1]
    assert {case["family"] for case in done[:6]} == {f"family-{i}" for i in range(len(done[:6]))}
    full = sum(report["cases"][0]["seconds"]) / 5 * (CASES * 6)
    assert took < max(20, full / 2), took


def test_with_time_enough_nothing_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch_jit.save(torch_jit.script(nn.Linear(4, 2)), path)
    ran, report = verify_json(path, "--input", "input=float32[3,4]", "--max-time", "5m")
    assert ran.code == 0 and report["left_out"] == [] and "left out" not in ran.text


@pytest.mark.parametrize("text", ["soon", "-1", "0", "3 weeks", ""])
def test_what_is_no_time(text: str, tmp_path: Path) -> None:
    ran = tsharness("verify", tmp_path / "m.pt", f"--max-time={text}")
    assert ran.code in (2, 5) and (text == "" or ran.code == 2), ran.text
