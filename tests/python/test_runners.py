"""Runners of a store: listed, described, removed, and verified against; several targets in one table."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
import torch

from conftest import Ran, run, tsharness, with_case
from corpus import scripted
from tsharness.errors import UsageError
from tsharness.inspection.runners import ask_runner
from tsharness.runners.resolve import names_of
from tsharness.runners.store import BuiltRunner, built_runners, check_name, keep


@pytest.fixture
def store(tmp_path: Path, runner_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a copy of the installed runner under another name."""
    monkeypatch.setenv("TSHARNESS_RUNNERS", str(tmp_path / "runners"))
    libtorch, operators = ask_runner(runner_path)
    log = tmp_path / "log"
    log.write_text("built\n")
    facts = BuiltRunner("copy", libtorch, True, "GNU 12", "/opt/libtorch", "k", ("cpu",), "AVX2", "0.1.0")
    keep(facts, runner_path, log, operators)
    return tmp_path / "runners"


def _run(store: Path, *arguments: str | Path, **environment: str) -> Ran:
    return tsharness(*arguments, env={**os.environ, "TSHARNESS_RUNNERS": str(store), **environment})


def test_runners_are_listed_with_their_health(store: Path) -> None:
    ran = _run(store, "runner", "list")
    rows = {line.split()[0]: line for line in ran.out.splitlines()}
    assert set(rows) == {"name", "installed", "copy"}
    assert all("good" in rows[name] for name in ("installed", "copy"))
    (store / "copy" / "tsharness-runner").write_text("#!/bin/sh\nexit 3\n")
    ran = _run(store, "runner", "list", "--json", "-")
    by_name = {one["name"]: one for one in json.loads(ran.out)["runners"]}
    assert "does not start" in by_name["copy"]["health"] and by_name["installed"]["health"] == "good"


def test_a_runner_is_described_and_removed(store: Path) -> None:
    ran = _run(store, "runner", "describe", "copy")
    assert ran.code == 0 and "libtorch" in ran.out and "operators" in ran.out
    ran = _run(store, "runner", "describe", "copy", "--json", "-")
    assert "aten::linear" in json.loads(ran.out)["operators"]
    assert _run(store, "runner", "remove", "copy").code == 0 and not (store / "copy").exists()
    for command in ("remove", "describe"):
        gone = _run(store, "runner", command, "copy")
        assert gone.code == 2 and "there is: installed" in gone.err


def test_inspect_asks_a_runner_that_is_not_started(store: Path, models: Path) -> None:
    (store / "copy" / "tsharness-runner").write_text("#!/bin/sh\nexit 3\n")
    ran = _run(store, "inspect", models / "linear.pt", "--runner", "copy")
    assert ran.code == 0, ran.text
    unknown = _run(store, "inspect", models / "linear.pt", "--runner", "nothing")
    assert unknown.code == 2 and "1.13.1, 2.13.0, copy" in unknown.err


def test_a_named_runner_verifies(store: Path, models: Path) -> None:
    ran = _run(store, "verify", models / "linear.pt", "--runner", "copy", "--level", "quick")
    assert ran.code == 0 and "copy · LibTorch" in ran.out, ran.text
    by_path = _run(
        store,
        "verify",
        models / "linear.pt",
        "--level",
        "quick",
        "--runner",
        store / "copy" / "tsharness-runner",
    )
    assert by_path.code == 0, by_path.text
    unknown = _run(store, "verify", models / "linear.pt", "--runner", "nothing")
    assert unknown.code == 2 and "tsharness runner build" in unknown.err


def test_all_runners_in_one_table(store: Path, models: Path, tmp_path: Path) -> None:
    kept = tmp_path / "run.json"
    ran = _run(store, "verify", models / "linear.pt", "--runner", "all", "--level", "quick", "--json", kept)
    assert ran.code == 0, ran.text
    lines = ran.out.splitlines()
    head = next(line for line in lines if line.startswith("check"))
    assert "installed" in head and "copy" in head
    assert next(line for line in lines if line.startswith("parity")).split() == ["parity", "pass", "pass"]
    assert lines[-1] == "PASS  2 of 2 targets pass"
    junit = _run(store, "report", kept, "--junit", "-").out
    assert re.search(r'name="verify \S+linear.pt on cpu, \d+ threads?, \w+, copy 2', junit)
    again = _run(store, "report", kept, "--markdown", "-", "--html", tmp_path / "page.html")
    assert "| parity | pass | pass |" in again.out and "Targets of" in (tmp_path / "page.html").read_text()
    names = [report["runner"]["name"] for report in json.loads(kept.read_text())["reports"]]
    assert names == ["installed", "copy"]


