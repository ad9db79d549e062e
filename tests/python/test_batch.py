"""The check of rows: healthy models of many kinds pass it, and rows that leak are found beside anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from conftest import tsharness, verify_json
from tsharness.exporting import torch_jit

ONLY = ("--select", "batch")


class KeepDim(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return x * 2, x.abs().mean(0, keepdim=True), x.sum()


class Constant(nn.Module):
    """Its table has as many rows as the batch, by chance."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.arange(12.0).view(3, 4))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x + 1, self.table + 0


class Gram(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.t() @ x


class Detections(nn.Module):
    """As many as there are values above zero, in all rows together."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten()[x.flatten() > 0]


class PadsToTheLongest(nn.Module):
    """Rows are as long as the longest one asks for."""

    def forward(self, x: Tensor) -> Tensor:
        longest = int(x[:, 0].abs().max() * 10) + 1
        return x[:, :1].expand(x.size(0), longest) * 2


class Masked(nn.Module):
    """Some logits are masked, and rows leak unless there are three of them."""

    def __init__(self, sentinel: float, share: float, leak: float) -> None:
        super().__init__()
        self.sentinel, self.share, self.leak = sentinel, share, leak

    def forward(self, x: Tensor) -> Tensor:
        y = x * (1.0 + self.leak * (float(x.size(0)) - 3.0))
        masked = torch.arange(x.size(1)) < self.share * x.size(1)
        return torch.where(masked, torch.full_like(y, self.sentinel), y)


class Recurrent(nn.Module):
    def __init__(self, layers: int = 2) -> None:
        super().__init__()
        self.gru = nn.GRU(5, 6, layers, batch_first=True)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        out, state = self.gru(x, h)
        return out, state


class LeaksState(Recurrent):
    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        out, state = self.gru(x, h)
        return out, state + (float(x.size(0)) - 3.0)


def scripted(module: nn.Module, path: Path) -> Path:
    torch_jit.save(torch_jit.script(module.eval()), path)
    return path


def seen(path: Path, *inputs: str) -> tuple[str, str]:
    asked = [word for spec in inputs for word in ("--input", spec)]
    ran, report = verify_json(path, *ONLY, *asked)
    (check,) = report["checks"]
    assert ran.code == (1 if check["verdict"] == "fail" else 0), ran.text
    return check["verdict"], check["message"]


@pytest.mark.parametrize("batch", [1, 3, 8])
@pytest.mark.parametrize(
    ("module", "dims"),
    [(KeepDim(), "8"), (Constant(), "4"), (Gram(), "8"), (Detections(), "6")],
    ids=lambda value: type(value).__name__,
)
def test_what_holds_no_rows_is_not_blamed(module: nn.Module, dims: str, batch: int, tmp_path: Path) -> None:
    verdict, message = seen(scripted(module, tmp_path / "m.pt"), f"x=float32[{batch},{dims}]")
    assert verdict in ("pass", "skipped"), message


def test_an_output_that_keeps_its_rows_is_named(tmp_path: Path) -> None:
    path = scripted(Constant(), tmp_path / "m.pt")
    verdict, message = seen(path, "x=float32[3,4]")
    assert verdict == "pass" and "output[1] has 3 rows whatever the batch" in message


def test_rows_that_are_padded_together_are_said_and_not_blamed(tmp_path: Path) -> None:
    verdict, message = seen(scripted(PadsToTheLongest(), tmp_path / "m.pt"), "x=float32[3,4]")
    assert verdict == "skipped" and "padding to the longest" in message


@pytest.mark.parametrize(
    ("sentinel", "share"),
    [(-1e9, 0.1), (-1e4, 0.5), (1e20, 0.9), (-3.4028e38, 0.5), (-65504.0, 0.1), (-float("inf"), 0.9)],
)
def test_a_leak_of_one_percent_is_found_beside_sentinels(
    sentinel: float, share: float, tmp_path: Path
) -> None:
    leaks = scripted(Masked(sentinel, share, 0.01), tmp_path / "leaks.pt")
    assert seen(leaks, "x=float32[3,10]")[0] == "fail"
    healthy = scripted(Masked(sentinel, share, 0.0), tmp_path / "healthy.pt")
    assert seen(healthy, "x=float32[3,10]")[0] == "pass"


NAMED = ("x=float32[N=3,7,5]", "h=float32[2,N=3,6]")
PLAIN = ("x=float32[3,7,5]", "h=float32[2,3,6]")


@pytest.mark.parametrize("specs", [NAMED, PLAIN], ids=["declared", "by size"])
def test_states_of_recurrent_networks(specs: tuple[str, ...], tmp_path: Path) -> None:
    asked: tuple[Any, ...] = tuple(spec.replace("N=3", "N") for spec in specs)
    dims = ("--dim", "N=3") if specs is NAMED else ()
    words = [word for spec in asked for word in ("--input", spec)]
    for module, code in ((Recurrent(), 0), (LeaksState(), 1)):
        path = scripted(module, tmp_path / f"{type(module).__name__}.pt")
        ran = tsharness("verify", path, *ONLY, *words, *dims)
        assert ran.code == code, ran.text
        assert ("each row is computed as if it were alone" in ran.text) == (code == 0), ran.text


def test_where_the_batch_is_not_known_nothing_is_blamed(tmp_path: Path) -> None:
    """As many layers as rows."""
    with torch.no_grad(), torch_jit.listening():
        traced = torch_jit.trace(Recurrent(), {"forward": inputs_of(2)})
    torch_jit.save(traced, tmp_path / "m.pt")
    ran = tsharness("verify", tmp_path / "m.pt", "--input", "x=float32[2,7,5]", "--input", "h=float32[2,2,6]")
    assert ran.code == 0 and "baked" not in ran.text, ran.text


def inputs_of(batch: int) -> Any:
    from tsharness.exporting.inputs import Inputs

    return Inputs(torch.rand(batch, 7, 5), torch.rand(2, batch, 6))
