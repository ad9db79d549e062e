"""Artifacts without cases: what is asked for, and ``--input``."""

from __future__ import annotations

import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Dict

import pytest
import torch

import lint_models
from conftest import tsharness, verify_json
from corpus import rewrite, small
from tsharness.cases.input_spec import expand, parse_dim, parse_input
from tsharness.cases.specs import InputCase, ListSpec, ScalarSpec, TensorSpec
from tsharness.errors import UsageError
from tsharness.exporting import torch_jit


class Scaled(torch.nn.Module):
    def forward(self, x: torch.Tensor, sr: int, loud: bool = False) -> torch.Tensor:
        y = x * sr
        return y + 1 if loud else y


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "bare.pt"
    torch_jit.save(torch_jit.script(Scaled()), path)
    return path


class TakesADict(torch.nn.Module):
    def forward(self, features: Dict[int, torch.Tensor], scale: float) -> torch.Tensor:
        return features[3] * scale


def test_where_no_inputs_are_found_the_next_step_is_named(tmp_path: Path) -> None:
    torch_jit.save(torch_jit.script(TakesADict()), tmp_path / "m.pt")
    ran = tsharness("verify", tmp_path / "m.pt")
    assert ran.code == 2
    assert "features is a Dict[int, Tensor], of which nothing is known" in ran.err
    assert "Dict(int, Tensor) features, float scale) -> Tensor" in ran.err
    assert "tsharness pack" in ran.err and "--inputs FILE.py:NAME" in ran.err and "--cases" in ran.err


