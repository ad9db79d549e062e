"""``tsharness pack``: cases for artifacts that somebody else made."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch

import tsharness
from conftest import tsharness as command_line
from tsharness.artifact.archive import embedded_cases
from tsharness.artifact.reading import content_sha256
from tsharness.cases.case_file import CaseDocument
from tsharness.exporting import torch_jit

SOURCE = """
import torch


class Net(torch.nn.Module):
    def __init__(self, scale: float = 1.0):
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.scale = torch.nn.Linear(4, 2), scale

    def forward(self, x: torch.Tensor, shift: float = 0.0) -> torch.Tensor:
        return self.layer(x) * self.scale + shift


def wrong():
    return Net(2.0)


def inputs():
    return torch.ones(3, 4)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an artifact as torch.jit.save leaves it, and the source of its model."""
    (tmp_path / "net.py").write_text(SOURCE)
    namespace: dict[str, type] = {}
    exec(compile(SOURCE, str(tmp_path / "net.py"), "exec"), namespace)
    with torch_jit.without_deprecation():
        traced = torch.jit.trace(namespace["Net"]().eval(), torch.ones(1, 4))  # type: ignore[no-untyped-call]
    torch_jit.save(traced, tmp_path / "net.pt")
    return tmp_path


def document(path: Path) -> CaseDocument:
    location = embedded_cases(path)
    assert location is not None
    return CaseDocument(location)


def content(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return content_sha256(path, archive.infolist())


def test_inputs_by_spec(folder: Path) -> None:
    before = content(folder / "net.pt")
    ran = command_line("pack", "net.pt", "--input", "x=float32[N,4]", "--dim", "N=1,3", cwd=folder)
    assert ran.code == 0, ran.text
    assert "packed 2 cases into net.pt" in ran.out and "reference: torch.jit in Python" in ran.out
    cases = document(folder / "net.pt")
    assert [(s.name, s.origin) for s in cases.summaries] == [
        ("N=1", "torchscript-python"),
        ("N=3", "torchscript-python"),
    ]
    assert cases.signature["forward"]["arguments"][0]["dims"] == ["x_0", 4]
    assert content(folder / "net.pt") == before == cases.provenance["content_sha256"]
    assert command_line("verify", folder / "net.pt").code == 0


def test_an_eager_reference(folder: Path) -> None:
    options = ("--inputs", "net.py:inputs", "--reference", "net.py:Net")
    ran = command_line("pack", "net.pt", *options, cwd=folder)
    assert ran.code == 0, ran.text
    assert document(folder / "net.pt").summaries[0].origin == "eager"


def test_a_reference_that_disagrees_is_not_packed(folder: Path) -> None:
    options = ("--inputs", "net.py:inputs", "--reference", "net.py:wrong")
    before = (folder / "net.pt").read_bytes()
    ran = command_line("pack", "net.pt", *options, cwd=folder)
    assert ran.code == 1 and "nothing was written" in ran.out
    assert (folder / "net.pt").read_bytes() == before
    assert command_line("pack", "net.pt", *options, "--force", cwd=folder).code == 1
    assert document(folder / "net.pt").provenance["self_check"] == {"verdict": "fail"}


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_saved_tensors(kind: str, folder: Path) -> None:
    x = torch.randn(2, 4)
    with torch.no_grad():
        y = torch_jit.load(folder / "net.pt")(x)
    for name, value in (("in", {"x": x}), ("out", {"y": y})):
        path = folder / f"{name}.{kind}"
        if kind == "pt":
            torch.save(next(iter(value.values())), path)
        else:
            safetensors.torch.save_file(value, path)
    ran = command_line("pack", "net.pt", "--inputs", f"in.{kind}", "--outputs", f"out.{kind}", cwd=folder)
    assert ran.code == 0, ran.text
    assert document(folder / "net.pt").summaries[0].origin == "file"
    broken = folder / f"out.{kind}"
    torch.save(y + 1, broken) if kind == "pt" else safetensors.torch.save_file({"y": y + 1}, broken)
    ran = command_line("pack", "net.pt", "--inputs", f"in.{kind}", "--outputs", f"out.{kind}", cwd=folder)
    assert ran.code == 1 and "differs in 4 of 4 elements" in ran.out


def test_bundled_inputs_are_written_and_read(folder: Path) -> None:
    options = ("--inputs", "net.py:inputs", "--bundled-inputs", "-o", "bundled.pt")
    assert command_line("pack", "net.pt", *options, cwd=folder).code == 0
    assert embedded_cases(folder / "net.pt") is None
    with torch_jit.without_deprecation():
        ((x,),) = torch.jit.load(str(folder / "bundled.pt")).get_all_bundled_inputs()
    assert torch.equal(x, torch.ones(3, 4))
    assert command_line("pack", "bundled.pt", "--strip", cwd=folder).code == 0
    assert command_line("pack", "bundled.pt", cwd=folder).code == 0
    assert [s.name for s in document(folder / "bundled.pt").summaries] == ["bundled-0"]


def test_beside(folder: Path) -> None:
    before = (folder / "net.pt").read_bytes()
    ran = command_line("pack", "net.pt", "--inputs", "net.py:inputs", "--beside", cwd=folder)
    assert ran.code == 0 and (folder / "net.pt").read_bytes() == before
    ran = command_line("verify", "net.pt", cwd=folder)
    assert ran.code == 0 and "beside the artifact" in ran.out


def test_strip_gives_back_what_was_there(folder: Path, models: Path) -> None:
    original = content(folder / "net.pt")
    command_line("pack", "net.pt", "--inputs", "net.py:inputs", cwd=folder)
    ran = command_line("pack", "net.pt", "--strip", cwd=folder)
    assert ran.code == 0 and "without cases now" in ran.out
    assert embedded_cases(folder / "net.pt") is None and content(folder / "net.pt") == original
    assert "no cases inside" in command_line("pack", "net.pt", "--strip", cwd=folder).out
    assert tsharness.strip(models / "transformer.pt", folder / "bare.pt")
    with zipfile.ZipFile(folder / "bare.pt") as archive, (folder / "bare.pt").open("rb") as file:
        for info in archive.infolist():
            file.seek(info.header_offset + 26)
            lengths = int.from_bytes(file.read(2), "little"), int.from_bytes(file.read(2), "little")
            assert (info.header_offset + 30 + sum(lengths)) % 64 == 0, info.filename
        assert archive.testzip() is None
    torch_jit.load(folder / "bare.pt")


def test_packing_again_replaces_the_cases(folder: Path) -> None:
    for dims in ("N=1", "N=2,3"):
        ran = command_line("pack", "net.pt", "--input", "x=float32[N,4]", "--dim", dims, cwd=folder)
        assert ran.code == 0
    assert [s.name for s in document(folder / "net.pt").summaries] == ["N=2", "N=3"]
    with zipfile.ZipFile(folder / "net.pt") as archive:
        assert len([n for n in archive.namelist() if "cases" in n]) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("net.pt",), 2, "no inputs: it bundles none"),
        (("no.pt", "--input", "x=float32[1]"), 5, "does not exist"),
        (("net.py", "--input", "x=float32[1]"), 5, "no TorchScript archive"),
        (("net.pt", "--inputs", "no.py:x"), 2, "does not exist"),
        (("net.pt", "--inputs", "no.safetensors"), 2, "does not exist"),
        (("net.pt", "--input", "x=float32[3]"), 5, "mat1 and mat2 shapes cannot be multiplied"),
        (("net.pt", "--strip", "--beside"), 2, "--strip takes cases out"),
        (("net.pt", "--beside", "-o", "x.pt"), 2, "beside leaves the artifact as it is"),
        (("net.pt", "--outputs", "y.pt", "--reference", "a:b"), 2, "not from both"),
        (("net.pt", "--inputs", "net.py:inputs", "--outputs", "no.pt"), 2, "does not exist"),
    ],
)
def test_what_pack_does_not_take(arguments: tuple[str, ...], code: int, message: str, folder: Path) -> None:
    ran = command_line("pack", *arguments, cwd=folder)
    assert (ran.code, "Traceback" in ran.text) == (code, False), ran.text
    assert message in ran.err


def test_a_compressed_or_cut_archive_is_said_to_be_none(folder: Path) -> None:
    (folder / "cut.pt").write_bytes((folder / "net.pt").read_bytes()[:-40])
    ran = command_line("pack", "cut.pt", "--strip", cwd=folder)
    assert ran.code in (0, 5) and "Traceback" not in ran.text
