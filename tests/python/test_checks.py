"""For every check a model that it catches; and healthy ones that pass them all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, List

import pytest
import torch
from torch import Tensor, nn

from conftest import ROOT, tsharness, verify_json, with_case
from tsharness.cases import Call, Case, CaseFile, write_case_file
from tsharness.exporting import torch_jit
from tsharness.exporting.torch_values import to_value
from tsharness.verification.checks.catalogue import CHECKS
from tsharness.verification.checks.sharing import growth

Export = Callable[..., Path]


class Random(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


class WritesItsInput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.add_(1) * 2


class Counts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return x + 0


class ReturnsItsWeight(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x + self.weight, self.weight[1:]


class ReturnsItsInput(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * 2, x[:1]


class Slow(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        for _ in range(300):
            x = torch.tanh(x @ x)
        return x


class PairsOnly(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.view(-1, 2, 3).sum(1)


class OtherAtFour(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.size(0) == 4 else x * 3


class SubtractsTheMean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


class Scratch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scratch", torch.zeros(64, 64))

    def forward(self, x: Tensor) -> Tensor:
        self.scratch.copy_(x)
        for _ in range(20):
            x = torch.tanh(x @ x)
        return self.scratch + 0 * x


class Hoards(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cache = torch.jit.Attribute([], List[Tensor])

    def forward(self, x: Tensor) -> Tensor:
        self.cache.append(x * 2)
        return x * 2


class AsksForGrad(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if torch.is_grad_enabled() else x * 3


class Denormal(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 1e-40 * 1e38 * 1e2


class Cancels(nn.Module):
    """The sum of these is zero; what comes out is the rounding, which depends on the order."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum()


class RoundingOfLogarithm(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return ((x.log1p().double() - x.double().log1p()) * 1e7).float()


def cancelling() -> Tensor:
    torch.manual_seed(0)
    half = torch.randn(1 << 19) * 1e6
    return torch.cat([half, -half])[torch.randperm(1 << 20)]


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["verdict"] for check in report["checks"]}


def message(report: dict[str, Any], identity: str) -> str:
    return next(check["message"] for check in report["checks"] if check["id"] == identity)


X = torch.linspace(-1, 1, 12).view(4, 3)

CAUGHT: list[tuple[str, nn.Module, Tensor, dict[str, Any], list[str], str]] = [
    ("repeatability", Random(), X, {}, [], "identical calls give different outputs: example"),
    ("inputs-unchanged", WritesItsInput(), X.clone(), {}, [], "writes to its input x"),
    ("aliasing", ReturnsItsWeight(), X, {}, [], "output[1] shares its memory with weight"),
    ("cold-start", Slow(), torch.ones(64, 64), {}, ["--cold-start-limit", "0.0001"], "the limit is 100 µs"),
    ("shapes", PairsOnly(), X, {"dynamic": {"x": {0: "N:2..8"}}}, [], "does not run at N="),
    ("batch", OtherAtFour(), X, {}, [], "with the first row alone, output differs in 3 of 3 elements"),
    ("batch", SubtractsTheMean(), X[:1], {}, [], "with 3 rows at once, output differs"),
    ("grad-mode", AsksForGrad(), X, {}, [], "with grad mode: output differs in 12 of 12 elements"),
    ("precision", Denormal(), X, {}, [], "with denormals flushed to zero: output differs"),
]


@pytest.mark.parametrize(
    ("check", "module", "x", "export", "options", "said"),
    CAUGHT,
    ids=[f"{row[0]}-{type(row[1]).__name__}" for row in CAUGHT],
)
def test_caught(
    check: str,
    module: nn.Module,
    x: Tensor,
    export: dict[str, Any],
    options: list[str],
    said: str,
    artifact: Export,
) -> None:
    path = artifact(module, x, method="script", **export)
    ran, report = verify_json(path, *options)
    assert verdicts(report)[check] == "fail", report["checks"]
    assert said in message(report, check)
    assert ran.code == 1
    assert report["verdict"] == "fail"


def without_sequences(path: Path, module: nn.Module, x: Tensor) -> Path:
    """An artifact whose single calls are recorded as if it kept nothing."""
    scripted = torch_jit.script(module.eval())
    torch_jit.save(scripted, path)
    return with_case(path, x, scripted(x))


def test_state_is_caught(tmp_path: Path) -> None:
    path = without_sequences(tmp_path / "m.pt", Counts(), X)
    ran, report = verify_json(path)
    assert ran.code == 1
    assert "a call changes the module: count" in message(report, "state")


def test_state_that_the_cases_declare_passes(artifact: Export) -> None:
    _, report = verify_json(artifact(Counts(), X, method="script"))
    assert verdicts(report)["state"] == "pass"
    assert "its cases are sequences" in message(report, "state")


def test_a_race_is_caught(tmp_path: Path) -> None:
    path, module = tmp_path / "m.pt", Scratch().eval()
    torch_jit.save(torch_jit.script(module), path)
    inputs = {f"fill-{value}": torch.full((64, 64), float(value)) for value in (1, 2, 3)}
    cases = tuple(Case(name, (Call((to_value(x),), to_value(x)),)) for name, x in inputs.items())
    write_case_file(CaseFile(cases), tmp_path / "m.pt.cases.safetensors")
    ran, report = verify_json(path, "--select", "threads", "--select", "parity")
    assert ran.code == 1
    assert verdicts(report) == {"parity": "pass", "threads": "fail"}
    assert "4 threads on the shared module: output differs" in message(report, "threads")
    assert "clones" not in message(report, "threads")


