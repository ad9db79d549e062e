"""``tsharness inspect``: bad files by name, healthy ones without a false word, and nothing executed."""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from conftest import Ran, run, tsharness, verify_json, written_report
from corpus import BAD, SavesWhenCalled, lite, scripted, small, traced, with_code
from lint_models import LINTS, X
from tsharness.exporting import torch_jit
from tsharness.findings import RULES
from tsharness.inspection.api import inspect


def inspected(*arguments: str | Path) -> tuple[Ran, dict[str, Any]]:
    ran = tsharness("inspect", *arguments, "--json", "-")
    return ran, json.loads(ran.out)


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named(name: str, tmp_path: Path) -> None:
    bad, path = BAD[name], tmp_path / "model.pt"
    code, exit_code = bad.code, bad.exit_code
    bad.make(path)
    ran, document = inspected(path, *bad.options)
    assert ran.code == exit_code, ran.text
    assert "Traceback" not in ran.err
    if not code:
        assert bad.says in ran.err
        return
    (report,) = document["reports"]
    found = {one["code"]: one for one in report["findings"]}
    assert code in found, found
    assert bad.says in found[code]["seen"] + found[code]["do"] + report["what"]


@pytest.mark.parametrize("code", LINTS)
def test_what_hurts_in_production_is_named(code: str, tmp_path: Path) -> None:
    path = LINTS[code](tmp_path / "model.pt") or tmp_path / "model.pt"
    _, document = inspected(path)
    (report,) = document["reports"]
    assert code in {one["code"] for one in report["findings"]}, report["findings"]


def test_every_rule_is_earned() -> None:
    """By a file of the corpus, by a lint's model, by the contract of Triton (below), or by what LibTorch sees
    (test_second_line.py)."""
    earned = {bad.code for bad in BAD.values()} | set(LINTS) | {"TS352", "TS368", "TS369"}
    assert {code for code in RULES if code.startswith("TS3")} <= earned


def test_lines_of_the_source_are_named(tmp_path: Path) -> None:
    LINTS["TS341"](tmp_path / "m.pt")
    ran, document = inspected(tmp_path / "m.pt")
    (found,) = (one for one in document["reports"][0]["findings"] if one["code"] == "TS341")
    line = next(
        number
        for number, text in enumerate(
            Path(sys.modules["lint_models"].__file__ or "").read_text().splitlines(), 1
        )
        if "# the line" in text
    )
    assert found["where"] == f"lint_models.py:{line}"
    assert "cpu in `torch.device(" in found["seen"]
    assert ran.code == 0


class Branch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(16, 16), nn.Tanh()])

    def forward(self, x: Tensor) -> Tensor:
        if bool(x.sum() > 0):
            for layer in self.layers:
                x = layer(x)
        return x


IMAGE = torch.ones(2, 3, 16, 16)
HEALTHY: dict[str, tuple[nn.Module, Any]] = {
    "linear": (nn.Linear(16, 4), X),
    "convolution": (nn.Conv2d(3, 4, 3), IMAGE),
    "transposed": (nn.ConvTranspose2d(3, 4, 3), IMAGE),
    "batch-norm": (nn.BatchNorm2d(3), IMAGE),
    "group-norm": (nn.GroupNorm(3, 3), IMAGE),
    "layer-norm": (nn.LayerNorm(16), X),
    "pooling": (nn.AdaptiveAvgPool2d(4), IMAGE),
    "sequential": (nn.Sequential(nn.Linear(16, 4), nn.ReLU(), nn.Dropout()), X),
    "embedding": (nn.Embedding(10, 4), torch.ones(2, 5, dtype=torch.int64)),
    "bag": (nn.EmbeddingBag(10, 4), torch.ones(2, 5, dtype=torch.int64)),
    "lstm": (nn.LSTM(16, 8), torch.ones(2, 3, 16)),
    "gru": (nn.GRU(16, 8), torch.ones(2, 3, 16)),
    "encoder": (nn.TransformerEncoderLayer(16, 2, 32), torch.ones(2, 3, 16)),
    "attention": (nn.MultiheadAttention(16, 2), (torch.ones(2, 3, 16),) * 3),
    "branch": (Branch(), X),
    "softmax": (nn.Softmax(-1), X),
}


