"""Faults of a preprocessing, planted and named."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import tsharness as package
from conftest import tsharness

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Identity(torch.nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image + 0


def picture() -> Tensor:
    """Of bytes, not symmetric in any way."""
    generator = torch.Generator().manual_seed(0)
    ramp = torch.arange(24 * 32).view(1, 1, 24, 32) / 6
    noise = torch.randint(0, 100, (1, 3, 24, 32), generator=generator)
    return (ramp + noise + torch.tensor([0, 10, 20]).view(1, 3, 1, 1)).clamp(0, 255).floor() / 255


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Tensor], Path]:
    """An artifact whose one case has that input."""
    folder = tmp_path_factory.mktemp("cases")

    def make(image: Tensor) -> Path:
        path = folder / f"{abs(hash(image.sum().item()))}.pt"
        if not path.exists():
            package.export(Identity(), image, path, method="script", families=())
        return path

    return make


Case = Callable[[Tensor], Path]


def npy(tensor: Tensor) -> bytes:
    code = {torch.float32: "<f4", torch.uint8: "|u1", torch.float64: "<f8"}[tensor.dtype]
    header = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {tuple(tensor.shape)}, }}"
    padded = header + " " * (-(len(header) + 11) % 64) + "\n"
    data = bytes(tensor.contiguous().flatten().view(torch.uint8).tolist())
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode() + data


def found(path: Path, file: Path) -> tuple[int, list[dict[str, Any]]]:
    ran = tsharness("diff-input", path, file, "--json", "-")
    assert ran.code in (0, 1), ran.text
    return ran.code, json.loads(ran.out)["differences"]


RAW = picture()
NORMAL = (RAW - MEAN) / STD

# name, the case's input, the user's tensor, the kinds that must be named, and words that must be said
FAULTS: list[tuple[str, Tensor, Tensor, list[str], str]] = [
    ("dtype", RAW, RAW.double(), ["dtype"], "float64, the case is float32"),
    ("NHWC", NORMAL, NORMAL.permute(0, 2, 3, 1).contiguous(), ["layout"], "NHWC, the case is NCHW"),
    (
        "reshaped",
        NORMAL,
        NORMAL.permute(0, 2, 3, 1).reshape(1, 3, 24, 32),
        ["layout"],
        "reshaped, not permuted",
    ),
    ("BGR", NORMAL, NORMAL.flip(1), ["channel order"], "BGR for RGB"),
    ("scale", RAW, RAW * 255, ["scale"], "divide by 255"),
    ("bytes", RAW, (RAW * 255).round().to(torch.uint8), ["dtype", "scale"], "divide by 255"),
    ("offset", RAW, RAW - 0.5, ["offset"], "add 0.5"),
    ("-1 to 1", RAW, RAW * 2 - 1, ["scale", "offset"], "add 0.5"),
    (
        "normalisation",
        NORMAL,
        RAW,
        ["normalisation"],
        "mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225)",
    ),
    ("both", NORMAL, RAW * 255, ["scale", "normalisation"], "divide by 255 first"),
    ("upside down", NORMAL, NORMAL.flip(2), ["flip"], "dim 2 runs the other way"),
    ("mirrored", NORMAL, NORMAL.flip(3), ["flip"], "dim 3 runs the other way"),
    (
        "padding",
        RAW,
        torch.nn.functional.pad(RAW, (0, 0, 4, 4)),
        ["padding"],
        "dim 2 by 4 before and 4 behind",
    ),
    ("no batch", NORMAL, NORMAL[0], ["batch"], "unsqueeze(0)"),
    ("BGR and scale", RAW, RAW.flip(1) * 255, ["channel order", "scale"], "divide by 255"),
    ("transposed", RAW, RAW.transpose(2, 3).contiguous(), ["layout"], "NCWH, the case is NCHW"),
]


@pytest.mark.parametrize(("name", "golden", "mine", "kinds", "said"), FAULTS, ids=[row[0] for row in FAULTS])
def test_faults(
    name: str, golden: Tensor, mine: Tensor, kinds: list[str], said: str, case: Case, tmp_path: Path
) -> None:
    torch.save(mine, tmp_path / "mine.pt")
    code, differences = found(case(golden), tmp_path / "mine.pt")
    assert [one["kind"] for one in differences] == kinds
    assert any(said in one["seen"] + one["do"] for one in differences)
    assert code == 1


def test_equal_in_every_kind_of_file(case: Case, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    data = bytes(RAW.flatten().view(torch.uint8).tolist())
    torch.save(RAW, tmp_path / "mine.pt")
    (tmp_path / "mine.npy").write_bytes(npy(RAW))
    (tmp_path / "mine.bin").write_bytes(data)
    save_file({"x": RAW}, tmp_path / "mine.safetensors")
    for name in ("mine.pt", "mine.npy", "mine.bin", "mine.safetensors"):
        ran = tsharness("diff-input", case(RAW), tmp_path / name, "--case", "example")
        assert (ran.code, ran.out.splitlines()[-1]) == (0, "EQUAL  the model gets what it got in the case"), (
            name
        )


def test_a_tensor_saved_by_cpp(case: Case, tmp_path: Path) -> None:
    """torch::save writes an archive of TorchScript's kind."""

    class Holder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("0", RAW)

    from tsharness.exporting import torch_jit

    torch_jit.save(torch_jit.script(Holder()), tmp_path / "mine.pt")
    assert found(case(RAW), tmp_path / "mine.pt") == (0, [])


def test_the_header_of_a_npy_file(case: Case, tmp_path: Path) -> None:
    (tmp_path / "mine.bin").write_bytes(npy(RAW))
    _, (one,) = found(case(RAW), tmp_path / "mine.bin")
    assert one["kind"] == "npy header" and "(128 bytes)" in one["seen"]
    # Read as data by a program that then dumped as many floats as the model takes.
    begun = torch.frombuffer(bytearray(npy(RAW)), dtype=torch.float32)[: RAW.numel()].reshape(RAW.shape)
    torch.save(begun, tmp_path / "mine.pt")
    _, (one,) = found(case(RAW), tmp_path / "mine.pt")
    assert one["kind"] == "npy header" and "read as numbers" in one["seen"]


def test_another_picture_is_called_so(case: Case, tmp_path: Path) -> None:
    torch.save(torch.rand(1, 3, 24, 32), tmp_path / "mine.pt")
    _, (one,) = found(case(RAW), tmp_path / "mine.pt")
    assert one["kind"] == "values" and one["do"] == "it is another input"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"1234", "mine.bin", "4 bytes, but the case's input has 9216"),
        (b"nothing", "mine.npy", "no .npy file"),
        (b"nothing", "mine.pt", "cannot read it"),
        (None, "mine.bin", "does not exist"),
    ],
)
def test_files_that_are_not_understood(
    content: bytes | None, name: str, said: str, case: Case, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    ran = tsharness("diff-input", case(RAW), tmp_path / name)
    assert ran.code == 2 and said in ran.err and "Traceback" not in ran.err


def test_no_such_case_or_input(case: Case, tmp_path: Path) -> None:
    torch.save(RAW, tmp_path / "mine.pt")
    ran = tsharness("diff-input", case(RAW), tmp_path / "mine.pt", "--case", "nothing")
    assert ran.code == 2 and "there are: example" in ran.err
    ran = tsharness("diff-input", case(RAW), tmp_path / "mine.pt", "--input", "y")
    assert ran.code == 2 and "tensors among its inputs: image" in ran.err