def test_a_leak_is_caught(tmp_path: Path) -> None:
    x = torch.ones(1000)
    path = without_sequences(tmp_path / "m.pt", Hoards(), x)
    ran, report = verify_json(path, "--select", "memory")
    assert ran.code == 1
    assert "with one shape every call keeps 4." in message(report, "memory")  # 4000 bytes and a header
    ran, report = verify_json(path, "--select", "memory", "--leak-limit", "1MB")
    assert verdicts(report)["memory"] == "pass"


def test_the_order_of_a_sum_is_caught(artifact: Export) -> None:
    check = "thread-count"
    path = artifact(Cancels(), cancelling(), method="script")
    _, report = verify_json(path, "--threads", str(torch.get_num_threads()), "--select", check)
    assert verdicts(report)[check] == "fail", report["checks"]
    assert "output differs in 1 of 1 element" in message(report, check)


def test_another_logarithm_is_caught(artifact: Export) -> None:
    check = "cpu-capability"
    _, report = verify_json(artifact(RoundingOfLogarithm(), torch.linspace(0, 3, 4096)), "--select", check)
    if not report["runner"]["cpu_capability"].startswith("AVX"):
        assert verdicts(report)[check] == "skipped"
        return
    assert verdicts(report)[check] == "fail", report["checks"]
    assert "with DEFAULT instructions: output differs" in message(report, check)


def test_nan_that_only_the_artifact_vouches_for(tmp_path: Path) -> None:
    class Logarithm(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.log()

    torch_jit.save(torch_jit.script(Logarithm()), tmp_path / "m.pt")
    ran, report = verify_json(tmp_path / "m.pt", "--input", "x=float32[4,3]", "--select", "finite")
    assert ran.code == 1
    assert "NaN or infinity from finite inputs: output" in message(report, "finite")
    assert "first made by aten::log (" in message(report, "finite")
    assert f"{Path(__file__).name}:" in message(report, "finite")


def test_nan_that_the_model_gives_too(artifact: Export) -> None:
    class Logarithm(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.log()

    _, report = verify_json(artifact(Logarithm(), X))
    assert verdicts(report)["finite"] == "pass"
    assert "not finite, as the reference" in message(report, "finite")


def test_an_output_that_looks_into_an_input_is_named(artifact: Export) -> None:
    _, report = verify_json(artifact(ReturnsItsInput(), X))
    assert verdicts(report)["aliasing"] == "pass"
    assert "output[1] shares its memory with x" in message(report, "aliasing")


@pytest.mark.parametrize(
    "name", ["linear", "conditional", "script_method", "resnet", "transformer", "silero_vad"]
)
def test_healthy_models_pass_every_check(name: str, models: Path) -> None:
    ran, report = verify_json(models / f"{name}.pt")
    assert ran.code == 0, ran.text
    assert set(verdicts(report).values()) <= {"pass", "skipped"}
    levels = {rule.id for rule in CHECKS if rule.level <= 2} - {"decisions"}  # which --topk asks for
    assert set(verdicts(report)) == levels


def test_levels_and_choice(models: Path) -> None:
    path = models / "linear.pt"
    _, quick = verify_json(path, "--level", "quick")
    assert "threads" not in verdicts(quick) and "calls" in verdicts(quick)
    _, full = verify_json(path, "--level", "full", "--ignore", "memory")
    assert verdicts(full)["device"] in ("pass", "skipped") and "memory" not in verdicts(full)
    _, one = verify_json(path, "--select", "grad-mode")
    assert verdicts(one) == {"grad-mode": "pass"}
    assert one["checks"][0]["seconds"] > 0


def test_no_such_check_or_level(models: Path) -> None:
    ran = tsharness("verify", models / "linear.pt", "--select", "everything")
    assert ran.code == 2 and "there is no check 'everything'; there are: integrity, load" in ran.err
    ran = tsharness("verify", models / "linear.pt", "--level", "huge")
    assert ran.code == 2 and "expected quick, standard or full" in ran.err


def test_checks_need_a_case_that_passes(artifact: Export) -> None:
    _, report = verify_json(artifact(Random(), X, method="script"))
    assert verdicts(report)["threads"] == "skipped"
    assert message(report, "threads") == "no case passed, so there is nothing to compare with"


def test_growth_tells_a_leak_from_noise() -> None:
    flat = growth([(i, 5 + (i * 7) % 3) for i in range(40)])
    assert flat[0] <= 0 <= flat[2]
    leak = growth([(i, 100 * i + (i * 7) % 30) for i in range(40)])
    assert 95 < leak[0] <= leak[1] <= leak[2] < 105
    spike = growth([(i, 10_000 if i == 20 else 0) for i in range(40)])
    assert spike == (0, 0, 0)


def test_the_page_is_made_from_the_catalogue() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    from generate_checks import PAGE, render

    assert PAGE.read_text() == render(), "make docs"


class OnTheCpu(nn.Module):
    """Its device is baked in."""

    def forward(self, x: Tensor) -> Tensor:
        return x @ torch.eye(64, device="cpu")


@pytest.mark.cuda
@pytest.mark.parametrize(("module", "verdict"), [(OnTheCpu(), "fail"), (nn.Tanh(), "pass")])
def test_the_gpu_computes_what_the_cpu_does(module: nn.Module, verdict: str, tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch_jit.save(torch_jit.script(module.eval()), path)
    x = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    with_case(path, x, module(x))
    _, report = verify_json(path, "--select", "parity", "--select", "device")
    assert verdicts(report) == {"parity": "pass", "device": verdict}, report["checks"]