def _without_errors(*paths: Path) -> None:
    ran, document = inspected(*paths)
    errors = [
        (report["path"], one["seen"])
        for report in document["reports"]
        for one in report["findings"]
        if one["severity"] == "error"
    ]
    assert ran.code == 0, errors
    assert not errors
    assert len(document["reports"]) == len(paths)


def test_healthy_modules_of_torch(tmp_path: Path) -> None:
    """Traced and scripted, 32 of them, and frozen."""
    paths = []
    for name, (module, x) in HEALTHY.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer's, of torch's own modules
            paths.append(traced(module, x, tmp_path / f"{name}-traced.pt"))
        paths.append(scripted(module, tmp_path / f"{name}-scripted.pt"))
    with torch_jit.without_deprecation():
        for name in ("convolution", "branch", "encoder"):
            frozen = torch.jit.freeze(torch.jit.script(HEALTHY[name][0].eval()))
            torch_jit.save(frozen, tmp_path / f"{name}-frozen.pt")
            paths.append(tmp_path / f"{name}-frozen.pt")
    for name in ("convolution", "branch", "encoder"):
        lite(HEALTHY[name][0], tmp_path / f"{name}.ptl")
        lite(HEALTHY[name][0], tmp_path / f"{name}.ff", flatbuffer=True)
        paths += [tmp_path / f"{name}.ptl", tmp_path / f"{name}.ff"]
    _without_errors(*paths)


def test_healthy_artifacts_of_others(models: Path) -> None:
    import silero_vad

    voice = Path(silero_vad.__file__).parent / "data" / "silero_vad.jit"
    mobile = Path(torch.__file__).parent / "bin" / "script_module_v4.ptl"
    _without_errors(*sorted(models.glob("*.pt")), voice, *([mobile] if mobile.is_file() else []))


def test_a_quantised_model(tmp_path: Path) -> None:
    if "x86" not in torch.backends.quantized.supported_engines:
        pytest.skip("no engine for quantised operators here")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(16, 16), nn.ReLU()).eval())
        path = scripted(model, tmp_path / "quantised.pt")
    _without_errors(path)


