"""An export from one example proves other sizes, too: those that the Python model takes when it is tried."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import tsharness
from conftest import Ran
from conftest import tsharness as command_line
from tsharness.artifact.archive import embedded_cases
from tsharness.cases.case_file import CaseDocument, CaseFile, write_case_file
from tsharness.errors import ExportError, UsageError
from tsharness.exporting.report import ExportReport

MODELS = """
import torch


class Baked(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 4)

    def forward(self, x):
        return self.layer(x).reshape(int(x.shape[0]), 4)


class Silent(torch.nn.Module):
    def forward(self, x):
        rows = len(x.tolist())  # of which the tracer says nothing of this kind, and which cannot be scripted
        return x * rows


def baked():
    torch.manual_seed(0)
    return Baked(), torch.randn(1, 8)


def silent():
    return Silent(), torch.randn(2, 3)
"""


class Rows(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


class Tokens(torch.nn.Module):
    """Tokens and their mask, which have batch and length together; 16 positions at most."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.places = torch.nn.Embedding(50, 8), torch.nn.Parameter(torch.randn(16, 8))

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        vectors = self.table(ids) + self.places[: ids.shape[1]]
        return (vectors * mask.unsqueeze(-1)).sum(1)


class Pair(torch.nn.Module):
    """Takes one row of y beside many of x, by broadcasting: the batch is meant."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


class Recurrent(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells = torch.nn.LSTM(4, 6, batch_first=True)

    def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return self.cells(x, (h, c))[0]


class Image(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x).mean((2, 3))


class Stepped(torch.nn.Module):
    """As networks that halve and double: sizes must be even."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.nn.functional.avg_pool1d(x, 2).repeat_interleave(2, -1)


