"""``tsharness export`` as a user meets it: the command, the choice of a method, families, stages."""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import tsharness
from conftest import ROOT, Ran
from conftest import tsharness as command_line
from tsharness.artifact.archive import embedded_cases
from tsharness.cases.case_file import CaseDocument
from tsharness.errors import ExportError, UsageError
from tsharness.exporting.choice import choose, without_circles
from tsharness.exporting.graph import frame_of
from tsharness.exporting.ranges import heard_ranges
from tsharness.exporting.report import CandidateResult, ExportReport
from tsharness.findings import RULES, finding
from tsharness.report.model import Finding
from tsharness.verdict import ExitCode, Verdict

MODELS = """
import torch
import tsharness


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.layer(x)


def make():
    return Net(), torch.ones(3, 4)


def make_inputs():
    return {"one": tsharness.Inputs(torch.ones(1, 4)), "two": tsharness.Inputs(x=torch.zeros(2, 4))}


def function(x):
    return x * 2


tuples = {"one": (torch.ones(1, 4),), "two": (torch.ones(2, 4),)}
net = Net()
text = "no model"


def broken():
    return 1 / 0


class Raises(torch.nn.Module):
    def forward(self, x):
        return helper(x)


def helper(x):
    raise ValueError("not today")


def raises():
    return Raises(), torch.ones(1)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "nets.py"
    path.write_text(MODELS)
    return path


def document(path: Path) -> CaseDocument:
    location = embedded_cases(path)
    assert location is not None
    return CaseDocument(location)


def names(path: Path) -> list[str]:
    return [summary.name for summary in document(path).summaries]


# --- the command ---


@pytest.mark.parametrize(
    ("reference", "options"),
    [
        ("nets.py:make", ()),
        ("nets:make", ()),
        ("nets.py:Net", ("--inputs", "nets.py:make_inputs")),
        ("nets.py:net", ("--input", "x=float32[N,4]", "--dim", "N=1,5")),
    ],
)
def test_ways_to_name_a_model_and_its_inputs(
    reference: str, options: tuple[str, ...], source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "m.pt"
    ran = command_line("export", reference, "-o", target, *options, cwd=source.parent)
    assert ran.code == 0, ran.text
    assert f"PASS  {target} written" in ran.out
    assert command_line("verify", target, "-q").code == 0


def test_several_examples_are_cases(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "m.pt"
    options = ("--inputs", f"{source}:make_inputs", "--families", "zeros")
    assert command_line("export", f"{source}:net", "-o", target, *options).code == 0
    assert names(target) == ["one", "two", "zeros"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nets.py:net",), "gives no example inputs"),
        (("nets.py:nothing",), "nets.py has no 'nothing'; it has: Net, make"),
        (("nets.py:text",), "is a str: expected a torch.nn.Module"),
        (("no_such.py:x",), "does not exist"),
        (("no_such_module:x",), "there is no module 'no_such_module'"),
        (("nets.py",), "expected MODULE:NAME"),
        (("nets.py:function",), "takes arguments (x): expected a model, or what makes one without any"),
        (("nets.py:net", "--inputs", "nets.py:tuples"), 'several examples are {"one": tsharness.Inputs(...)'),
        (("nets.py:make", "--fixed", "y"), "fixed: no input is named 'y'; there are: x"),
        (("nets.py:make", "--method", "guess"), "one of auto, trace, script"),
        (("nets.py:make", "--dynamic", "y=N,*"), "no tensor among the inputs is named 'y'; there are: x"),
        (("nets.py:make", "--dynamic", "x=*,*,N"), "x has 2 dims"),
        (("nets.py:make", "--dynamic", "x=N:3..1"), "the range is empty"),
        (("nets.py:make", "--max-case-bytes", "lots"), "--max-case-bytes 'lots'"),
        (("nets.py:make", "--dtype", "int8"), "one of float16, bfloat16"),
    ],
)
def test_what_the_command_does_not_take(arguments: tuple[str, ...], message: str, source: Path) -> None:
    ran = command_line("export", *arguments, "-o", "m.pt", cwd=source.parent)
    assert ran.code == 2, ran.text
    assert message in ran.err and "Traceback" not in ran.err
    assert sorted(path.name for path in source.parent.iterdir() if path.suffix == ".pt") == []


def test_a_factory_that_raises_shows_the_users_frames_alone(source: Path, tmp_path: Path) -> None:
    ran = command_line("export", f"{source}:broken", "-o", tmp_path / "m.pt")
    assert ran.code == 1
    assert "ZeroDivisionError" in ran.err and "in broken" in ran.err
    assert "/tsharness/" not in ran.err and "importlib" not in ran.err


def test_a_model_that_raises_shows_the_users_frames_alone(source: Path, tmp_path: Path) -> None:
    ran = command_line("export", f"{source}:raises", "-o", tmp_path / "m.pt")
    assert ran.code == 1
    assert "the model fails on the inputs of 'example'" in ran.err
    assert "in helper" in ran.err and "not today" in ran.err
    assert "/tsharness/exporting" not in ran.err and "_call_impl" not in ran.err.partition("nets.py")[0]
    assert list(tmp_path.iterdir()) == []


# --- the choice of a method ---


def export_example(reference: str, tmp_path: Path, *options: str) -> tuple[Ran, ExportReport]:
    target = tmp_path / "m.pt"
    report = tmp_path / "report.json"
    ran = command_line("export", ROOT / "examples" / reference, "-o", target, "--json", report, *options)
    return ran, ExportReport.from_dict(json.loads(report.read_text()))


def test_the_conditional_model_is_scripted_and_the_trace_s_failure_shown(tmp_path: Path) -> None:
    ran, report = export_example("conditional.py:on_tensor", tmp_path)
    assert ran.code == 0, ran.text
    assert report.method == "script" and "trace is wrong on" in report.chosen_because
    assert 'case "condition=False": output differs' in ran.out
    assert (
        "TS101 a branch was baked into the trace: `if condition:` (conditional.py:21), which was True"
        in ran.out
    )
    trace, script = report.candidates
    assert (trace.verdict, script.verdict) == (Verdict.FAIL, Verdict.PASS)
    assert ExportReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_a_bool_argument_leaves_the_script(tmp_path: Path) -> None:
    _, report = export_example("conditional.py:on_bool", tmp_path, "--families", "none")
    assert report.method == "script" and "cannot be traced" in report.candidates[0].reason


def test_a_trace_that_follows_everything_is_chosen(tmp_path: Path) -> None:
    _, report = export_example("linear.py:make", tmp_path, "--families", "none")
    assert report.method == "trace"
    assert [candidate.verdict for candidate in report.candidates] == [Verdict.PASS] * 2


def test_a_script_that_keeps_what_the_trace_bakes_is_chosen(tmp_path: Path) -> None:
    _, report = export_example("transformer.py:make", tmp_path, "--families", "none")
    assert report.method == "script" and "the trace has TS111: a device was baked in" in report.chosen_because


class OverRows(torch.nn.Module):
    """The tracer says nothing of range() over a size."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x[i] * 2 for i in range(x.size(0))])