def test_nothing_is_executed(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    BAD["saves_when_loaded"].make(path)
    BAD["pickle_that_runs_a_program"].make(tmp_path / "pickle.pt")
    before = sorted(tmp_path.iterdir())
    tsharness("inspect", path, tmp_path / "pickle.pt", cwd=tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_torch_is_not_imported(tmp_path: Path) -> None:
    small(tmp_path / "m.pt")
    program = (
        "import sys; from tsharness.inspection.api import inspect; "
        f"inspect({str(tmp_path / 'm.pt')!r}); "
        "print([m for m in ('torch', 'numpy', 'pickle') if m in sys.modules and m != 'pickle'])"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_allowed_is_no_danger(tmp_path: Path) -> None:
    path = scripted(SavesWhenCalled(), tmp_path / "m.pt")
    assert tsharness("inspect", path).code == 7
    assert tsharness("inspect", path, "--allow-op", "aten::save").code == 0
    assert tsharness("inspect", path, "--allow-op", "aten::from_file").code == 7


def test_findings_are_chosen(tmp_path: Path) -> None:
    LINTS["TS347"](tmp_path / "m.pt")
    codes = {one["code"] for one in inspected(tmp_path / "m.pt")[1]["reports"][0]["findings"]}
    assert "TS347" in codes
    for options in (("--ignore", "TS347"), ("--select", "TS36")):
        found = inspected(tmp_path / "m.pt", *options)[1]["reports"][0]["findings"]
        assert "TS347" not in {one["code"] for one in found}


def test_the_picture_of_a_model(models: Path) -> None:
    ran = tsharness("inspect", models / "resnet.pt")
    assert ran.code == 0
    assert "(saved module): ResNet  11.7 M parameters" in ran.out
    assert "forward(x: Tensor) -> Tensor" in ran.out
    assert "_convolution 20" in ran.out and "cases for verify" in ran.out
    _, document = inspected(models / "resnet.pt")
    (report,) = document["reports"]
    assert report["weights"]["float32"] > 46_000_000
    assert report["lowest_libtorch"] == "1.13.1"
    assert "1.13.1 or newer" in ran.out


def test_code_with_its_source(models: Path) -> None:
    ran = tsharness("inspect", models / "conditional.pt", "--code", "forward")
    assert ran.code == 0
    assert ran.out.startswith("def forward(self: __torch__.conditional.")
    assert "# conditional.py:" in ran.out
    ran = tsharness("inspect", models / "conditional.pt", "--code", "backwards")
    assert ran.code == 2 and "the module has: forward" in ran.err


def test_sarif(tmp_path: Path) -> None:
    scripted(SavesWhenCalled(), tmp_path / "m.pt")
    ran = tsharness("inspect", tmp_path / "m.pt", "--sarif", tmp_path / "out.sarif")
    assert ran.code == 7
    document = json.loads((tmp_path / "out.sarif").read_text())
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} >= {"TS361"}
    danger = next(one for one in run["results"] if one["ruleId"] == "TS361")
    assert danger["level"] == "error"
    assert danger["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("m.pt")
    assert danger["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] > 1
    assert run["tool"]["driver"]["rules"][danger["ruleIndex"]]["id"] == "TS361"


class TakesADict(nn.Module):
    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return features


class OneDict(nn.Module):
    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        return inputs["a"] + inputs["b"]


class DictAndTensor(nn.Module):
    def forward(self, inputs: dict[str, Tensor], x: Tensor) -> Tensor:
        return inputs["a"] + x


class OptionalMask(nn.Module):
    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return x if mask is None else x * mask


class Scaled(nn.Module):
    def forward(self, x: Tensor, factor: float) -> Tensor:
        return x * factor


class Listed(nn.Module):
    def forward(self, xs: list[Tensor]) -> Tensor:
        return xs[0]


class OfNumbers(nn.Module):
    def forward(self, inputs: dict[str, int]) -> int:
        return inputs["a"]


def test_tritons_contract(models: Path, tmp_path: Path) -> None:
    ran = tsharness("inspect", models / "resnet.pt", "--triton")
    assert ran.code == 0
    assert 'name: "x__0"  data_type: TYPE_FP32  dims: [ 3, 224, 224 ]' in ran.out
    assert 'name: "OUTPUT__0"' in ran.out
    ran = tsharness("inspect", scripted(TakesADict(), tmp_path / "m.pt"), "--triton")
    assert "the argument" not in ran.out
    assert "TS352 forward returns Dict[str, Tensor]" in ran.out


def test_a_single_dict_is_tritons(tmp_path: Path) -> None:
    """Its entries are Triton's inputs, by the keys that the code asks for (``is_dict_input_`` there)."""
    ran = tsharness("inspect", scripted(OneDict(), tmp_path / "m.pt"), "--triton")
    assert ran.code == 0 and "TS352" not in ran.out
    assert '{ name: "a"  data_type: TYPE_FP32  dims: [ -1 ] },  # edit' in ran.out
    assert '{ name: "b"  data_type: TYPE_FP32  dims: [ -1 ] }  # edit' in ran.out


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (DictAndTensor(), "inputs is a Dict[str, Tensor], and not the only one"),
        (OptionalMask(), "mask is a Optional[Tensor]"),
        (Scaled(), "factor is a float"),
        (Listed(), "xs is a List[Tensor]"),
        (OfNumbers(), "inputs is a Dict[str, int]"),
    ],
)
def test_what_triton_does_not_load(module: nn.Module, says: str, tmp_path: Path) -> None:
    found = inspect(scripted(module, tmp_path / "m.pt"), triton=True).findings
    assert any(one.code == "TS352" and says in one.seen for one in found), found


def test_the_hash_that_was_expected(tmp_path: Path) -> None:
    import hashlib

    path = small(tmp_path / "m.pt")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert tsharness("inspect", path, "--expect-sha256", digest.upper()).code == 0
    ran = tsharness("inspect", path, path, "--expect-sha256", digest)
    assert ran.code == 2 and "name one" in ran.err


def test_odd_names(tmp_path: Path) -> None:
    for name in ("with space.pt", "new\nline.pt", "-dash.pt", "ümlaut.pt"):
        small(tmp_path / name)
        ran = tsharness("inspect", "--", name, cwd=tmp_path)
        assert ran.code == 0, (name, ran.text)
    raw = str(tmp_path / "m").encode() + b"\xff\xfe.pt"
    small(tmp_path / "m.pt").rename(Path(os.fsdecode(raw)))
    ran = tsharness("inspect", os.fsdecode(raw), errors="replace")
    assert ran.code == 0 and "Traceback" not in ran.err


def test_many_at_once_the_worst_counts(tmp_path: Path) -> None:
    small(tmp_path / "good.pt")
    with_code(tmp_path / "bad.pt", "torch.relu(", "ops.evil.run(")
    ran, document = inspected(tmp_path / "good.pt", tmp_path / "bad.pt", tmp_path / "absent.pt")
    assert ran.code == 7 and document["exit_code"] == 7
    assert [report["exit_code"] for report in document["reports"]] == [0, 7]
    assert document["errors"][0]["exit_code"] == 5


def test_explain() -> None:
    ran = tsharness("explain", "TS361")
    assert ran.code == 0 and "can read or write files" in ran.out and "--allow-op NAME" in ran.out
    assert tsharness("explain", "ts3").out.count("why") > 40
    ran = tsharness("explain", "TS999")
    assert ran.code == 2 and "docs/findings" in ran.err


def test_another_runner(tmp_path: Path) -> None:
    from tsharness.runner.find import find_runner

    class Attends(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.scaled_dot_product_attention(x, x, x)

    path = traced(Attends(), torch.ones(1, 2, 3, 4), tmp_path / "m.pt")
    assert tsharness("inspect", path).code == 0
    ran = tsharness("inspect", path, "--runner", "1.13.1", "--runner", find_runner().path)
    assert ran.code == 5
    assert "TS332 LibTorch 1.13.1 lacks aten::scaled_dot_product_attention" in ran.out
    assert "scaled_dot_product_attention (LibTorch 2.13.0 has it)" in ran.out
    assert "LibTorch 2.13.0 lacks" not in ran.out
    assert "operators of LibTorch 2.13.0 or newer" in ran.out
    ran = tsharness("inspect", path, "--runner", "0.1")
    assert ran.code == 2 and "1.13.1, 2.13.0" in ran.err
    ran = tsharness("inspect", path, "--runner", "/bin/true")
    assert ran.code == 2 and "did not list its operators" in ran.err


def test_it_says_which_libtorch_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every form, whatever it is called; one that was registered has a name of its own."""
    from tsharness.runner.find import find_runner
    from tsharness.runners.store import BuiltRunner, keep

    monkeypatch.setenv("TSHARNESS_RUNNERS", str(tmp_path / "runners"))
    (tmp_path / "log").touch()
    operators = {"aten::linear": [["", 2, "input", "weight", "bias"]]}
    known = BuiltRunner("old-one", "1.13.1", True, "GNU", "/opt/libtorch", "key", ("cpu",), "AVX2", "0.1.0")
    keep(known, find_runner().path, tmp_path / "log", operators)
    path = scripted(nn.Linear(2, 2), tmp_path / "m.pt")
    for name, libtorch, said in (
        ("old-one", "1.13.1", "LibTorch 1.13.1 (old-one)"),
        ("1.13.1", "1.13.1", "LibTorch 1.13.1"),
        (str(find_runner().path), "2.13.0", f"LibTorch 2.13.0 ({find_runner().path})"),
    ):
        files = [tmp_path / f"r.{ending}" for ending in ("json", "md", "html", "xml")]
        forms = zip(("--json", "--markdown", "--html", "--junit"), files, strict=True)
        options = [word for pair in forms for word in pair]
        ran = tsharness("inspect", path, "--runner", name, *options, "--no-color")
        assert ran.code == 0 and said in " ".join(ran.out.split()), ran.text
        assert written_report(files[0])["asked"] == [{"name": name, "libtorch": libtorch}]
        assert all(libtorch in file.read_text() for file in files)
    assert tsharness("inspect", path, "--json", files[0]).code == 0
    assert written_report(files[0])["asked"] == [{"name": "", "libtorch": "2.13.0"}]


def test_a_flatbuffer_is_verified_and_has_no_checksums(tmp_path: Path) -> None:
    lite(nn.Linear(2, 2), tmp_path / "m.ff", flatbuffer=True)
    ran, report = verify_json(tmp_path / "m.ff", "--input", "input=float32[1,2]", "--level", "quick")
    assert ran.code == 0, ran.text
    checks = {check["id"]: check["verdict"] for check in report["checks"]}
    assert checks["integrity"] == "skipped" and checks["parity"] == "pass"
    assert "weights    not read" in tsharness("inspect", tmp_path / "m.ff").out


class Declared(nn.Module):
    """Types that go together, or that the code declares."""

    def forward(self, x: Tensor, k: int, name: str | None = None) -> Tensor:
        if k > 0:
            y: int | Tensor = 1
        else:
            y = x
        z: Tensor | None = None
        if k > 1:
            z = x
        factor = 1.0 if name is None else 2.0
        if isinstance(y, Tensor):
            return y * factor
        return x + y if z is None else z


class OneOfTwo(nn.Module):
    def forward(self, x: Tensor | list[Tensor]) -> Tensor:
        if isinstance(x, Tensor):  # noqa: SIM108 - the branches are what is tested
            y = [x]
        else:
            y = x
        return y[0]


@pytest.mark.parametrize("module", [Declared(), OneOfTwo()])
def test_variables_that_load(module: nn.Module, tmp_path: Path) -> None:
    path = scripted(module, tmp_path / "m.pt")
    torch_jit.load(path)
    _without_errors(path)


@pytest.mark.parametrize(
    "name", ["without_code", "without_a_function", "variable_of_two_types", "undefined_name"]
)
def test_what_cannot_be_loaded_is_told_in_two_lines(name: str, tmp_path: Path) -> None:
    """And truly cannot."""
    path = tmp_path / "m.pt"
    BAD[name].make(path)
    with pytest.raises(RuntimeError):
        torch_jit.load(path)
    ran = tsharness("verify", path, "--input", "x=float32[2,16]")
    assert ran.code == 5 and BAD[name].says in ran.err and len(ran.err.splitlines()) == 2, ran.text


@pytest.mark.parametrize("reference", ["python", "none"])
def test_objects_are_refused_in_words(reference: str, tmp_path: Path) -> None:
    LINTS["TS384"](tmp_path / "m.pt")
    ran = tsharness("verify", tmp_path / "m.pt", "--input", "x=float32[2,6]", "--reference", reference)
    assert ran.code in (2, 5) and "cannot be compared or stored; return tensors" in ran.err, ran.text
    assert "INTERNAL ASSERT" not in ran.text


WRITTEN = ("prim.shape", "prim.ndim", "prim.T", "prim.mT", "prim.H", "prim.mH")


@pytest.mark.parametrize("name", WRITTEN)
def test_functions_that_libtorch_has_written_are_known(name: str, tmp_path: Path) -> None:
    path = with_code(tmp_path / "m.pt", "return ", f"y = ops.{name}(x)\n    return ")
    torch_jit.load(path)
    _without_errors(path)


def test_the_tables_hold_what_this_libtorch_has() -> None:
    """Every operator that is registered here, and every function that it has written in TorchScript, but
    for those that talk to other processes, and what calls Python."""
    from tsharness.inspection.operators import kind_of_operator, known_registries

    newest = known_registries()[-1]
    if not torch.__version__.startswith(newest.libtorch):
        pytest.skip("the tables are of another torch")
    # In a process of its own: other tests register operators of Python's.
    code = "import torch; print(*{schema.name for schema in torch._C._jit_get_all_schemas()})"
    names = run(sys.executable, "-W", "ignore", "-c", code).out.split()
    own = {name for name in names if name.partition("::")[0] in ("aten", "prim", "quantized")}
    remote = ("confirmed_by_owner", "is_owner", "local_value", "owner", "owner_name", "to_here")
    refused = {f"aten::{name}" for name in (*remote, "dist_backward")} | {"prim::PythonOp"}
    assert {name for name in own if kind_of_operator(name) == "unknown"} == refused
