"""What LibTorch reads and compiles of a file is what was judged of it, or nothing of it is called. The
inspection is bypassed here: jobs say that something else was judged than what the file holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import tsharness as package
from conftest import run
from tsharness.artifact.script_archive import read_archive
from tsharness.errors import RefusedError
from tsharness.exporting import torch_jit
from tsharness.inspection.gate import refuse_dangers
from tsharness.inspection.judged import Judged
from tsharness.runner.cage import Sandbox
from tsharness.runner.find import find_runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Outcome


class Indexing(nn.Module):
    """LibTorch's compiler makes aten::__getitem__ of what has no name in the code."""

    def forward(self, x: Tensor) -> Tensor:
        return [x.sinh(), x][0]


class Saving(nn.Module):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: Tensor) -> Tensor:
        return x

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path = state[0]
        self.training = state[1]
        torch.save(torch.ones(1), self.path)


def double(x: Tensor) -> Tensor:
    return torch.sinh(x)


class Pair:
    def __init__(self, x: Tensor) -> None:
        self.x = x

    def never_called(self) -> Tensor:
        return torch.acosh(self.x)


with torch_jit.without_deprecation():

    @torch.jit.interface
    class Step(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            pass


class Inner(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.atan(x)


class Everywhere(nn.Module):
    """An operator of its own in every place where code can be."""

    def __init__(self) -> None:
        super().__init__()
        self.step = Inner()

    def forward(self, x: Tensor) -> Tensor:
        pair = Pair(x)
        beside = torch.jit.fork(double, pair.x)
        for _ in range(2):
            if bool(x.sum() > 0):
                x = torch.cosh(x)
        return self.step.forward(x) + torch.jit.wait(beside)

    @torch.jit.export
    def other(self, x: Tensor) -> Tensor:
        return torch.asinh(x)


Everywhere.__annotations__["step"] = Step  # in this file annotations are texts

PLACES = {
    "aten::sinh": "a function beside",
    "aten::acosh": "a class's method",
    "aten::cosh": "a nested block",
    "aten::atan": "a module behind an interface",
    "aten::asinh": "another method",
    "aten::erf": "a hook",
    "aten::erfc": "a hook before",
}


def pre_hook(self, x: tuple[Tensor]) -> tuple[Tensor]:  # type: ignore[no-untyped-def]
    return (torch.erfc(x[0]),)


def hook(self, x: tuple[Tensor], y: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
    return torch.erf(y)


def saved(module: nn.Module, path: Path) -> Path:
    torch_jit.save(torch_jit.script(module.eval()), path)
    return path


def save_bytecode(path: Path, flatbuffer: bool) -> None:
    with torch_jit.without_deprecation():
        torch_jit.script(Indexing())._save_for_lite_interpreter(str(path), _use_flatbuffer=flatbuffer)


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    """Without the cage: what would be written, would be there."""
    launcher = Launcher(find_runner(), Sandbox.OFF)
    yield launcher
    launcher.close()


def loaded(launcher: Launcher, path: Path, judged: Mapping[str, Any] | None, kind: str = "") -> Outcome:
    launcher.judged = {} if judged is None else {path: judged}
    return launcher.run(Job(path, ({"step": "load"},), kind=kind), 60)


def without(op: str, judged: Mapping[str, Any]) -> dict[str, Any]:
    """As if nobody had seen that operator, nor any table known it."""
    space, _, name = op.partition("::")
    known = [one for one in judged["harmless"][space] if one != name]
    operators = [one for one in judged["operators"] if one != op]
    return {**judged, "operators": operators, "harmless": {**judged["harmless"], space: known}}


def refusal(outcome: Outcome) -> str:
    (error,) = outcome.errors()
    assert error["kind"] == "refused" and outcome.events[-1]["exit_code"] == 7
    assert not outcome.results("load")
    return str(error["message"])


def test_what_was_judged_is_loaded_and_reported(launcher: Launcher, tmp_path: Path) -> None:
    path = saved(Indexing(), tmp_path / "m.pt")
    (event,) = loaded(launcher, path, refuse_dangers(path).for_job()).results("load")
    assert event["operators"] == ["aten::__getitem__", "aten::sinh"]
    (by_hand,) = loaded(launcher, path, None).results("load")
    assert by_hand["operators"] == event["operators"]


def test_an_operator_that_was_not_judged_stops_the_run(launcher: Launcher, tmp_path: Path) -> None:
    path = saved(Indexing(), tmp_path / "m.pt")
    judged = {**refuse_dangers(path).for_job(), "harmless": {}}
    assert refusal(loaded(launcher, path, judged)) == (
        "TS369 LibTorch compiled what was not judged: aten::__getitem__"
    )


@pytest.mark.parametrize("difference", ["operator", "bytes", "unseen", "gone"])
def test_other_code_stops_the_run_before_it_is_loaded(
    launcher: Launcher, tmp_path: Path, difference: str
) -> None:
    marker = tmp_path / "marker"
    path = saved(Saving(str(marker)), tmp_path / "m.pt")
    marker.unlink(missing_ok=True)
    judged = refuse_dangers(path, ["aten::save"]).for_job()
    record = next(iter(judged["records"]))
    message = {
        "operator": "it names aten::save",
        "bytes": f"{record} has other bytes",
        "unseen": f"{record} was not seen",
        "gone": "code/more.py is not there",
    }[difference]
    if difference == "operator":
        judged["operators"].remove("aten::save")
    else:
        changed: dict[str, dict[str, str]] = {"bytes": {record: "0" * 64}, "gone": {"code/more.py": ""}}
        records = {**judged["records"], **changed.get(difference, {})}
        if difference == "unseen":
            del records[record]
        judged["records"] = records
    said = refusal(loaded(launcher, path, judged))
    assert said == f"TS368 LibTorch reads other code than was judged: {message}"
    assert not marker.exists()


def test_without_the_second_line_it_would_have_been_written(launcher: Launcher, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    path = saved(Saving(str(marker)), tmp_path / "m.pt")
    marker.unlink(missing_ok=True)
    assert loaded(launcher, path, None).results("load") and marker.exists()


def test_every_place_of_code_is_seen(launcher: Launcher, tmp_path: Path) -> None:
    module = Everywhere()
    module.register_forward_pre_hook(pre_hook)
    module.register_forward_hook(hook)
    path = saved(module, tmp_path / "m.pt")
    judged = refuse_dangers(path).for_job()
    (event,) = loaded(launcher, path, judged).results("load")
    assert {op for op in PLACES if op not in event["operators"]} == set()
    for op, place in PLACES.items():
        assert op in refusal(loaded(launcher, path, without(op, judged))), place


@pytest.mark.parametrize("form", ["zip", "flatbuffer"])
def test_bytecode_is_seen(launcher: Launcher, tmp_path: Path, form: str) -> None:
    path = tmp_path / ("m.ptl" if form == "zip" else "m.ff")
    save_bytecode(path, form == "flatbuffer")
    judged = refuse_dangers(path, as_kind="lite").for_job()
    (event,) = loaded(launcher, path, judged, "lite").results("load")
    assert {"aten::sinh", "aten::__getitem__"} <= set(event["operators"])
    code = "TS368" if form == "zip" else "TS369"
    assert refusal(loaded(launcher, path, without("aten::sinh", judged), "lite")).startswith(code)


def test_a_flatbuffer_is_run_as_lite(launcher: Launcher, tmp_path: Path) -> None:
    path = tmp_path / "m.ff"
    save_bytecode(path, flatbuffer=True)
    judged = refuse_dangers(path, as_kind="lite").for_job()
    assert "a flatbuffer is run as lite" in refusal(loaded(launcher, path, judged, "torchscript"))


def test_verify_says_what_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(Indexing(), tmp_path / "m.pt")
    seen = Judged(read_archive(path).code_sha256, frozenset())
    monkeypatch.setattr("tsharness.verification.api.refuse_dangers", lambda *_, **__: seen)
    monkeypatch.setattr("tsharness.inspection.judged.harmless_operators", lambda: ("aten::sinh",))
    with pytest.raises(RefusedError, match=r"is not run: TS369 .*aten::__getitem__\ndo not use this file"):
        package.verify(path, reference="none")


def test_every_job_carries_what_was_judged(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of checks, of comparisons, of measuring; and those that a bundle carries."""
    jobs: list[Mapping[str, Any]] = []
    send = Launcher.take

    def took(self: Launcher, environment: Mapping[str, str] | None = None) -> Any:
        process = send(self, environment)
        give = process.send
        process.send = lambda job, *rest: (jobs.append(job.to_dict()), give(job, *rest))[1]  # type: ignore[method-assign]
        return process

    monkeypatch.setattr(Launcher, "take", took)
    linear = models / "linear.pt"
    package.verify(linear)
    package.benchmark(linear, min_seconds=0.05, processes=1)
    package.compare(linear, models / "linear.pt", new_options=package.SideOptions(threads=1), max_time=0.5)
    assert len(jobs) > 4
    made = package.bundle(linear, tmp_path / "b", level="quick")
    jobs += [entry["job"] for entry in json.loads((made.path / "bundle.json").read_text())["jobs"]]
    for job in jobs:
        sides = [side for step in job["steps"] for side in step.get("sides", ())]
        for asked in (job, *sides):
            assert asked["judged"]["records"] and asked["judged"]["harmless"]["aten"]


def test_malformed_and_by_hand(tmp_path: Path, runner_path: Path) -> None:
    path = saved(Indexing(), tmp_path / "m.pt")
    job = {"protocol": 1, "artifact": str(path), "steps": [{"step": "load"}]}
    for judged, code in (({"records": 1}, 2), ([], 2), (None, 0), ({"records": {}, "operators": []}, 7)):
        (tmp_path / "job.json").write_text(json.dumps({**job, "judged": judged}))
        assert run(runner_path, tmp_path / "job.json").code == code, judged
