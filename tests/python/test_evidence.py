"""A pass is evidence: nothing that could not have failed makes one, and calls are made as users make them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from conftest import tsharness, verify_json, with_case
from tsharness.cases import Call, Case, CaseFile, write_case_file
from tsharness.exporting import torch_jit
from tsharness.exporting.torch_values import to_value

QUICK = ("--level", "quick")


class Scaled(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class NoValues(nn.Module):
    def forward(self, x: Tensor) -> list[Tensor]:
        nothing: list[Tensor] = []
        return nothing


class NoElements(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:0], x[:, :0]


class OnlyNone(nn.Module):
    def forward(self, x: Tensor) -> Tensor | None:
        if float(x.sum()) > 1e9:
            return x
        return None


class Partly(nn.Module):
    """Of two outputs, one is too small to be judged."""

    def __init__(self, factor: float = 1e-12) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x + 1, x * self.factor


def scripted(module: nn.Module, path: Path) -> Path:
    torch_jit.save(torch_jit.script(module.eval()), path)
    return path


@pytest.mark.parametrize("module", [NoValues(), NoElements(), OnlyNone()], ids=lambda m: type(m).__name__)
def test_nothing_compared_is_no_pass(module: nn.Module, tmp_path: Path) -> None:
    path = scripted(module, tmp_path / "model.pt")
    ran, report = verify_json(path, *QUICK, "--input", "x=float32[3,4]")
    assert ran.code == 3 and report["verdict"] == "inconclusive", ran.text
    assert "its outputs hold no value, so nothing was compared" in ran.text and "--input" in ran.text


X = torch.rand(4) + 1


def tiny(path: Path, factor: float) -> Path:
    return with_case(scripted(Scaled(factor), path), X, X * 1e-12)


def test_what_zeros_would_pass_too_is_no_pass(tmp_path: Path) -> None:
    wrong = tiny(tmp_path / "wrong.pt", -3e-12)
    ran = tsharness("verify", wrong, *QUICK)
    assert ran.code == 3 and "zeros would have passed as well" in ran.text, ran.text
    advice = next(line for line in ran.out.splitlines() if "--atol" in line)
    stated = advice.split("--atol ")[1].split(",")[0]
    assert tsharness("verify", wrong, *QUICK, "--atol", stated).code == 1
    assert tsharness("verify", tiny(tmp_path / "right.pt", 1e-12), *QUICK, "--atol", stated).code == 0


def test_equal_values_are_evidence_whatever_their_size(tmp_path: Path) -> None:
    path = scripted(Scaled(1e-12), tmp_path / "model.pt")
    ran = tsharness("verify", path, *QUICK, "--input", "x=float32[4]")
    assert ran.code == 0 and "every value equal" in ran.text


class Fades(nn.Module):
    """Gives less at every call, and soon too little to be judged."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        self.scale.mul_(1e-9)
        return x * self.scale * 1e9


def test_a_sequence_shows_something_if_one_of_its_calls_does(tmp_path: Path) -> None:
    path = scripted(Fades(), tmp_path / "model.pt")
    calls = tuple(Call((to_value(X),), to_value(X * scale * (1 + 3e-7))) for scale in (1, 1e-9))
    for first, code in ((0, 0), (1, 3)):
        module = Fades()
        module.scale.fill_(1e-9**first)
        torch_jit.save(torch_jit.script(module), path)
        case = Case("one", calls[first:])
        write_case_file(CaseFile((case,)), tmp_path / "model.pt.cases.safetensors")
        ran = tsharness("verify", path, *QUICK, "--ignore", "state", "--ignore", "repeatability")
        assert ran.code == code, ran.text


@pytest.mark.parametrize("stated", [("--atol", "9"), ("--accept", "max_abs<=9")])
def test_a_tolerance_of_the_users_that_takes_anything(stated: tuple[str, ...], tmp_path: Path) -> None:
    path = with_case(scripted(Scaled(1.5), tmp_path / "model.pt"), X, X)
    assert tsharness("verify", path, *QUICK).code == 1
    assert tsharness("verify", path, *QUICK, *stated).code == 3


def test_a_part_that_shows_nothing_is_named_in_the_verdict(tmp_path: Path) -> None:
    path = scripted(Partly(-3e-12), tmp_path / "model.pt")
    calls = (Call((to_value(X),), to_value((X + 1, X * 1e-12))),)
    write_case_file(CaseFile((Case("one", calls),)), tmp_path / "model.pt.cases.safetensors")
    ran = tsharness("verify", path, *QUICK)
    assert ran.code == 0, ran.text
    assert "no case shows output[1]" in ran.out.splitlines()[-1]


