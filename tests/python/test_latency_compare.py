"""``tsharness compare``: slower, faster, same, or not to be told; and whether the outputs are the same."""

from __future__ import annotations

import json
import math
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import tsharness
from conftest import heed_interrupts, running_runners, with_case, written_report
from conftest import tsharness as run
from corpus import SavesWhenCalled, scripted
from tsharness.bench.compare_options import SideOptions
from tsharness.bench.compare_outputs import differences, unproven
from tsharness.bench.compare_report import CompareReport
from tsharness.bench.statistics import Change, Effect, paired_effect
from tsharness.errors import UsageError
from tsharness.report.outlines.compare import outline

pytestmark = pytest.mark.alone

X = torch.linspace(-1, 1, 64)
QUICK = ("--max-time", "3", "--margin", "50%")


class Work(nn.Module):
    """The same result, whatever it costs."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.rounds = rounds

    def forward(self, x: Tensor) -> Tensor:
        y = x + 1.0
        for _ in range(self.rounds):
            y = torch.relu(y)
        return y


class Other(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 2.0


class Counts(nn.Module):
    """Counts its calls, adds their number if it is to, and computes nothing once it has worked in so many of
    them (but in every seventh, if it is sly)."""

    def __init__(self, working: int, adds: bool = False, sly: bool = False, rounds: int = 100) -> None:
        super().__init__()
        self.working, self.adds, self.sly, self.rounds = working, adds, sly, rounds
        self.calls = [0]

    def forward(self, x: Tensor) -> Tensor:
        self.calls[0] += 1
        calls = self.calls[0]
        if calls > self.working and not (self.sly and calls % 7 == 0):
            return torch.zeros_like(x)
        y = x + 1.0
        if self.adds:
            y = x + float(calls)
        for _ in range(self.rounds):
            y = torch.relu(y)
        return y


class Random(nn.Module):
    """Draws random numbers, until it no longer works."""

    def __init__(self, working: int) -> None:
        super().__init__()
        self.working = working
        self.calls = [0]

    def forward(self, x: Tensor) -> Tensor:
        self.calls[0] += 1
        if self.calls[0] > self.working:
            return torch.zeros_like(x)
        return torch.dropout(x + 1.0, 0.5, True)


class Writes(nn.Module):
    """Writes into its input, which a server gives it anew each time."""

    def forward(self, x: Tensor) -> Tensor:
        return x.add_(1.0)


class Crashes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.as_strided(x, [1 << 40], [1 << 20]).clone()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = scripted(Work(100), tmp_path_factory.mktemp("compare") / "base.pt")
    return with_case(path, X, X + 1.0)


def test_a_copy_is_the_same(base: Path, tmp_path: Path) -> None:
    new, found = Path(shutil.copy(base, tmp_path / "copy.pt")), tmp_path / "found.json"
    ran = run("compare", base, new, *QUICK, "--json", found)
    assert ran.code == 0, ran.text
    assert "PASS  same: new takes " in ran.out
    report = CompareReport.from_dict(written_report(found))
    (case,) = report.cases
    assert case.change == "same" and not case.differences
    assert report.processes == len(case.effect.processes) >= 3
    assert case.effect.low <= case.effect.ratio <= case.effect.high
    assert CompareReport.from_dict(report.to_dict()) == report


def test_the_title_tells_them_apart(base: Path) -> None:
    report = tsharness.compare(base, new_options=SideOptions(threads=1), max_time=1)

    def title(one: str, other: str) -> str:
        changed = replace(report, base=replace(report.base, path=one), new=replace(report.new, path=other))
        return outline(changed).title

    assert title("a/m.pt", "b/n.pt") == "m.pt and n.pt"
    assert title("a/m.pt", "b/m.pt") == "a/m.pt and b/m.pt"
    assert title("a/m.pt", "a/m.pt") == "m.pt, twice"


def test_a_slower_one_fails_and_a_faster_one_passes(base: Path, tmp_path: Path) -> None:
    slow = scripted(Work(300), tmp_path / "slow.pt")
    ran = run("compare", base, slow, *QUICK)
    assert ran.code == 4, ran.text
    assert "FAIL  slower: new takes " in ran.out
    report = tsharness.compare(slow, base, cases=f"{base}.cases.safetensors", max_time=3, margin=0.5)
    assert report.verdict == "faster" and report.exit_code == 0
    report.raise_for_verdict()


def test_a_limit_of_ones_own(base: Path, tmp_path: Path) -> None:
    slow = scripted(Work(300), tmp_path / "slow.pt")
    assert run("compare", base, slow, "--max-time", "3", "--max-regression", "900%").code == 0
    assert run("compare", base, slow, "--max-time", "3", "--max-regression", "20%").code == 4


def test_other_outputs_are_named(base: Path, tmp_path: Path) -> None:
    ran = run("compare", base, scripted(Other(), tmp_path / "other.pt"), *QUICK)
    assert ran.code == 1, ran.text
    assert 'case "one": output differs in 64 of 64 elements' in ran.out
    assert "FAIL  outputs differ in 1 of 1 cases" in ran.out


ALWAYS = 1 << 40
LATER = [
    pytest.param(Work(100), Counts(3), "in call 4, output differs in 63 of 64 elements: what new ", id="new"),
    pytest.param(
        Counts(3), Work(100), "in call 4, output differs in 63 of 64 elements: what base ", id="base"
    ),
    pytest.param(Counts(ALWAYS), Counts(700), "in call 701, ", id="late, of two that keep state"),
    pytest.param(Counts(ALWAYS, adds=True), Counts(300, adds=True), "in call 301, ", id="both change"),
    pytest.param(Work(100), Counts(5, sly=True), "in call 6, ", id="not always"),
    pytest.param(Random(ALWAYS), Random(400), "in call 401, ", id="random"),
]


@pytest.mark.parametrize(("base", "new", "said"), LATER)
def test_what_stops_computing_is_never_faster(
    base: nn.Module, new: nn.Module, said: str, tmp_path: Path
) -> None:
    one = with_case(scripted(base, tmp_path / "base.pt"), X, X + 1.0)
    ran = run("compare", one, scripted(new, tmp_path / "new.pt"), "--max-time", "2", "--threads", "1")
    assert ran.code == 1 and f'case "one": {said}' in ran.out, ran.text
    assert "FAIL  outputs differ in 1 of 1 cases" in ran.out


@pytest.mark.parametrize(
    ("base", "new"),
    [
        pytest.param(Counts(ALWAYS), Work(100), id="state that outputs do not depend on"),
        pytest.param(Counts(ALWAYS, adds=True), Counts(ALWAYS, adds=True, rounds=10), id="both change alike"),
        pytest.param(Counts(3, adds=True), Counts(3, adds=True), id="both stop at once"),
        pytest.param(Random(ALWAYS), Random(ALWAYS), id="random"),
        pytest.param(Work(0), Writes(), id="one writes into its input"),
    ],
)
def test_the_same_from_call_to_call_is_the_same(base: nn.Module, new: nn.Module, tmp_path: Path) -> None:
    one = with_case(scripted(base, tmp_path / "base.pt"), X, X + 1.0)
    found = tmp_path / "found.json"
    limits = ("--max-time", "2", "--threads", "1", "--max-regression", "900%")
    ran = run("compare", one, scripted(new, tmp_path / "new.pt"), *limits, "--json", found)
    (case,) = written_report(found)["cases"]
    assert ran.code in (0, 3, 4) and not case["differences"] and not case["unproven"], ran.text
    # The first run of each process, and two at least behind its timing.
    assert case["runs_compared"] >= 3 * case_processes(found)


def case_processes(found: Path) -> int:
    return int(written_report(found)["processes"])


def event_of(outputs: list[str], later: list[str], problem: str = "") -> dict[str, Any]:
    """What a process says, as far as its outputs are concerned."""
    return {
        "outputs": [{"name": one, "passed": False, "reason": "differs"} for one in outputs],
        "later": {
            "compared": 3,
            "run": 9 if later else None,
            "calls_per_run": 1,
            "changed": ["new"] if later else [],
            "outputs": [{"name": one, "passed": False, "reason": "differs"} for one in later],
            "problem": problem,
        },
    }


def test_every_process_is_heard() -> None:
    right = event_of([], [])
    assert differences([right, right]) == ()
    assert differences([right, event_of(["a"], ["a"]), right]) == ("a differs (in 1 of 3 processes)",)
    late = "in call 9, b differs: what new gives is not what it gave at first"
    assert differences([right, event_of([], ["b"])]) == (f"{late} (in 1 of 2 processes)",)
    assert differences([event_of([], ["b"]), event_of([], ["b"])]) == (late,)


def test_what_could_not_be_compared_is_no_pass() -> None:
    unknown = event_of([], ["b"], "both change, and base is too slow")
    assert differences([unknown]) == ()
    assert unproven([event_of([], []), unknown]) == "both change, and base is too slow"


def test_options_of_one_side(base: Path, tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    ran = run("compare", base, "--b-threads", "1", "--b-set", "grad_mode=grad", *QUICK, "--json", found)
    assert ran.code in (0, 3, 4), ran.text
    document = written_report(found)
    assert document["base"]["settings"] == {}
    assert document["new"]["settings"] == {"threads": 1, "grad_mode": "grad"}
    assert "grad_mode grad" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "compared with itself"),
        (("--b-threads", "1", "--margin", "wide"), 2, "--margin 'wide'"),
        (("--b-threads", "1", "--margin", "-1"), 2, "above 0"),
        (("--b-threads", "1", "--error-rate", "1"), 2, "error rate"),
        (("--b-threads", "1", "--max-time", "0"), 2, "max_time"),
        (("--b-set", "onednn"), 2, "NAME=VALUE"),
        (("--b-set", "speed=high"), 2, "no setting 'speed'"),
        (("--b-device", "cuda:63"), 8, "cuda:63"),
        (("--b-threads", "1", "--case", "two"), 2, "two"),
    ],
)
def test_what_does_not_fit(base: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    ran = run("compare", base, *arguments)
    assert ran.code == code, ran.text
    assert said in ran.err and "Traceback" not in ran.err


def test_artifacts_that_hurt(base: Path, tmp_path: Path) -> None:
    assert run("compare", base, scripted(SavesWhenCalled(), tmp_path / "saves.pt")).code == 7
    ran = run("compare", base, scripted(Crashes(), tmp_path / "crashes.pt"), *QUICK)
    assert ran.code in (5, 6), ran.text
    (tmp_path / "no.pt").write_bytes(b"no model")
    assert run("compare", base, tmp_path / "no.pt").code == 5
    with pytest.raises(UsageError, match="no cases"):
        tsharness.compare(scripted(Work(1), tmp_path / "bare.pt"), base)


@pytest.mark.parametrize("command", ["compare", "bench"])
def test_an_interrupted_one_says_what_there_is(command: str, base: Path, tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    options = ("--b-threads", "1", "--max-time", "60") if command == "compare" else ("--min-time", "20")
    more = () if command == "compare" else ("--processes", "20")
    with subprocess.Popen(
        [Path(sys.executable).parent / "tsharness", command, base, *options, *more, "--json", found],
        stdout=subprocess.PIPE,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    ) as process:
        time.sleep(8)
        process.send_signal(signal.SIGINT)
        try:
            out, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 130
    assert b"INCOMPLETE  interrupted after " in out
    assert json.loads(found.read_text())["incomplete"]
    assert not running_runners()


def _noise(rng: random.Random, ratio: float, processes: int) -> list[list[tuple[float, float]]]:
    """Blocks of a busy machine: what a pair shares, what a process has of its own, and interruptions."""
    found = []
    for _ in range(processes):
        own = rng.gauss(0, 0.003)
        pairs = []
        for _ in range(60):
            load = 1 + abs(rng.gauss(0, 0.5))
            hit = rng.choice((1 / 5, 5.0)) if rng.random() < 0.1 else 1.0
            base = 1e-3 * load * math.exp(rng.gauss(0, 0.02))
            pairs.append((base * hit, 1e-3 * load * ratio * math.exp(own + rng.gauss(0, 0.02))))
        found.append(pairs)
    return found


@pytest.mark.parametrize(
    ("ratio", "wanted"),
    [(1.0, Change.SAME), (1.05, Change.SLOWER), (1 / 1.05, Change.FASTER)],
)
def test_the_verdict_on_noise(ratio: float, wanted: Change) -> None:
    rng = random.Random(0)
    found = [paired_effect(_noise(rng, ratio, 10), 0.01).change(0.02) for _ in range(200)]
    assert found.count(wanted) >= 190
    assert {Change.FASTER, Change.SLOWER} & set(found) <= {wanted}


def test_the_interval_holds_what_it_says() -> None:
    rng = random.Random(1)
    effects = [paired_effect(_noise(rng, 1.03, 6), 0.05) for _ in range(400)]
    covered = sum(one.low <= 1.03 <= one.high for one in effects)
    assert 360 <= covered <= 398


def test_one_process_tells_nothing() -> None:
    effect = paired_effect([[(1.0, 2.0)] * 100], 0.01)
    assert effect.ratio == 2 and effect.high == math.inf and effect.low == 0
    assert effect.change(0.02) is Change.INCONCLUSIVE
    with pytest.raises(ValueError, match="no pairs"):
        paired_effect([[]], 0.01)


@pytest.mark.parametrize(
    ("low", "ratio", "high", "wanted"),
    [
        (0.99, 1.0, 1.01, Change.SAME),
        (1.005, 1.01, 1.015, Change.SAME),
        (1.01, 1.03, 1.05, Change.SLOWER),
        (0.99, 1.03, 1.07, Change.INCONCLUSIVE),
        (1.001, 1.015, 1.03, Change.INCONCLUSIVE),
        (0.9, 0.95, 0.99, Change.FASTER),
    ],
)
def test_changes(low: float, ratio: float, high: float, wanted: Change) -> None:
    assert Effect(ratio, low, high, (), 0).change(0.02) is wanted


def test_the_step_says_what_it_measured(base: Path) -> None:
    from tsharness.cases.safetensors_file import Location
    from tsharness.runner.find import find_runner
    from tsharness.runner.job import Job
    from tsharness.runner.launch import Launcher

    sides: list[dict[str, Any]] = [{}, {"settings": {"threads": 1}}]
    step = {"step": "ab", "sides": sides, "first": 1, "seconds": 0.05, "min_pairs": 5}
    job = Job(base, (step,), Location(base.with_name("base.pt.cases.safetensors")))
    (event,) = Launcher(find_runner()).run(job, 60).results("ab")
    assert len(event["pairs"]) >= 5 and all(seconds > 0 for pair in event["pairs"] for seconds in pair)
    assert min(event["calls_per_block"]) >= 1
    assert [one["passed"] for one in event["outputs"]] == [True]
    assert event["later"]["compared"] >= 2 and event["later"]["run"] is None


def test_another_dtype_is_another_output(models: Path) -> None:
    ran = run(
        *("compare", models / "linear.pt", "--case", "example", "--max-time", "2"),
        *("--b-set", "dtype=bfloat16"),
    )
    assert ran.code == 1, ran.text
    assert "dtype bfloat16" in ran.out and "different" in ran.out