def test_a_loop_over_a_size_is_heard(tmp_path: Path) -> None:
    report = tsharness.export(OverRows().eval(), torch.ones(2, 3), tmp_path / "m.pt", families=())
    assert report.method == "script" and "the trace has TS193" in report.chosen_because
    (found,) = [f for f in report.candidates[0].findings if f.code == "TS193"]
    assert found.where is not None and found.where.startswith("test_export.py:")


def test_ranges_stay_ranges() -> None:
    before, heard = range, []
    with heard_ranges(heard.append):
        assert list(range(2)) == [0, 1] and type(range(2)) is before
        assert isinstance(before(2), range) and not isinstance(2, range) and issubclass(before, range)
        assert list(range(torch.tensor(3))) == [0, 1, 2]
    assert range is before and len(heard) == 1


def test_an_argument_that_the_model_has_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no argument 'y'; it has: x"):
        tsharness.export(OverRows(), {"y": torch.ones(2, 3)}, tmp_path / "m.pt")
    with pytest.raises(UsageError, match="no method 'embed'; it has: forward"):
        tsharness.export(OverRows(), torch.ones(2), tmp_path / "m.pt", methods={"embed": torch.ones(2)})


def _candidate(method: str, verdict: Verdict, *findings: Finding) -> CandidateResult:
    return CandidateResult(method, None, verdict, 1, 1, "", findings, None)


