"""What the checks of level standard ask for: few calls, of the cases that show what they look for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from conftest import in_terminal, verify_json
from tsharness.cases import Call, Case, CaseFile, write_case_file
from tsharness.exporting import torch_jit
from tsharness.exporting.torch_values import to_value
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Outcome
from tsharness.runner.process import NO_HOOKS, Hooks
from tsharness.runner.steps import calls_of_step
from tsharness.verdict import Verdict
from tsharness.verification.api import verify_artifact
from tsharness.verification.plan import VerifyOptions
from tsharness.verification.report import VerifyReport

Export = Callable[..., Path]
FAMILIES = ("dims", "values", "layout")


class Asked(Launcher):
    """Keeps the steps that were asked for, and may change what is said of one."""

    def __init__(self) -> None:
        super().__init__(find_runner())
        self.steps: dict[str, Mapping[str, Any]] = {}
        self.grown: dict[str, int] = {}
        """Bytes that calls of a part of the soak seem to keep."""

    def run(
        self,
        job: Job,
        timeout: float,
        hooks: Hooks = NO_HOOKS,
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        self.steps.update({step["id"]: step for step in job.steps if "id" in step})
        outcome = super().run(job, timeout, hooks, environment)
        return dataclasses.replace(outcome, events=tuple(map(self._changed, outcome.events)))

    def _changed(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.grown or event["event"] != "result" or event["step"] != "soak":
            return event
        rounds = range(len(event["heap_bytes"]))
        parts = [
            {**part, "grown_bytes": [self.grown[part["name"]] for _ in rounds]} for part in event["parts"]
        ]
        return {**event, "parts": parts, "heap_bytes": [sum(self.grown.values()) * i for i in rounds]}


class Layers(nn.Module):
    """Takes some milliseconds, whatever the values."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.Linear(256, 256) for _ in range(8)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Decides(Layers):
    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) if bool(x.sum() > 0) else self.layers(2 * x)


class KeepsAfterAnother(nn.Module):
    """Keeps its output where the last call was of another size."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = torch.jit.Attribute([], list[Tensor])
        self.last = 0

    def forward(self, x: Tensor) -> Tensor:
        if x.size(0) != self.last:
            self.kept.append(x * 2)
        self.last = x.size(0)
        return x * 2


class KeepsTheLast(nn.Module):
    """What a small call frees, a large one adds."""

    def __init__(self) -> None:
        super().__init__()
        self.last = torch.zeros(1)

    def forward(self, x: Tensor) -> Tensor:
        self.last = x * 2
        return x * 2


def asked(path: Path, launcher: Asked | None = None) -> tuple[VerifyReport, dict[str, Mapping[str, Any]]]:
    launcher = launcher or Asked()
    report = verify_artifact(path, VerifyOptions(), launcher=launcher)
    launcher.close()
    return report, launcher.steps


def exported(artifact: Export, module: nn.Module, method: str) -> Path:
    torch.manual_seed(0)
    dynamic = {"x": {0: "N:1..256"}}
    x = torch.randn(128, 256)
    return artifact(module.eval(), x, method=method, families=FAMILIES, dynamic=dynamic, train=False)


def test_each_check_asks_for_few_calls(artifact: Export) -> None:
    report, steps = asked(exported(artifact, Layers(), "trace"))
    assert report.verdict is Verdict.PASS, report.checks
    assert calls_of_step(steps["memory"]) <= 36
    assert {len(steps[f"threads:{mode}"]["cases"]) for mode in ("shared", "clones")} <= {2, 3}
    assert steps["batch"]["until_shown"] and len(steps["batch"]["cases"]) <= 3
    elsewhere = [step for step in steps.values() if step["step"] == "run" and step["calls"] == 1]
    for step in elsewhere:
        if step["id"] != "revisit":
            assert calls_of_step(step) == len(step["cases"]) + 1, step
    # The calls of the cases themselves are six passes.
    assert sum(rule.passes for rule in VerifyOptions().checks) < 8


def test_where_no_value_decides_a_case_of_each_form_is_enough(artifact: Export) -> None:
    _, steps = asked(exported(artifact, Layers(), "trace"))
    chosen = steps["grad-mode:grad"]["cases"]
    assert {"N=1"} <= set(chosen)
    assert not {"zeros", "ones", "negative", "large", "sparse"} & set(chosen)
    assert {"zeros", "ones", "large"} & set(steps["precision:denormals flushed to zero"]["cases"])
    assert steps["grad-mode:grad"]["calls_of"] == {chosen[0]: 2}
    names = [steps[f"threads:{mode}"]["cases"] for mode in ("shared", "clones")]
    assert all(len(cases) >= 2 for cases in names)


def test_where_values_decide_cases_of_one_form_are_called(artifact: Export) -> None:
    _, steps = asked(exported(artifact, Decides(), "script"))
    assert {"zeros", "ones", "negative", "large", "sparse"} & set(steps["grad-mode:grad"]["cases"])
    assert len(steps["batch"]["cases"]) == 3


def two_sizes(path: Path, module: nn.Module) -> Path:
    """An artifact whose single calls are recorded as if it kept nothing."""
    scripted = torch_jit.script(module.eval())
    torch_jit.save(scripted, path)
    inputs = {f"size-{size}": torch.ones(size) for size in (1000, 4000)}
    cases = tuple(Case(name, (Call((to_value(x),), to_value(2 * x)),)) for name, x in inputs.items())
    write_case_file(CaseFile(cases), path.with_name(f"{path.name}.cases.safetensors"))
    return path


def memory_of(path: Path) -> tuple[str, str]:
    _, report = verify_json(path, "--select", "memory")
    (check,) = report["checks"]
    return check["verdict"], check["message"]


def test_what_only_another_size_makes_it_keep(tmp_path: Path) -> None:
    verdict, message = memory_of(two_sizes(tmp_path / "m.pt", KeepsAfterAnother()))
    assert verdict == "fail"
    assert message.startswith("with changing shapes every call keeps ") and "thread" not in message


def test_what_one_call_keeps_until_the_next_is_no_leak(tmp_path: Path) -> None:
    verdict, message = memory_of(two_sizes(tmp_path / "m.pt", KeepsTheLast()))
    assert verdict == "pass", message


@pytest.mark.parametrize(
    ("here", "there", "verdict", "said"),
    [
        (0, 2000, Verdict.FAIL, "with a fresh thread a call every call keeps 2.0 kB"),
        (0, 1000, Verdict.PASS, "nothing is kept"),
        (3000, 0, Verdict.FAIL, "with changing shapes every call keeps 1.5 kB"),
        (-50_000, 50_100, Verdict.PASS, "nothing is kept"),
    ],
)
def test_which_way_is_blamed(here: int, there: int, verdict: Verdict, said: str, tmp_path: Path) -> None:
    launcher = Asked()
    launcher.grown = {"changing shapes": here, "a fresh thread a call": there}
    report, _ = asked(two_sizes(tmp_path / "m.pt", KeepsTheLast()), launcher)
    check = next(check for check in report.checks if check.id == "memory")
    assert check.verdict is verdict and said in check.message, check


def test_the_bar_moves_during_the_checks(artifact: Export) -> None:
    path = exported(artifact, Layers(), "trace")
    told = "\n".join(in_terminal(["verify", str(path)], 100, watched=True))
    steps = [line for line in told.replace("\r", "\n").splitlines() if "calls" in line and "━" in line]
    assert any("memory" in line or "threads" in line or "grad-mode" in line for line in steps), told