class Force(nn.Module):
    """Calls autograd, as interatomic potentials do."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, pos: Tensor) -> tuple[Tensor, Tensor]:
        at = pos.clone().requires_grad_(True)
        energy = self.layers(at).sum()
        grad = torch.autograd.grad([energy], [at])[0]
        assert grad is not None
        return energy, -grad


FORCE = ("--input", "pos=float32[5,3]")


def test_what_calls_autograd_runs_in_every_command(tmp_path: Path) -> None:
    path = scripted(Force(), tmp_path / "force.pt")
    ran, report = verify_json(path, *FORCE)
    assert ran.code == 0, ran.text
    assert report["artifact"]["facts"]["autograd"] is True
    assert "TS210" in ran.text and "with gradients" in ran.text
    assert "InferenceMode is not for it" in ran.text
    packed = tmp_path / "packed.pt"
    assert tsharness("pack", path, *FORCE, "-o", packed).code == 0
    copy = shutil.copy(packed, tmp_path / "copy.pt")
    for command in (
        ("bench", packed, "--max-time", "1", "--against", "python"),
        ("compare", packed, copy, "--max-time", "1"),
    ):
        done = tsharness(*command)
        assert done.code in (0, 3) and "does not require grad" not in done.text, done.text


def test_the_eager_model_that_calls_autograd_is_exported(tmp_path: Path) -> None:
    source = Path(__file__).read_text()
    (tmp_path / "force.py").write_text(
        "from typing import Tuple\nimport torch\nfrom torch import Tensor, nn\n\n"
        + source[source.index("class Force(") : source.index("FORCE =")]
        + "\ndef make():\n    return Force(), (torch.rand(5, 3),)\n"
    )
    asked = ("force.py:make", "-o", "force.pt")
    ran = tsharness("export", *asked, cwd=tmp_path)
    assert ran.code == 0, ran.text
    ran = tsharness("verify", "force.pt", "--reference", "force.py:make", cwd=tmp_path)
    assert ran.code in (0, 1) and "does not require grad" not in ran.text, ran.text


def before(self: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    return (inputs[0] * 2,)


def after(self: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    return output + inputs[0].sum()


class Hooked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


@pytest.mark.parametrize("hooks", ["before", "after", "both"])
def test_hooks_of_the_module_itself_run(hooks: str, tmp_path: Path) -> None:
    module = Hooked()
    if hooks != "after":
        module.register_forward_pre_hook(before)
    if hooks != "before":
        module.register_forward_hook(after)
    path = scripted(module, tmp_path / "hooked.pt")
    ran, report = verify_json(path, *QUICK, "--input", "x=float32[2,6]")
    assert ran.code == 0, ran.text
    assert report["artifact"]["facts"]["hooks"] == (2 if hooks == "both" else 1)
    assert "TS211" in ran.text and "torch::jit::Module::forward" in ran.text
    x = torch.rand(2, 6)
    # What the module gives in Python, hooks included, is what must come.
    assert tsharness("verify", with_case(path, x, torch_jit.load(path)(x)), *QUICK).code == 0
    without = with_case(path, x, torch_jit.load(path).linear(x))
    assert tsharness("verify", without, *QUICK).code == 1


class Rarely(nn.Module):
    """Draws a random number that decides, and others behind the branch."""

    def forward(self, x: Tensor) -> Tensor:
        if float(torch.rand(1)) < 0.0:
            return x + torch.randn_like(x)
        return x * 2


class Dropping(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, 0.5, self.training)


def test_random_numbers_behind_a_branch_are_mentioned_where_none_fired(tmp_path: Path) -> None:
    path = scripted(Rarely(), tmp_path / "model.pt")
    ran, report = verify_json(path, *QUICK, "--input", "x=float32[3,4]")
    assert ran.code == 0 and report["verdict"] == "pass"
    seen = [one["seen"] for one in report["findings"] if one["code"] == "TS345"]
    assert len(seen) == 2 and "aten::rand " in seen[0] and "aten::randn_like" in seen[1], report["findings"]


def test_dropout_in_eval_mode_is_nothing_to_mention(tmp_path: Path) -> None:
    path = scripted(Dropping(), tmp_path / "model.pt")
    _, report = verify_json(path, *QUICK, "--input", "x=float32[3,4]")
    assert not report["findings"]


class Logarithm(nn.Module):
    """NaN for negative numbers, and in grad mode zero: other kernels, another answer to what has none."""

    def __init__(self, off: float) -> None:
        super().__init__()
        self.off = off

    def forward(self, x: Tensor) -> Tensor:
        y = torch.log(x)
        return torch.nan_to_num(y) + self.off if torch.is_grad_enabled() else y


@pytest.mark.parametrize(("off", "code"), [(0.0, 0), (0.1, 1)], ids=["alike", "wrong"])
def test_what_is_not_finite_is_not_compared_with_another_environment(
    off: float, code: int, tmp_path: Path
) -> None:
    path, cases = scripted(Logarithm(off), tmp_path / "model.pt"), tmp_path / "cases.safetensors"
    pairs = {"finite": X, "negative": -X}
    recorded = tuple(
        Case(name, (Call((to_value(x),), to_value(torch.log(x))),), origin="eager")
        for name, x in pairs.items()
    )
    write_case_file(CaseFile(recorded), cases)
    ran = tsharness("verify", path, "--cases", cases, "--select", "grad-mode")
    assert ran.code == code, ran.text
