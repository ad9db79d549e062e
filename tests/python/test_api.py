"""The Python interface: export, verify, load, and reports that survive a round trip."""

from __future__ import annotations

import json
import threading
import time
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import tsharness
from conftest import tsharness as command_line
from tsharness.artifact.archive import CASES_RECORD, embedded_cases
from tsharness.cases.case_file import CaseDocument
from tsharness.errors import (
    ArtifactError,
    DeviceError,
    ExportError,
    InputError,
    UsageError,
    VerificationFailed,
)
from tsharness.exporting import torch_jit
from tsharness.exporting.torch_values import to_value
from tsharness.session import load_core
from tsharness.verdict import ExitCode, Verdict, worst

Export = Callable[..., Path]


# --- export ---


def document(path: Path) -> CaseDocument:
    location = embedded_cases(path)
    assert location is not None
    return CaseDocument(location)


def test_the_artifact_is_still_torch_s(models: Path) -> None:
    extra = {"tsharness/cases.safetensors": ""}
    with torch_jit.without_deprecation():
        module = torch.jit.load(str(models / "linear.pt"), _extra_files=extra)
    assert module(torch.ones(1, 10)).shape == (1, 2)
    assert len(extra["tsharness/cases.safetensors"]) > 100


def test_cases_are_aligned_as_torch_aligns_records(models: Path) -> None:
    location = embedded_cases(models / "linear.pt")
    assert location is not None and location.offset % 64 == 0


def test_signature_and_provenance(models: Path) -> None:
    cases = document(models / "linear.pt")
    assert cases.signature["forward"]["arguments"] == [
        {"name": "x", "type": "Tensor", "dtype": "float32", "dims": ["x_0", 10]}
    ]
    assert cases.provenance["method"] == "trace" and cases.provenance["training"] is False
    assert cases.provenance["torch"] == torch.__version__
    boolean = document(models / "conditional_bool.pt").signature["forward"]["arguments"][1]
    assert boolean == {"name": "condition", "type": "bool"}


def test_export_leaves_the_generators_alone(artifact: Export) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    artifact(torch.nn.Identity(), torch.ones(1))
    assert torch.equal(torch.rand(3), expected)


def test_tracer_warnings_are_kept(models: Path) -> None:
    (warning,) = document(models / "conditional_traced.pt").provenance["warnings"]
    assert warning["file"] == "conditional.py" and warning["code"] == "if condition:"


class Attends(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.layer(x).masked_fill(mask, 0.0)


@pytest.mark.parametrize("method", ["trace", "script"])
def test_keyword_inputs(artifact: Export, method: str) -> None:
    inputs = tsharness.Inputs(torch.randn(2, 4), mask=torch.eye(2, 4, dtype=torch.bool))
    path = artifact(Attends().eval(), inputs, method=method)
    assert tsharness.verify(path).verdict is Verdict.PASS


class TwoMethods(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1

    @torch.jit.export
    def encode(self, x: torch.Tensor, times: int = 2) -> torch.Tensor:
        return x * times


def test_cases_may_call_other_methods(artifact: Export) -> None:
    x = torch.randn(3)
    cases = {"encode": tsharness.Inputs(x, 3, method="encode")}
    path = artifact(TwoMethods(), x, method="script", cases=cases)
    assert tsharness.verify(path).verdict is Verdict.PASS
    assert document(path).signature["encode"]["arguments"][1] == {
        "name": "times",
        "type": "int",
        "default": 2,
    }


class Unscriptable(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + len({str(i): i for i in range(3) if i}.__class__.__name__)


def test_a_model_that_cannot_be_scripted(artifact: Export, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"script: a comprehension with a condition at test_api\.py"):
        artifact(Unscriptable(), torch.ones(1), method="script")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((torch.nn.Identity(), torch.ones(1)), {"method": "guess"}, "one of auto, trace, script"),
        ((lambda x: x, torch.ones(1)), {}, "expected a torch.nn.Module"),
        ((torch.nn.Identity(), "text"), {}, "example inputs of type str"),
        ((torch.nn.Identity(), []), {}, "at least one call"),
    ],
)
def test_export_says_what_it_expects(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        tsharness.export(*arguments, tmp_path / "m.pt", **options)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        tsharness.export(torch.nn.Identity(), torch.ones(1), tmp_path / "no" / "m.pt")


class Picky(torch.nn.Module):
    """Outputs with strides, of several dtypes, quantized, sparse."""

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [
            x.t(),
            x.half(),
            x.to(torch.bfloat16),
            x > 0,
            x.to_sparse(),
            x.double()[:, ::2],
            x.sum(),
            x[:0],
        ]


def test_outputs_of_every_kind(artifact: Export) -> None:
    report = tsharness.verify(artifact(Picky(), torch.randn(4, 6), method="script"))
    assert report.verdict is Verdict.PASS
    names = [output.name for output in report.cases[0].outputs]
    assert "output[4].indices" in names and "output[7]" in names


def test_what_a_case_cannot_hold() -> None:
    with pytest.raises(InputError, match="type set"):
        to_value({1, 2})


# --- verify ---


def test_reports_survive_a_round_trip(models: Path) -> None:
    report = tsharness.verify(models / "conditional_traced.pt")
    again = tsharness.VerifyReport.from_dict(json.loads(json.dumps(report.to_dict())))
    assert again == report
    assert report.findings and report.cases[1].outputs[0].worst


def test_raise_for_verdict(models: Path) -> None:
    tsharness.verify(models / "linear.pt").raise_for_verdict()
    with pytest.raises(VerificationFailed, match="condition=False"):
        tsharness.verify(models / "conditional_traced.pt").raise_for_verdict()


def test_tolerances_in_python(models: Path) -> None:
    path = models / "conditional_traced.pt"
    assert tsharness.verify(path, atol=1.0).verdict is Verdict.PASS
    assert tsharness.verify(path, atol={"output": 1.0}).verdict is Verdict.PASS
    assert tsharness.verify(str(path), only=["example"], exact=True).verdict is Verdict.PASS
    with pytest.raises(UsageError, match="no output is named 'logits'"):
        tsharness.verify(path, rtol={"logits": 1.0})


def test_verify_raises_what_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        tsharness.verify(tmp_path / "no.pt")


def test_cases_beside_the_artifact(models: Path, tmp_path: Path) -> None:

    path = tmp_path / "bare.pt"
    torch_jit.save(torch_jit.load(models / "linear.pt"), path)
    with zipfile.ZipFile(models / "linear.pt") as archive:
        name = next(n for n in archive.namelist() if n.endswith(CASES_RECORD))
        beside = tmp_path / "bare.pt.cases.safetensors"
        beside.write_bytes(archive.read(name))
    ran = command_line("verify", path)
    assert "beside the artifact, in bare.pt.cases.safetensors" in ran.out


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], 0),
        ([0, 1], 1),
        ([1, 5], 5),
        ([5, 6, 1], 6),
        ([6, 7], 7),
        ([4, 3], 4),
        ([1, 4], 1),
        ([3, 0], 3),
        ([2, 0], 2),
        ([8, 1], 1),
    ],
)
def test_the_worst_code_wins(codes: list[int], expected: int) -> None:
    assert worst(codes) is ExitCode(expected)


