"""What is written to while a model runs (TS346, TS347), through whatever names it has; and nothing else.

torch.jit.script reads annotations as objects, hence no import of annotations."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tsharness.exporting import torch_jit
from tsharness.inspection.api import inspect


class Holder:
    def __init__(self, held: Tensor) -> None:
        self.held = held
        self.items: list[Tensor] = []

    def put(self, held: Tensor) -> None:
        self.held = held

    def push(self, held: Tensor) -> None:
        self.items.append(held)


class Part(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("sum", torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.sum

    @torch.jit.export
    def keep(self, x: Tensor) -> None:
        self.sum.copy_(x)

    @torch.jit.export
    def fill(self, x: Tensor) -> Tensor:
        return x.fill_(1.0)

    @torch.jit.export
    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.sum, x * 2


class State(nn.Module):
    past: list[Tensor]
    by_name: dict[str, Tensor]
    numbers: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.past = torch.jit.annotate(list[Tensor], [])
        self.by_name = {"a": torch.zeros(4)}
        self.numbers = [2, 1]
        self.count = 0
        self.register_buffer("b", torch.zeros(4))
        self.part = Part()
        self.norm = nn.BatchNorm1d(4)
        self.holder = torch.jit.script(Holder)(torch.zeros(4))

    @torch.jit.export
    def fresh(self, x: Tensor) -> Holder:
        return Holder(x)


WRITES = {
    "an attribute": "self.count += 1",
    "of a part": "self.part.keep(x)",
    "an attribute of an object": "self.holder.put(x)",
    "an attribute of an object, here": "self.holder.held = x",
    "a list of an object": "self.holder.push(x)",
    "an object of its own that holds its buffer": "h = self.fresh(self.b)\n    h.held.add_(1)",
    "what an object of its own was given": "h = self.fresh(x)\n    h.put(self.b)\n    h.held.add_(1)",
    "in place": "self.b.mul_(0.5)",
    "in place, as a function": "torch.relu_(self.b)",
    "a slice": "self.b[:2] = x[:2]",
    "an item": "self.b[0] = 1.0",
    "augmented": "b = self.b\n    b += x",
    "augmented, an item": "b = self.b\n    b[0] += 1.0",
    "out=": "torch.add(x, x, out=self.b)",
    "a view": "v = self.b.view(2, 2)\n    v.zero_()",
    "a view of a view": "self.b.view(2, 2)[0].unsqueeze(0).fill_(1.0)",
    "perhaps a view": "self.b.reshape(-1).to(torch.float32).zero_()",
    "a chunk": "a, b = self.b.chunk(2)\n    a.zero_()",
    "a chunk, looped over": "for c in self.b.split(2):\n        c.zero_()",
    "what an operator in place gives back": "y = self.b.detach_()\n    y.zero_()",
    "append": "self.past.append(x)",
    "extend": "self.past.extend([x])",
    "insert": "self.past.insert(0, x)",
    "pop": "self.past.pop()",
    "clear": "self.past.clear()",
    "an item of a list": "self.past[0] = x",
    "del": "del self.past[0]",
    "reverse": "self.past.reverse()",
    "sort": "self.numbers.sort()",
    "a list under another name": "past = self.past\n    past += [x]",
    "an element of a list": "self.past[0].zero_()",
    "every element": "for t in self.past:\n        t.zero_()",
    "every element, by number": "for i in range(len(self.past)):\n        self.past[i].zero_()",
    "an element of a copy": "self.past[1:][0].zero_()",
    "a key": "self.by_name['k'] = x",
    "update": "self.by_name.update({'k': x})",
    "pop a key": "self.by_name.pop('a')",
    "setdefault": "self.by_name.setdefault('a', x)",
    "del a key": "del self.by_name['a']",
    "a value of a dict": "for k, v in self.by_name.items():\n        v.zero_()",
    "a value by its key": "self.by_name['a'].zero_()",
    "a value by get": "v = self.by_name.get('a')\n    if v is not None:\n        v.zero_()",
    "an element of a new list": "new = [x, self.b]\n    new[1].zero_()",
    "an element of a new list, appended": "new = [x]\n    new.append(self.b)\n    new[1].zero_()",
    "an item of a tuple": "pair = (x * 2, self.b)\n    pair[1].zero_()",
    "an item of a tuple, unpacked": "a, b = (x * 2, self.b)\n    b.zero_()",
    "in one branch": "q = self.b if bool(x.sum() > 0) else x * 2\n    q.zero_()",
    "behind a branch": "if bool(x.sum() > 1e9):\n        self.b.zero_()",
    "carried by a loop": "a = x * 2\n    for i in range(3):\n        a.zero_()\n        a = self.b",
    "what a part gives": "self.part(x).zero_()",
    "by a part that was given it": "self.part.fill(self.b)",
    "one of two that a part gives": "a, b = self.part.both(x)\n    a.zero_()",
}
HEALTHY = {
    "an object of its own": "h = self.fresh(x * 2)\n    h.held = x\n    h.put(x)\n    h.push(x)",
    "an attribute of one": "h = self.fresh(self.b)\n    h.held = h.held * 2\n    h.push(self.b)",
    "a new tensor": "y = self.b * 2\n    y.add_(1)",
    "a new tensor, by item": "y = torch.zeros(4)\n    y[0] = self.b[0]",
    "a clone": "self.b.clone().zero_()",
    "a new list": "new: List[Tensor] = []\n    new.append(self.b)\n    new.pop()",
    "a copy of a list": "new = list(self.past)\n    new.append(x)",
    "a part of a list": "new = self.past[1:]\n    new.append(x)",
    "two lists in one": "new = self.past + [x]\n    new.append(x)",
    "a copy of a dict": "new = self.by_name.copy()\n    new['k'] = x",
    "the list of a dict's values": "new = list(self.by_name.values())\n    new.append(x)",
    "the new one in a tuple": "pair = (x * 2, self.b)\n    pair[0].zero_()",
    "the new one of a part": "a, b = self.part.both(x)\n    b.zero_()",
    "a part that writes to what is new": "self.part.fill(x * 2)",
    "out= of what is new": "y = torch.zeros(4)\n    torch.add(self.b, x, out=y)",
    "a tensor that is sorted": "torch.sort(self.b.view(-1))\n    torch.sort(x)",
    "batch norm": "y = self.norm(x.view(1, 4))",
}
INPUTS = {
    "in place": "x.mul_(2)",
    "an item": "x[0] = 1.0",
    "a view": "x.view(2, 2).zero_()",
    "out=": "torch.add(self.b, 1, out=x)",
    "by a part": "self.part.fill(x)",
    "a list": "xs.append(x)",
    "an element": "xs[0].zero_()",
    "an object of its own that holds it": "h = self.fresh(x)\n    h.held.zero_()",
}


def found(body: str, path: Path) -> dict[str, str]:
    """What is found of a method with that body, by code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.jit.script(type("State", (State,), {})().eval())  # a class for each: they share a type
        model.define(f"def forward(self, x: Tensor, xs: List[Tensor]):\n    {body}\n    return x\n")
    torch_jit.save(model, path)
    seen: dict[str, str] = {}
    for one in inspect(path).findings:
        seen[one.code] = f"{seen.get(one.code, '')}{one.seen}\n"
    return seen


@pytest.mark.parametrize("name", WRITES)
def test_state_that_is_written_to(name: str, tmp_path: Path) -> None:
    seen = found(WRITES[name], tmp_path / "m.pt")
    assert "TS347" in seen, seen


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_new_is_no_state(name: str, tmp_path: Path) -> None:
    seen = found(HEALTHY[name], tmp_path / "m.pt")
    assert not {"TS346", "TS347"} & set(seen), seen


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_that_are_written_to(name: str, tmp_path: Path) -> None:
    seen = found(INPUTS[name], tmp_path / "m.pt")
    assert "TS346" in seen and "TS347" not in seen, seen
    assert "writes to x" in seen["TS346"]


def test_random_numbers_behind_a_branch(tmp_path: Path) -> None:
    seen = found("if bool(x.sum() > 1e9):\n        x = x + torch.rand_like(x)", tmp_path / "m.pt")
    assert "aten::rand_like" in seen["TS345"]


def test_a_module_in_training_writes_its_statistics(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.jit.script(nn.Sequential(nn.BatchNorm1d(4)).train())
    torch_jit.save(model, tmp_path / "m.pt")
    assert "TS347" in {one.code for one in inspect(tmp_path / "m.pt").findings}
