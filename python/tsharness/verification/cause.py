"""Why a case fails: run it again with one switch of LibTorch changed at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tsharness.findings import finding
from tsharness.report.model import Finding, RunnerInfo
from tsharness.runner.launch import Launcher
from tsharness.runner.process import Hooks
from tsharness.runner.steps import run_steps
from tsharness.runners.resolve import CAPABILITIES
from tsharness.verdict import Verdict
from tsharness.verification.plan import Plan, VerifyOptions
from tsharness.verification.report import CaseResult
from tsharness.verification.run import job_of, run_request

_CALLS = 5  # as many as the profiling executor needs to have optimised


@dataclass(frozen=True)
class Switch:
    """One thing that a server may set."""

    name: str
    what: str
    line: str
    """Of C++, or a variable of the process's environment."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    """Only on this type of device; everywhere if empty."""

    @property
    def alone(self) -> bool:
        """Whether it needs a process of its own: an executor keeps the plans that it has made."""
        return bool(self.environment) or any("executor" in name or "fus" in name for name in self.settings)


SWITCHES: tuple[Switch, ...] = (
    Switch(
        "optimised executor",
        "the graph is interpreted as it was saved",
        "torch::jit::setGraphExecutorOptimize(false);",
        {"optimized_executor": False},
    ),
    Switch(
        "profiling executor",
        "the graph is optimised without profiles",
        "torch::jit::getProfilingMode() = false;",
        {"profiling_executor": False},
    ),
    Switch(
        "tensor-expression fuser",
        "no operators are fused",
        "torch::jit::setTensorExprFuserEnabled(false);",
        {"tensor_expression_fuser": False},
    ),
    Switch(
        "fusion strategy",
        "fused kernels are made for dynamic shapes alone",
        "FusionStrategy dynamic = {{FusionBehavior::DYNAMIC, 1}}; torch::jit::setFusionStrategy(dynamic);",
        {"fusion_strategy": [["DYNAMIC", 1]]},
    ),
    Switch(
        "oneDNN", "oneDNN is not used", "at::globalContext().setUserEnabledMkldnn(false);", {"onednn": False}
    ),
    Switch(
        "MKL",
        "MKL uses no vector instructions that not every processor has",
        "MKL_CBWR=COMPATIBLE",
        environment={"MKL_CBWR": "COMPATIBLE"},
    ),
    Switch("one thread", "one intra-op thread", "at::set_num_threads(1);", {"threads": 1}),
    Switch("two threads", "two intra-op threads", "at::set_num_threads(2);", {"threads": 2}),
    Switch(
        "CPU capability",
        "ATen and oneDNN use the instructions that every processor has",
        "ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41",
        environment=CAPABILITIES["default"],
        device="cpu",
    ),
    Switch(
        "denormals",
        "denormals are flushed to zero",
        "at::globalContext().setFlushDenormal(true);",
        {"flush_denormal": True},
        device="cpu",
    ),
    Switch("grad mode", "autograd records", "at::AutoGradMode grad(true);", {"grad_mode": "grad"}),
    Switch(
        "inference mode",
        "InferenceMode instead of no_grad",
        "c10::InferenceMode guard;",
        {"grad_mode": "inference"},
    ),
    Switch(
        "TF32",
        "full float32 precision in matrix products and convolutions",
        "at::globalContext().setAllowTF32CuBLAS(false); at::globalContext().setAllowTF32CuDNN(false);",
        {"tf32": False},
        device="cuda",
    ),
    Switch(
        "cuDNN",
        "cuDNN is not used",
        "at::globalContext().setUserEnabledCuDNN(false);",
        {"cudnn": False},
        device="cuda",
    ),
    Switch(
        "cuDNN autotune",
        "the fastest algorithm is looked for",
        "at::globalContext().setBenchmarkCuDNN(true);",
        {"cudnn_benchmark": True},
        device="cuda",
    ),
)


@dataclass(frozen=True)
class Cause:
    """What was found of a failing case."""

    case: str
    switches: tuple[Switch, ...]
    """Those with which it passes."""
    tried: int

    @property
    def findings(self) -> tuple[Finding, ...]:
        if not self.switches:
            seen = f"fails alike with each of {self.tried} switches of LibTorch"
            return (finding("TS207", seen, case=self.case),)
        return tuple(
            finding("TS206", f"passes with {s.name} changed: {s.what}", case=self.case, line=s.line)
            for s in self.switches
        )


def smallest_failing(cases: Sequence[CaseResult]) -> CaseResult | None:
    """Of the cases whose failure may depend on a switch, the fastest."""
    failed = [case for case in cases if _may_depend_on_a_switch(case)]
    return min(failed, key=lambda case: sum(case.seconds) / max(1, len(case.seconds)), default=None)


def find_cause(
    plan: Plan,
    options: VerifyOptions,
    case: CaseResult,
    info: RunnerInfo,
    launcher: Launcher,
    hooks: Hooks,
) -> Cause:
    """Runs a failing case with one switch changed at a time."""
    usable = [s for s in SWITCHES if not s.device or info.device.startswith(s.device)]
    together = [switch for switch in usable if not switch.alone]
    groups = [together, *([switch] for switch in usable if switch.alone)]
    hooks = Hooks(on_event=hooks.on_event)
    passing = [s for group in groups for s in _passing(group, plan, options, case.name, launcher, hooks)]
    return Cause(case.name, tuple(switch for switch in SWITCHES if switch in passing), len(usable))


def _may_depend_on_a_switch(case: CaseResult) -> bool:
    if case.error is None:
        return case.verdict is Verdict.FAIL and not case.changed_state
    return case.error.kind in ("execution", "signal")


def _passing(
    group: Sequence[Switch],
    plan: Plan,
    options: VerifyOptions,
    case: str,
    launcher: Launcher,
    hooks: Hooks,
) -> list[Switch]:
    """Those of a group, which share a process, with which the case passes."""
    calls = min(options.calls_of.get(case, options.calls), _CALLS)
    settings: Mapping[str, Any] = group[0].settings if group[0].alone else {}
    steps = [
        run_request(s.name, [case], calls, options, **({} if s.alone else {"settings": dict(s.settings)}))
        for s in group
    ]
    job = job_of(plan, options, steps, settings)
    done = run_steps(job, launcher, options.timeout, hooks, group[0].environment)
    return [s for s in group if any(event["passed"] for event in done.steps[s.name].results)]
