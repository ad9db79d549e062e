"""What models are made of: each construct goes through export and the C++ runner.

Without postponed annotations, which TorchScript does not read everywhere.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import pytest
import torch
from torch import nn

import tsharness
from tsharness.artifact.archive import embedded_cases
from tsharness.cases.case_file import CaseDocument
from tsharness.exporting.report import ExportReport
from tsharness.verdict import Verdict

X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


@torch.jit.script_if_tracing
def repeated(x: torch.Tensor, limit: torch.Tensor) -> torch.Tensor:
    while bool(x.sum() < limit):
        x = x + 1
    return x


class ScriptIfTracing(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return repeated(x, torch.ones_like(x).sum() * 10)


class Unused(nn.Module):
    @torch.jit.unused
    def debug(self, x: torch.Tensor) -> torch.Tensor:
        return {type(x): x}[torch.Tensor]

    def forward(self, x: torch.Tensor, debug: bool = False) -> torch.Tensor:
        return self.debug(x) if debug else x * 2


class Ignored(nn.Module):
    @torch.jit.ignore
    def helper(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.helper(x) + 1


def doubles(module: nn.Module, args: Tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
    return output * 2


def hooked() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    model[0].register_forward_hook(doubles)
    return model


class Scale(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(features))
        self.register_buffer("offset", torch.ones(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight + self.offset


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.relu(self.first(x)))


class Parameters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.ParameterList(nn.Parameter(torch.rand(4)) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for scale in self.scales:
            x = x * scale
        return x


class Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({"low": nn.Linear(4, 1), "high": nn.Linear(4, 2)})

    def forward(self, x: torch.Tensor) -> Dict[str, torch.Tensor]:
        found: Dict[str, torch.Tensor] = {}
        for name, head in self.heads.items():
            found[name] = head(x)
        return found


class Nested(nn.Module):
    def forward(
        self,
        pair: Tuple[torch.Tensor, List[torch.Tensor]],
        names: Dict[str, torch.Tensor],
    ) -> torch.Tensor:
        return pair[0] + pair[1][0] * names["x"]


class Plain(nn.Module):
    def forward(
        self,
        x: torch.Tensor,
        mode: str = "add",
        times: int = 1,
        mask: Optional[torch.Tensor] = None,
    ) -> torch.Tensor:
        if mask is not None:
            x = x * mask
        return x + times if mode == "add" else x * times


class Pair(NamedTuple):
    low: torch.Tensor
    high: torch.Tensor


class Named(nn.Module):
    def forward(self, x: torch.Tensor) -> Pair:
        return Pair(x - 1, x + 1)


class Complex(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fft.rfft(x)


MODELS: dict[str, tuple[Callable[[], nn.Module], Any, tuple[str, ...]]] = {
    "script_if_tracing": (ScriptIfTracing, X, ("trace", "script")),
    "unused": (Unused, X, ("trace", "script")),
    "ignored": (Ignored, X, ("trace",)),
    "hooks": (hooked, X, ("trace", "script")),
    "sequential": (lambda: nn.Sequential(nn.Linear(4, 4), Scale(4)), X, ("trace", "script")),
    "tied": (Tied, X, ("trace", "script")),
    "parameter_list": (Parameters, X, ("trace", "script")),
    "module_dict": (Heads, X, ("trace", "script")),
    "nested": (Nested, ((X, [X]), {"x": X}), ("script",)),  # a list in a tuple cannot be traced
    "plain": (Plain, tsharness.Inputs(X, mode="mul", times=3, mask=X > 0), ("script",)),
    "named_tuple": (Named, X, ("trace", "script")),
    "complex": (Complex, X, ("trace", "script")),
}


@pytest.mark.parametrize(
    ("name", "method"), [(name, method) for name, entry in MODELS.items() for method in entry[2]]
)
def test_construct(name: str, method: str, tmp_path: Path) -> None:
    make, inputs, _ = MODELS[name]
    report = tsharness.export(make().eval(), inputs, tmp_path / "m.pt", method=method, families="values")
    assert report.verdict is Verdict.PASS
    assert tsharness.verify(tmp_path / "m.pt").verdict is Verdict.PASS


def test_ignored_python_is_found_before_saving(tmp_path: Path) -> None:
    report = tsharness.export(Ignored().eval(), X, tmp_path / "m.pt", families=())
    assert report.method == "trace"
    (refusal,) = report.candidates[1].findings
    assert refusal.code == "TS132" and "Python's helper at `return self.helper(x) + 1`" in refusal.seen


def test_tied_weights_are_stored_once(tmp_path: Path) -> None:
    import zipfile

    tsharness.export(Tied().eval(), X, tmp_path / "m.pt", method="trace", families=())
    with zipfile.ZipFile(tmp_path / "m.pt") as archive:
        assert sum(info.file_size for info in archive.infolist() if "/data/" in info.filename) == 64


def test_a_trace_makes_named_tuples_plain_and_says_so(tmp_path: Path) -> None:
    report = tsharness.export(Named().eval(), X, tmp_path / "m.pt", method="trace", families=())
    assert "TS131" in [found.code for found in report.findings]
    assert isinstance(tsharness.load(tmp_path / "m.pt")(X), tuple)


class Coder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decode(self.encode(x), 1.0)

    @torch.jit.export
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)

    @torch.jit.export
    def decode(self, z: torch.Tensor, gain: float = 2.0) -> torch.Tensor:
        return z @ self.layer.weight * gain


@pytest.mark.parametrize("method", ["trace", "script"])
def test_several_methods(method: str, tmp_path: Path) -> None:
    examples = {
        "example": tsharness.Inputs(X),
        "encode": tsharness.Inputs(X, method="encode"),
        "decode": tsharness.Inputs(X[:, :2], method="decode"),
    }
    path = tmp_path / "m.pt"
    if method == "trace":
        del examples["decode"]  # its float cannot be traced
    report = tsharness.export(Coder().eval(), examples, path, method=method, families="values")
    assert "encode/zeros" in report.cases
    assert set(tsharness.load(path).methods) >= {"forward", "encode"}
    location = embedded_cases(path)
    assert location is not None and set(CaseDocument(location).signature) == {*examples, "forward"} - {
        "example"
    }


def test_a_module_that_is_a_script_already_is_taken_as_it_is(tmp_path: Path) -> None:
    from tsharness.exporting import torch_jit

    scripted = torch_jit.script(Scale(4).eval())
    report = tsharness.export(scripted, X, tmp_path / "m.pt")
    assert (report.method, report.chosen_because) == ("script", "the only one that applies")


def test_frozen_with_several_methods(tmp_path: Path) -> None:
    examples = {"example": tsharness.Inputs(X), "encode": tsharness.Inputs(X, method="encode")}
    report = tsharness.export(
        Coder().eval(), examples, tmp_path / "m.pt", method="script", freeze=True, families=()
    )
    assert report.verdict is Verdict.PASS and report.check is not None
    assert report.check.artifact.parameters == 0


def test_reports_name_what_the_runner_said(tmp_path: Path) -> None:
    report = tsharness.export(Scale(4).eval(), X, tmp_path / "m.pt", families="zeros")
    again = ExportReport.from_dict(report.to_dict())
    assert again == report
    assert again.check is not None and again.check.runner is not None
    assert not again.check.runner.python_libraries


def test_methods_by_name(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    report = tsharness.export(Coder().eval(), X, path, methods={"encode": X}, families=())
    assert report.cases == ("example", "encode") and "encode" in tsharness.load(path).methods