class Keeps(torch.nn.Module):
    """Holds something of the example's size: no other is taken."""

    total: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.ones(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack((self.total, x)).sum(0)


class Counts(torch.nn.Module):
    calls: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x * self.calls


class Coder(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.relu()

    @torch.jit.export
    def encode(self, y: torch.Tensor) -> torch.Tensor:
        return y @ torch.ones(3, 2)


class Shares(torch.nn.Module):
    """By design, what a row gets depends on how many there are."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / x.shape[0]


class Lengths(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * len(x.tolist())


Found = tuple[Callable[[], torch.nn.Module], tuple[torch.Tensor, ...], dict[str, tuple[int, ...]]]


def tried(report: ExportReport) -> dict[str, tuple[int, ...]]:
    return {one.dims: one.sizes for one in report.free}


FOUND: dict[
    str, tuple[Callable[[], torch.nn.Module], tuple[torch.Tensor, ...], dict[str, tuple[int, ...]]]
] = {
    "rows": (Rows, (torch.randn(1, 8),), {"x dim 0": (1, 2, 3)}),
    "tokens": (
        Tokens,
        (torch.randint(0, 50, (2, 12)), torch.ones(2, 12)),
        {"ids dim 0, mask dim 0": (1, 2, 3, 4), "ids dim 1, mask dim 1": (6, 12, 13)},
    ),
    "broadcast": (
        Pair,
        (torch.randn(1, 8), torch.randn(1, 8)),
        {"x dim 0, y dim 0": (1, 2, 3), "x dim 1, y dim 1": (4, 8, 9)},
    ),
    "recurrent": (
        Recurrent,
        (torch.randn(1, 5, 4), torch.zeros(1, 1, 6), torch.zeros(1, 1, 6)),
        {"x dim 0, h dim 1, c dim 1": (1, 2, 3), "x dim 1": (2, 5, 6)},
    ),
    "image": (
        Image,
        (torch.randn(2, 3, 8, 9),),
        {"x dim 0": (1, 2, 3, 4), "x dim 2": (4, 8, 9), "x dim 3": (4, 9, 10)},
    ),
    "stepped": (
        Stepped,
        (torch.randn(2, 3, 8),),
        {"x dim 0": (1, 2, 3, 4), "x dim 1": (1, 3, 4), "x dim 2": (4, 8, 16)},
    ),
    "kept": (Keeps, (torch.randn(2, 3),), {}),
}


@pytest.mark.parametrize("name", FOUND)
def test_sizes_that_the_model_takes_are_found_and_proved(name: str, tmp_path: Path) -> None:
    make, inputs, expected = FOUND[name]
    path = tmp_path / "m.pt"
    report = tsharness.export(make().eval(), inputs, path, families="sizes")
    assert tried(report) == expected
    cases = {f"{one.name}={size}" for one in report.free for size in one.sizes}
    assert set(report.cases) - {"example"} <= cases and len(report.cases) > len(expected)


def test_what_was_found_stands_in_the_signature(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    tsharness.export(Rows().eval(), torch.randn(1, 8), path, families="sizes")
    location = embedded_cases(path)
    assert location is not None
    forward = CaseDocument(location).signature["forward"]
    assert forward["arguments"][0]["dims"] == ["x_0", 8]
    assert forward["symbols"]["x_0"]["sizes"] == [1, 2, 3]


def test_each_method_is_tried(tmp_path: Path) -> None:
    x = torch.randn(1, 3)
    report = tsharness.export(
        Coder().eval(), x, tmp_path / "m.pt", methods={"encode": {"y": x}}, method="script", families="sizes"
    )
    assert "x_0=2" in report.cases and "encode/y_0=2" in report.cases


def test_a_trace_that_does_not_follow_fails_with_ts102(tmp_path: Path) -> None:
    source = tmp_path / "models.py"
    source.write_text(MODELS)
    for name in ("baked", "silent"):
        ran, report = exported(f"{source}:{name}", tmp_path, "--method", "trace")
        assert ran.code == 1 and not (tmp_path / "m.pt").exists()
        assert "TS102" in {found.code for found in report.findings}
        assert "if they never come: --fixed x" in ran.text


def test_where_the_script_follows_it_is_taken(tmp_path: Path) -> None:
    source = tmp_path / "models.py"
    source.write_text(MODELS)
    ran, report = exported(f"{source}:baked", tmp_path)
    assert ran.code == 0 and report.method == "script"


def test_what_is_declared_fixed_is_said_in_every_verdict(tmp_path: Path) -> None:
    source = tmp_path / "models.py"
    source.write_text(MODELS)
    for options in (["--fixed", "x"], ["--dynamic", "x=*,*"]):
        ran, report = exported(f"{source}:baked", tmp_path, "--method", "trace", *options)
        assert ran.code == 0 and report.free == () and report.fixed == ("batch 1",)
        assert "proved for batch 1 alone" in ran.text
        again = command_line("verify", tmp_path / "m.pt", "--level", "quick")
        assert again.code == 0 and "proved for batch 1 alone" in again.out.splitlines()[-1]


def test_a_batch_that_the_artifact_alone_keeps_is_said_by_verify(tmp_path: Path) -> None:
    """By the check of rows, where nobody has declared anything."""
    from tsharness.exporting import torch_jit
    from tsharness.exporting.inputs import Inputs

    class Fixed(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.reshape(3, 4).relu()

    torch_jit.save(torch_jit.trace(Fixed(), {"forward": Inputs(torch.randn(3, 4))}), tmp_path / "m.pt")
    ran = command_line("verify", tmp_path / "m.pt", "--input", "x=float32[3,4]")
    assert ran.code == 0 and "proved for batch 3 alone" in ran.out.splitlines()[-1]


def test_a_stranger_s_file_says_only_what_an_export_says(tmp_path: Path) -> None:
    path, stranger = tmp_path / "m.pt", tmp_path / "stranger.cases.safetensors"
    tsharness.export(Rows().eval(), torch.randn(1, 8), path)
    location = embedded_cases(path)
    assert location is not None
    document = CaseDocument(location)
    for fixed in (["batch \x1b[2J", "batch 1\n::error::", 7, "everything"], "batch 1", {"batch 1": 1}):
        provenance = {**document.provenance, "fixed": fixed}
        write_case_file(CaseFile(tuple(document.cases()), document.signature, provenance), stranger)
        ran = command_line("verify", path, "--cases", stranger, "--level", "quick")
        assert ran.code == 0 and "proved for" not in ran.out and "\x1b[2J" not in ran.out


def test_sizes_are_not_tried_without_their_families(tmp_path: Path) -> None:
    report = tsharness.export(Rows().eval(), torch.randn(1, 8), tmp_path / "m.pt", families="values")
    assert report.free == () and "x_0=2" not in report.cases


def test_what_is_declared_is_not_tried_again(tmp_path: Path) -> None:
    report = tsharness.export(
        Tokens().eval(),
        (torch.randint(0, 50, (2, 12)), torch.ones(2, 12)),
        tmp_path / "m.pt",
        dynamic={"ids": {0: "N"}, "mask": {0: "N"}},
        families=("sizes", "dims"),
    )
    assert report.free == () and "N=5" in report.cases


def test_a_model_that_writes_its_state_is_tried_from_the_given_state(tmp_path: Path) -> None:
    model = Counts().eval()
    report = tsharness.export(model, torch.ones(2, 3), tmp_path / "m.pt", method="script", families="sizes")
    assert model.calls == 0 and tried(report)["x dim 0"] == (1, 2, 3, 4)


def test_an_input_that_is_none_cannot_be_fixed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fixed: no input is named 'y'; there are: x"):
        tsharness.export(Rows(), torch.randn(1, 8), tmp_path / "m.pt", fixed=["y"])


def test_a_candidate_wrong_at_a_declared_size_is_not_told_to_fix_it(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as failed:
        tsharness.export(
            Lengths(), torch.ones(2, 3), tmp_path / "m.pt", method="trace", dynamic={"x": {0: "N"}}
        )
    assert "--fixed" not in str(failed.value)


def exported(model: str, folder: Path, *options: str) -> tuple[Ran, ExportReport]:
    path = folder / "report.json"
    ran = command_line("export", model, "-o", folder / "m.pt", "--json", path, *options)
    return ran, ExportReport.from_dict(json.loads(path.read_text()))


def test_a_free_dim_of_which_all_cases_have_one_size_is_said(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    x = torch.randn(2, 3, 8, 9)
    dynamic = {"x": {0: "N", 2: "H"}}
    tsharness.export(Image().eval(), x, path, dynamic=dynamic, families="zeros")
    quick = command_line("verify", path, "--level", "quick")
    assert quick.code == 0 and "proved for N = 2 and H = 8 alone" in quick.out
    rows = command_line("verify", path, "--select", "parity", "--select", "batch")
    assert rows.code == 0 and "proved for H = 8 alone" in rows.out
    tsharness.export(Image().eval(), x, path, dynamic=dynamic)
    assert "alone" not in command_line("verify", path, "--level", "quick").out.splitlines()[-1]


def test_rows_that_influence_one_another_in_python_too_are_no_fault(tmp_path: Path) -> None:
    """The check of rows asks what the Python model made of the same numbers of rows."""
    path = tmp_path / "m.pt"
    for rows in (1, 2):
        tsharness.export(Shares().eval(), torch.randn(rows, 3), path, method="script")
        ran = command_line("verify", path, "--select", "parity", "--select", "batch")
        assert ran.code == 0 and "rows influence one another, as the Python model's do" in ran.out
    tsharness.export(Shares().eval(), torch.randn(2, 3), path, method="script", fixed=["x"])
    alone = command_line("verify", path, "--select", "parity", "--select", "batch")
    assert alone.code == 1 and "rows are not computed by themselves" in alone.out