class Convolution(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(5, 4, 3)
        self.table = torch.nn.Embedding(50, 4)

    def forward(self, image: torch.Tensor, index: torch.Tensor, loud: bool = False) -> torch.Tensor:
        return self.first(image).mean((2, 3)) + self.table(index).mean(1)


class Signal(torch.nn.Module):
    """A channel dim is added before the convolution, as audio models do."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv1d(1, 4, 5)
        self.cell = torch.nn.GRU(4, 6, batch_first=True)

    def forward(self, wave: torch.Tensor) -> torch.Tensor:
        return self.cell(self.first(wave.unsqueeze(1)).transpose(1, 2))[0]


class Stream(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(6, 6)
        self.register_buffer("last", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.last.add_(1)
        return self.layer(x) + self.last


@pytest.mark.alone  # what is tried besides depends on how long it takes
@pytest.mark.parametrize("make", [Convolution, Signal, Stream])
def test_inputs_are_found_from_the_first_operators(make: type[torch.nn.Module], tmp_path: Path) -> None:
    torch_jit.save(torch_jit.script(make().eval()), tmp_path / "m.pt")
    ran, report = verify_json(tmp_path / "m.pt", "--level", "quick")
    assert ran.code == 0, ran.text
    assert report["cases_from"].startswith("inputs from its first operators")
    assert report["cases_from"].endswith("), reference outputs from torch.jit in Python")
    assert [case["name"] for case in report["cases"]] == ["typical", "batch=1", "batch=3"]


def test_inputs_are_found_in_a_trace(tmp_path: Path) -> None:
    from tsharness.artifact.traced_inputs import TracedTensor, traced_inputs

    model = Convolution().eval()
    inputs = (torch.randn(2, 5, 9, 9), torch.randint(0, 50, (2, 3)))
    with torch_jit.without_deprecation():
        traced = torch.jit.trace(model, inputs)
    torch_jit.save(traced, tmp_path / "m.pt")
    kept = {"forward": [TracedTensor("float32", (2, 5, 9, 9)), TracedTensor("int64", (2, 3))]}
    assert traced_inputs(tmp_path / "m.pt") == kept
    ran, report = verify_json(tmp_path / "m.pt", "--level", "quick")
    assert ran.code == 0, ran.text
    assert report["cases_from"].startswith("inputs from the shapes that its trace keeps")


def test_bundled_inputs_are_used(tmp_path: Path) -> None:
    from torch.utils.bundled_inputs import bundle_inputs

    model = torch_jit.script(Convolution().eval())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own helper uses what torch has deprecated
        bundled = bundle_inputs(model, [(torch.ones(1, 5, 9, 9), torch.zeros(1, 3, dtype=torch.long), True)])
    torch_jit.save(bundled, tmp_path / "m.pt")
    ran, report = verify_json(tmp_path / "m.pt", "--level", "quick")
    assert ran.code == 0, ran.text
    assert report["cases_from"].startswith("inputs from the artifact's bundled inputs")
    assert [case["name"] for case in report["cases"]] == ["bundled-0"]


def test_another_method(tmp_path: Path) -> None:
    class Two(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

        @torch.jit.export
        def encode(self, y: torch.Tensor) -> torch.Tensor:
            return self.layer(y) * 2

    path = tmp_path / "m.pt"
    torch_jit.save(torch_jit.script(Two().eval()), path)
    for options in (["--method", "encode"], ["--method", "encode", "--input", "y=float32[4,3]"]):
        ran, report = verify_json(path, "--level", "quick", *options)
        assert ran.code == 0, ran.text
        assert report["cases"][0]["verdict"] == "pass"


def test_without_a_reference_the_verdict_says_so(bare: Path) -> None:
    ran, report = verify_json(bare, "--reference", "none")
    assert ran.code == 0, ran.text
    assert {case["origin"] for case in report["cases"]} == {"runner"}
    checks = {check["id"]: check["verdict"] for check in report["checks"]}
    assert checks["parity"] == "skipped" and checks["calls"] == "pass"
    assert "without a reference: only what needs none was checked" in ran.err


FACTORY = """
import torch

class Scaled(torch.nn.Module):
    def forward(self, x, sr: int, loud: bool = False):
        return x * sr * FACTOR

def make():
    return Scaled()
"""


@pytest.mark.parametrize(("factor", "code"), [("1", 0), ("1.5", 1)])
def test_an_eager_reference(factor: str, code: int, bare: Path, tmp_path: Path) -> None:
    (tmp_path / "eager.py").write_text(FACTORY.replace("FACTOR", factor))
    options = ("--input", "x=float32[2,3]", "--input", "sr:int=3", "--level", "quick")
    ran, report = verify_json(bare, *options, "--reference", f"{tmp_path / 'eager.py'}:make")
    assert ran.code == code, ran.text
    assert {case["origin"] for case in report["cases"]} == {"eager"}


def test_another_artifact_as_the_reference(bare: Path, tmp_path: Path, models: Path) -> None:
    other = tmp_path / "other.pt"
    torch_jit.save(torch_jit.script(Scaled()), other)
    options = ("--input", "x=float32[2,3]", "--input", "sr:int=3", "--level", "quick")
    assert tsharness("verify", bare, *options, "--reference", other).code == 0
    # Cases give the inputs, the reference the outputs: another model's differ.
    ran = tsharness("verify", models / "conditional.pt", "--reference", models / "conditional_traced.pt")
    assert ran.code == 1
    assert "reference outputs from" in ran.out and "conditional_traced.pt" in ran.out


def test_a_damaged_record_of_traced_inputs_is_no_obstacle(tmp_path: Path) -> None:
    import zipfile

    from tsharness.artifact.traced_inputs import traced_inputs

    for content in (b"", b"garbage", b"\x80\x02c", b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR."):
        path = tmp_path / "m.pt"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("m/traced_inputs.pkl", content)
        assert traced_inputs(path) == {}


def test_input_and_dims(bare: Path) -> None:
    options = ("--input", "x=float32[N,3]", "--input", "sr:int=16000", "--dim", "N=1,4")
    ran, report = verify_json(bare, *options)
    assert ran.code == 0, ran.err
    assert [case["name"] for case in report["cases"]] == ["N=1", "N=4"]
    assert {case["origin"] for case in report["cases"]} == {"torchscript-python"}
    assert "C++ and Python run the artifact alike; the eager model was not consulted" in ran.err


def test_input_that_the_method_does_not_have(bare: Path) -> None:
    ran = tsharness("verify", bare, "--input", "y=float32[2]")
    assert ran.code == 2
    assert "no argument 'y'; it has: x, sr, loud" in ran.err and "Traceback" not in ran.text


@pytest.mark.parametrize("reference", [(), ("--reference", "none")])
def test_inputs_that_do_not_fit_have_one_exit_code(reference: tuple[str, ...], tmp_path: Path) -> None:
    torch_jit.save(torch_jit.script(Convolution()), tmp_path / "m.pt")
    specs = ("--input", "image=float32[1,4,8,8]", "--input", "index=int64[1,2]")
    ran = tsharness("verify", tmp_path / "m.pt", *specs, *reference)
    assert ran.code == 5 and "channels" in ran.err and "Traceback" not in ran.text


@pytest.mark.parametrize("reference", [(), ("--reference", "none")])
def test_an_object_as_an_output_is_told_alike(reference: tuple[str, ...], tmp_path: Path) -> None:
    lint_models.objects(tmp_path / "m.pt")
    ran = tsharness("verify", tmp_path / "m.pt", "--input", "x=float32[3,6]", *reference)
    assert ran.code == 5
    assert "a value of type __torch__.lint_models.Boxes cannot be compared or stored" in ran.err


def test_artifact_that_torch_cannot_load(tmp_path: Path) -> None:
    path = small(tmp_path / "broken.pt")
    with zipfile.ZipFile(path) as archive:
        lost = next(name for name in archive.namelist() if "/nn/modules/linear" in name)
    rewrite(path, {lost.partition("/")[2]: None})
    ran = tsharness("verify", path, "--input", "x=float32[2,16]")
    assert ran.code == 5
    assert "TS381" in ran.err and "Traceback" not in ran.text


def test_text_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "broken.pt"
    path.write_bytes(b"nothing of the kind")
    ran = tsharness("verify", path)
    assert ran.code == 5
    assert "no TorchScript archive" in ran.err


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("x=float32[N,3]", TensorSpec("x", "float32", ("N", 3))),
        ("x=float32[]", TensorSpec("x", "float32", ())),
        ("ids=int64[N,16]:0..1000", TensorSpec("ids", "int64", ("N", 16), 0.0, 1000.0)),
        ("x=float32[2]:-1.5..1.5", TensorSpec("x", "float32", (2,), -1.5, 1.5)),
        ("sr:int=16000", ScalarSpec("sr", 16000)),
        ("on:bool=true", ScalarSpec("on", True)),
        ("p:float=0.5", ScalarSpec("p", 0.5)),
        ("name:str=a=b", ScalarSpec("name", "a=b")),
    ],
)
def test_input_is_understood(text: str, spec: TensorSpec | ScalarSpec) -> None:
    assert parse_input(text) == spec


@pytest.mark.parametrize("text", ["x", "x=", "x=float33[2]", "x=float32[a b]", "n:int=x", "b:bool=maybe"])
def test_input_is_not_understood(text: str) -> None:
    with pytest.raises(UsageError, match="for example"):
        parse_input(text)


def test_lists_of_tensors() -> None:
    spec = parse_input("images=[float32[3,N,8], int64[2]:0..9]")
    first, second = TensorSpec("item", "float32", (3, "N", 8)), TensorSpec("item", "int64", (2,), 0, 9)
    assert spec == ListSpec("images", (first, second))
    (case,) = expand([spec], {"N": (4,)})
    assert case.inputs == (ListSpec("images", (replace(first, dims=(3, 4, 8)), second)),)
    assert InputCase.from_dict(case.to_dict()) == case
    for text in ("images=[float32[3,N", "images=[float33[3]]", "images=[float32[3] float32[4]]"):
        with pytest.raises(UsageError, match="for example"):
            parse_input(text)


class Detector(torch.nn.Module):
    def forward(self, images: list[torch.Tensor]) -> list[torch.Tensor]:
        return [image.mean(dim=[1, 2]) * torch.ones(3) for image in images]


def test_a_list_of_images_is_found(tmp_path: Path) -> None:
    path = tmp_path / "detector.pt"
    torch_jit.save(torch_jit.script(Detector().eval()), path)
    ran, report = verify_json(path, "--level", "quick")
    assert ran.code == 0, ran.text
    assert {output["shape"][0] for output in report["cases"][0]["outputs"]} == {3}
    stated = "images=[float32[3,8,8], float32[3,5,6], float32[3,4,4]]"
    ran, report = verify_json(path, "--level", "quick", "--input", stated)
    assert ran.code == 0 and len(report["cases"][0]["outputs"]) == 3


def test_dims_multiply() -> None:
    specs = [TensorSpec("x", "float32", ("N", "T"))]
    cases = expand(specs, dict([parse_dim("N=1,2"), parse_dim("T=8,16")]))
    assert [case.name for case in cases] == ["N=1,T=8", "N=1,T=16", "N=2,T=8", "N=2,T=16"]
    assert cases[3].inputs == (TensorSpec("x", "float32", (2, 16)),)


@pytest.mark.parametrize("dims", [{}, {"N": (1,), "M": (2,)}])
def test_dims_must_match_the_inputs(dims: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(UsageError, match="dim"):
        expand([TensorSpec("x", "float32", ("N",))], dims)


def test_saved_outputs_are_cases_for_later(models: Path, tmp_path: Path) -> None:
    target = tmp_path / "outputs.safetensors"
    ran = tsharness("verify", models / "conditional_traced.pt", "--level", "quick", "--save-outputs", target)
    assert ran.code == 1
    # What this artifact gave is what it gives; the right one differs from it.
    quick = ("--level", "quick", "--cases", target)
    ran, report = verify_json(models / "conditional_traced.pt", *quick, "--ignore", "integrity")
    assert ran.code == 0, ran.text
    assert {case["origin"] for case in report["cases"]} == {"file"}
    assert tsharness("verify", models / "conditional.pt", *quick).code == 1


def test_outputs_of_several_artifacts_have_no_one_file(models: Path, tmp_path: Path) -> None:
    both = (models / "linear.pt", models / "conditional.pt")
    ran = tsharness("verify", *both, "--save-outputs", tmp_path / "o.safetensors")
    assert ran.code == 2 and "one run of one artifact" in ran.err