def test_a_target_that_fails_is_explained(store: Path, models: Path) -> None:
    ran = _run(
        store, "verify", models / "conditional_traced.pt", "--runner", "installed,copy", "--level", "quick"
    )
    assert ran.code == 1
    assert "0 of 2 targets pass" in ran.out and ran.out.count("TS203") >= 2


@pytest.mark.parametrize("names", ["default,avx2", "default"])
def test_kinds_of_instructions(names: str, models: Path, tmp_path: Path) -> None:
    kept = tmp_path / "run.json"
    options = ("--cpu-capability", names, "--level", "quick", "--json", kept)
    ran = tsharness("verify", models / "linear.pt", *options)
    assert ran.code == 0, ran.text
    used = [report["runner"]["cpu_capability"] for report in json.loads(kept.read_text())["reports"]]
    assert used == [{"default": "DEFAULT", "avx2": "AVX2"}[name] for name in names.split(",")]


def test_instructions_that_there_are_not(models: Path) -> None:
    ran = tsharness("verify", models / "linear.pt", "--cpu-capability", "avx1024")
    assert ran.code == 2 and "default, avx2, avx512" in ran.err


def test_drift_is_told_against_float64(store: Path, models: Path) -> None:
    options = (
        "--runner",
        "all",
        "--cpu-capability",
        "default,avx2",
        "--tolerance",
        "fp64",
        "--level",
        "quick",
    )
    ran = _run(store, "verify", models / "transformer.pt", *options)
    row = next(line for line in ran.out.splitlines() if line.startswith("against float64"))
    assert len(row.split()) == 2 + 4 and all(float(text) >= 0 for text in row.split()[2:]), ran.text


@pytest.mark.parametrize("name", ["all", "installed", "../x", "", "a b"])
def test_names_that_a_runner_cannot_have(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name)


def test_what_was_never_finished_is_no_runner(store: Path) -> None:
    (store / "half").mkdir()
    (store / "half" / "tsharness-runner").write_text("")
    assert [one.name for one in built_runners()] == ["copy"]
    assert names_of(["all"]) == ["installed", "copy"]
    with pytest.raises(UsageError):
        names_of(["a,,b"])


def test_what_is_no_libtorch(tmp_path: Path) -> None:
    ran = tsharness("runner", "build", "--libtorch", tmp_path)
    assert ran.code == 2 and "is no LibTorch" in ran.err, ran.text


_HERE = torch.backends.cpu.get_cpu_capability()
BY_AGE = ("default", "avx2", "avx512")[: {"AVX2": 2, "AVX512": 3}.get(_HERE, 1)]
"""The instructions that this processor has, oldest first."""

_SUMS = """
import torch
for seed in range(40):
    torch.manual_seed(seed)
    print(torch.randn(20000).softmax(0).sum().item().hex())
"""


def _sums(capability: str) -> list[float]:
    """What one model's sum is with these instructions, for several inputs: rounding alone differs."""
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    ran = run(sys.executable, "-c", _SUMS, env=environment)
    assert ran.code == 0, ran.text
    return [float.fromhex(line) for line in ran.out.split()]


class Planted(torch.nn.Module):
    """Wrong on one side of a limit that rounding decides on."""

    def __init__(self, limit: float, above: bool) -> None:
        super().__init__()
        self.limit, self.above = limit, above

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        beyond = x.softmax(0).sum().double() > self.limit
        return torch.where(beyond == self.above, x + 1, x)


@pytest.mark.skipif(len(BY_AGE) < 2, reason="no processor of several generations (x86-64 with AVX2) here")
def test_a_difference_that_only_the_newest_instructions_show_is_found(tmp_path: Path) -> None:
    newest = BY_AGE[-1]
    sums = zip(*map(_sums, BY_AGE), strict=True)
    seed, (lowest, highest, odd) = next(
        (seed, (min(other), max(other), odd))
        for seed, (*other, odd) in enumerate(sums)
        if not min(other) <= odd <= max(other)
    )
    above = odd > highest
    planted = scripted(Planted((odd + (highest if above else lowest)) / 2, above), tmp_path / "planted.pt")
    torch.manual_seed(seed)
    x = torch.randn(20000)
    with_case(planted, x, x)
    ran = tsharness("verify", planted, "--cpu-capability", ",".join(BY_AGE), "--level", "quick")
    older = len(BY_AGE) - 1
    assert ran.code == 1 and f"{older} of {older + 1} targets pass" in ran.out, ran.text
    (row,) = (line for line in ran.out.splitlines() if line.startswith("parity"))
    assert row.split() == ["parity", *["pass"] * older, "fail"]
    told = ran.out[ran.out.rindex("\n\n") :]
    assert f"{newest.upper()}: case" in told and "TS206 passes with CPU capability changed" in told, told