def test_findings_are_compared_by_place() -> None:
    """The script makes something on a device, too, elsewhere."""
    trace = _candidate(
        "trace", Verdict.PASS, finding("TS111", "cpu: a (m.py:3)", where="m.py:3", device="cpu")
    )
    elsewhere = finding("TS111", "cpu: b (m.py:9)", where="m.py:9", device="cpu")
    assert choose([trace, _candidate("script", Verdict.PASS, elsewhere)])[0].method == "script"
    assert choose([trace, _candidate("script", Verdict.PASS, *trace.findings)])[0].method == "trace"


def test_no_advice_leads_in_a_circle() -> None:
    codes = [code for code, rule in RULES.items() if "export with method" in rule.do]
    assert {"TS101", "TS102", "TS193", "TS199"} <= set(codes)
    for trace, script in (
        (Verdict.FAIL, Verdict.ERROR),
        (Verdict.FAIL, Verdict.PASS),
        (Verdict.PASS, Verdict.ERROR),
    ):
        found = [finding(code, "seen") for code in codes]
        cleared = without_circles([_candidate("trace", trace, *found), _candidate("script", script, *found)])
        told = "\n".join(one.do for result in cleared for one in result.findings)
        assert ("method trace" in told) == (trace is Verdict.PASS), told
        assert ("method script" in told) == (script is Verdict.PASS), told
        assert all(one.do for result in cleared for one in result.findings)


def test_places_are_the_users_own() -> None:
    """Decorators of installed libraries stand between torch and the model, and nobody can mend them."""
    installed = f"{sysconfig.get_path('purelib')}/helper/wrap.py"
    standard = f"{sysconfig.get_path('stdlib')}/contextlib.py"
    frames = (
        f"{torch.__file__}(3): f\n{standard}(81): inner\n{installed}(7): call\n/own/model.py(12): forward\n"
    )
    assert frame_of(frames) == ("/own/model.py", 12)
    assert frame_of(f"{standard}(81): inner\n{installed}(7): forward\n") == (installed, 7)
    assert frame_of(f"{standard}(81): inner\n<eval_with_key>.3(5): forward\n") is None