# --- load ---


def test_session_gives_what_python_gives(models: Path) -> None:
    session = tsharness.load(models / "linear.pt")
    x = torch.randn(3, 10)
    with torch.no_grad():
        assert torch.equal(session(x), torch_jit.load(models / "linear.pt")(x))
    assert session.methods["forward"].endswith("-> Tensor")


def test_keywords_and_bools(models: Path) -> None:
    session = tsharness.load(models / "conditional_bool.pt")
    x = torch.randn(3, 10)
    assert not torch.equal(session(x, condition=True), session(x, condition=False))


class Passes(torch.nn.Module):
    def forward(
        self, x: torch.Tensor, more: dict[str, list[torch.Tensor]]
    ) -> tuple[torch.Tensor, dict[str, list[torch.Tensor]], str]:
        return x, more, "text"


def test_tensors_are_not_copied(artifact: Export) -> None:
    session = tsharness.load(artifact(Passes(), (torch.ones(2), {"k": [torch.ones(1)]}), method="script"))
    x, inner = torch.randn(5), torch.randn(6)
    same, more, text = session(x, {"k": [inner]})
    assert same.data_ptr() == x.data_ptr() and more["k"][0].data_ptr() == inner.data_ptr()
    assert text == "text"


class Slow(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(40):
            x = torch.sin(x)
        return x


def test_the_gil_is_free_while_it_runs(artifact: Export) -> None:
    session = tsharness.load(artifact(Slow(), torch.ones(1), method="script"))
    x = torch.ones(4_000_000)
    done = threading.Event()
    thread = threading.Thread(target=lambda: (session(x), done.set()))
    ticks = 0
    thread.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.001)
    thread.join()
    assert ticks > 10


def test_session_errors_have_their_kinds(models: Path, tmp_path: Path) -> None:
    session = tsharness.load(models / "linear.pt")
    with pytest.raises(InputError):
        session("text")
    with pytest.raises(UsageError, match="no method 'nope'; it has: forward"):
        session.run("nope")
    with pytest.raises(DeviceError, match="it sees: cpu"):
        tsharness.load(models / "linear.pt", device="cuda:63")
    with pytest.raises(ArtifactError):
        tsharness.load(tmp_path / "no.pt")


def test_session_restores_its_state(models: Path) -> None:
    session = tsharness.load(models / "silero_vad.pt")
    x = torch.randn(1, 512)
    first = session(x, 16000)
    assert not torch.equal(session(x, 16000), first)
    session.restore()
    assert torch.equal(session(x, 16000), first)


def test_session_benchmark(models: Path) -> None:
    latency = tsharness.load(models / "linear.pt").benchmark(torch.ones(1, 10), min_seconds=0.05)
    assert latency.count >= 30 and latency.minimum <= latency.median


# --- the small things below ---


Pair = namedtuple("Pair", "a b")


@pytest.mark.filterwarnings("ignore:.*quantize_per_channel:UserWarning", "ignore:Sparse CSR:UserWarning")
def test_torch_values_go_through_cpp(tmp_path: Path) -> None:
    from tsharness.cases import Call, Case, CaseFile, read_case_file, write_case_file

    base = torch.arange(24, dtype=torch.float32)
    values = (
        base.view(2, 3, 4).permute(2, 0, 1),
        base[1:9:2],
        base[:3].expand(4, 3),
        torch.quantize_per_channel(
            torch.randn(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8
        ),
        torch.eye(3).to_sparse(),
        torch.eye(3).to_sparse_csr(),
        torch.tensor([1 + 2j]).conj(),
        Pair(1, [2.5, None]),
        {"a": torch.tensor(True)},
    )
    stored = tuple(to_value(value) for value in values)
    file = CaseFile((Case("one", (Call(stored, None),)),))
    write_case_file(file, tmp_path / "a")
    load_core().copy_case_file(str(tmp_path / "a"), str(tmp_path / "b"))
    assert read_case_file(tmp_path / "b") == file