class Unscriptable(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + len({"a": x}.__class__.__name__)


def test_if_script_cannot_the_trace_is_taken_and_the_line_named(tmp_path: Path) -> None:
    report = tsharness.export(Unscriptable().eval(), torch.ones(2), tmp_path / "m.pt", families=())
    assert report.method == "trace"
    (refusal,) = [f for f in report.candidates[1].findings if f.code.startswith("TS1")]
    assert refusal.where is not None and refusal.where.startswith("test_export.py:")


class Neither(torch.nn.Module):
    """The trace bakes the branch, and the script does not take the lambda."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        double = lambda y: y * 2  # noqa: E731
        return double(x) if x.sum() > 0 else x


def test_if_neither_is_right_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        tsharness.export(Neither(), torch.ones(2), tmp_path / "m.pt")
    assert "negative" in str(caught.value) and "nothing was written" in str(caught.value)
    assert caught.value.report is not None and caught.value.report.exit_code is ExitCode.FAILED
    assert list(tmp_path.iterdir()) == []


def test_force_writes_it_with_the_verdict_inside(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    report = tsharness.export(Neither(), torch.ones(2), path, force=True)
    assert report.forced and report.verdict is Verdict.FAIL
    assert document(path).provenance["self_check"]["verdict"] == "fail"
    ran = command_line("verify", path, "--case", "example")
    assert ran.code == 0 and "TS205" in ran.out


class Alternates(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sign", torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.sign *= -1
        return x * self.sign


def test_a_model_with_state_is_compared_call_by_call(tmp_path: Path) -> None:
    model = Alternates()
    tsharness.export(model, torch.ones(2), tmp_path / "m.pt", families="zeros")
    assert [summary.calls for summary in document(tmp_path / "m.pt").summaries] == [2, 2]
    assert model.sign.item() == 1


# --- families ---


class Anything(torch.nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return x * mask[:, None, None, None]


def test_families_of_an_image_with_a_mask(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    x, mask = torch.randn(3, 2, 5, 6), torch.ones(3, dtype=torch.bool)
    dynamic = {"x": {0: "N:0..8", 2: "H:1..64/2"}, "mask": {0: "N"}}
    tsharness.export(Anything(), (x, mask), path, dynamic=dynamic)
    dims = ["N=0", "N=1", "N=2", "N=4", "N=8", "H=1", "H=3", "H=7", "H=64"]
    values = ["zeros", "ones", "negative", "large", "equal", "sparse"]
    assert names(path) == ["example", *dims, *values, "strided", "channels_last"]
    cases = {case.name: case for case in document(path).cases()}
    assert cases["N=0"].calls[0].args[0].shape == (0, 2, 5, 6)
    assert cases["N=8"].calls[0].args[1].shape == (8,)
    assert cases["channels_last"].calls[0].args[0].strides == (60, 1, 12, 2)
    assert cases["strided"].calls[0].args[0].strides is not None


def test_declared_dims_stand_in_the_signature(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    x, mask = torch.randn(3, 2, 5, 6), torch.ones(3, dtype=torch.bool)
    dynamic = {"x": {0: "N:1..8", 3: "W"}, "mask": {0: "N"}}
    tsharness.export(Anything(), (x, mask), path, dynamic=dynamic, families="dims")
    forward = document(path).signature["forward"]
    assert forward["arguments"][0]["dims"] == ["N", 2, 5, "W"]
    assert forward["arguments"][1]["dims"] == ["N"]
    assert forward["symbols"]["N"] == {"min": 1, "max": 8, "sizes": [1, 2, 3, 4, 8]}


class Flags(torch.nn.Module):
    def forward(self, x: torch.Tensor, double: bool, times: int, on: torch.Tensor) -> torch.Tensor:
        y = x * 2 if double else x
        if on:
            y = y + 1
        return y * times


def test_flags_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    inputs = (torch.ones(2), True, 3, torch.tensor(False))
    tsharness.export(Flags(), inputs, path, families="flags")
    assert names(path) == ["example", "double=False", "times=0", "times=1", "times=-1", "on=True"]


class Even(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(-1, 2).sum(1)


def test_a_family_on_which_the_model_fails_is_left_out_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    report = tsharness.export(Even(), torch.ones(4), path, dynamic={"x": {0: "N"}}, families="dims")
    assert [family.name for family in report.dropped] == ["N=1", "N=3", "N=5", "N=9"]
    (note,) = [f for f in report.findings if f.code == "TS152"]
    assert "N=1, N=3" in note.seen


def test_the_bound_on_bytes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    x = torch.ones(100)
    report = tsharness.export(torch.nn.ReLU(), x, path, families="values", max_case_bytes=2000)
    assert names(path) == ["example", "zeros"]  # 800 bytes each, inputs and outputs
    assert [family.name for family in report.dropped] == ["ones", "negative", "large", "equal", "sparse"]
    assert any(f.code == "TS151" for f in report.findings)


def test_families_are_the_same_every_time(tmp_path: Path) -> None:
    paths = [tmp_path / "a.pt", tmp_path / "b.pt"]
    for path in paths:
        tsharness.export(torch.nn.ReLU(), torch.randn(20, generator=torch.Generator().manual_seed(1)), path)
    first, second = ({c.name: c.calls for c in document(path).cases()} for path in paths)
    assert first == second and "sparse" in first


# --- stages ---


def test_stages_table(tmp_path: Path) -> None:
    ran, report = export_example("linear.py:make", tmp_path, "--stages", "--freeze", "--families", "none")
    assert ran.code == 0, ran.text
    assert [stage.name for stage in report.stages] == ["traced", "frozen", "saved and reloaded", "C++ runner"]
    assert document(tmp_path / "m.pt").provenance["frozen"] is True


class Cancels(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(64, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x * 100) - self.layer(x * 100 + 0.01)


def test_the_stage_that_moved_the_outputs_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="refused: cast to bfloat16") as caught:
        tsharness.export(Cancels(), torch.randn(4, 64), tmp_path / "m.pt", dtype="bfloat16", families=())
    assert caught.value.report is not None
    assert caught.value.report.stages[0].verdict is Verdict.FAIL
    assert list(tmp_path.iterdir()) == []


def test_a_cast_that_is_within_its_tolerance(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    options: dict[str, Any] = {"dtype": "float16", "rtol": 1e-2, "atol": 1e-2, "families": "zeros"}
    report = tsharness.export(torch.nn.Linear(8, 4), torch.randn(2, 8), path, **options)
    assert report.verdict is Verdict.PASS
    (case, _) = document(path).cases()
    assert case.calls[0].args[0].dtype == "float16" and case.calls[0].outputs.dtype == "float16"
    assert case.tolerance == {"rtol": 1e-2, "atol": 1e-2}


class Convolution(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(x))


def test_an_optimisation_that_cannot_be_loaded_again_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    ran = command_line(
        "export", f"{Path(__file__)}:Convolution", "--input", "x=float32[1,3,16,16]", "-o", path,
        "--optimize-for-inference", "--families", "none", "--force",
        cwd=Path(__file__).parent,
    )  # fmt: skip
    assert ran.code == 1, ran.text
    assert "refused: saved and reloaded: the optimised module" in ran.out
    assert not path.exists()  # it is not what was asked for, so --force does not write it


# --- nothing is disturbed ---


class Busy(torch.nn.Module):
    """Changes whatever a model can change."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.norm = torch.nn.Dropout(), torch.nn.BatchNorm1d(4)
        self.history: list[int] = []
        self.count = 0
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        self.history.append(self.count)
        self.seen += 1
        self.last = x
        return self.norm(self.drop(x))


def weight_normed(width: int) -> torch.nn.Module:
    """A module that copy.deepcopy refuses once it has run."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.nn.utils.weight_norm(torch.nn.Linear(width, width))


@pytest.mark.parametrize("train", [False, True])
def test_the_user_s_process_is_left_as_it_was(train: bool, tmp_path: Path) -> None:
    import random
    import warnings

    model = torch.nn.Sequential(Busy(), weight_normed(4)).train()
    model[1].eval()
    calls: list[int] = []
    model.register_forward_hook(lambda *_: calls.append(1))
    model(torch.ones(2, 4)).sum().backward()
    tensors = {name: t.clone() for name, t in model.state_dict().items()}
    grads = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    plain = (model[0].count, list(model[0].history), model[0].last)
    torch.manual_seed(5), random.seed(5)
    expected = (torch.rand(1), random.random())
    torch.manual_seed(5), random.seed(5)
    filters = list(warnings.filters)
    with torch.enable_grad():
        tsharness.export(model, torch.ones(2, 4), tmp_path / "m.pt", method="trace", force=True, train=train)
        assert torch.is_grad_enabled()
    assert (torch.rand(1), random.random()) == expected
    assert warnings.filters == filters
    assert model.training and model[0].training and not model[1].training
    assert all(torch.equal(t, tensors[name]) for name, t in model.state_dict().items())
    assert {name: p.grad.tolist() for name, p in model.named_parameters() if p.grad is not None} == {
        name: grad.tolist() for name, grad in grads.items()
    }
    assert (model[0].count, model[0].history, model[0].last) == plain
    assert len(model._forward_hooks) == 1
    assert torch.get_default_dtype() is torch.float32


def test_other_warnings_still_reach_the_user(tmp_path: Path) -> None:
    import warnings

    class Warns(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            warnings.warn("mind the gap", UserWarning, stacklevel=1)
            return x + 1

    with pytest.warns(UserWarning, match="mind the gap"):
        tsharness.export(Warns(), torch.ones(1), tmp_path / "m.pt", method="trace", families=())


@pytest.mark.cuda
def test_export_to_cuda(tmp_path: Path, models: Callable[..., Path]) -> None:
    path = tmp_path / "m.pt"
    report = tsharness.export(Convolution(), torch.randn(1, 3, 16, 16), path, device="cuda", families="zeros")
    assert report.verdict is Verdict.PASS
    assert command_line("verify", path, "--device", "cuda").code == 0


def test_usage_errors_of_the_api(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="max_case_bytes"):
        tsharness.export(torch.nn.ReLU(), torch.ones(1), tmp_path / "m.pt", max_case_bytes=-1)
    with pytest.raises(UsageError, match="two ranges"):
        dynamic = {"input": {0: "N:1..2", 1: "N:1..3"}}
        tsharness.export(torch.nn.ReLU(), torch.ones(1, 1), tmp_path / "m.pt", dynamic=dynamic)


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_a_lazy_module_is_said_to_be_one(tmp_path: Path) -> None:
    model = torch.nn.LazyLinear(2)
    with pytest.raises(UsageError, match="run the model once, then export"):
        tsharness.export(model, torch.ones(1, 3), tmp_path / "m.pt")


class ReturnsASet(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> set[int]:
        return {len(x)}


def test_an_output_that_torchscript_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        tsharness.export(ReturnsASet(), torch.ones(2), tmp_path / "m.pt")
    assert "TS131" in str(caught.value) and "ReturnsASet.forward (test_export.py:" in str(caught.value)
    assert caught.value.exit_code == 1
