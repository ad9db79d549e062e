"""How inputs are looked for: what errors ask for, what is proposed next, and that it ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812

from conftest import verify_json
from tsharness.cases.input_spec import parse_input
from tsharness.cases.specs import (
    DictSpec,
    InputCase,
    ListSpec,
    ScalarSpec,
    Spec,
    TensorSpec,
    TupleSpec,
    in_words,
)
from tsharness.errors import UsageError
from tsharness.exporting import torch_jit
from tsharness.verification.inputs.demands import (
    Count,
    Demand,
    Dtype,
    Fewer,
    Larger,
    Multiple,
    Range,
    Rank,
    Size,
    Trial,
)
from tsharness.verification.inputs.facts import Type
from tsharness.verification.inputs.messages import demands_of, essence
from tsharness.verification.inputs.repair import repaired
from tsharness.verification.inputs.search import MOST_CALLS, MOST_ROUNDS, MOST_SECONDS, Search

NAMES = st.from_regex(r"[a-z_]\w{0,8}", fullmatch=True)
TENSORS = st.builds(
    TensorSpec,
    NAMES,
    st.sampled_from(["float32", "int64", "bool"]),
    st.lists(st.integers(1, 40), max_size=5).map(tuple),
)
SCALARS = st.builds(ScalarSpec, NAMES, st.none() | st.booleans() | st.integers(0, 999) | st.floats(0, 1))
LEAVES = TENSORS | SCALARS


def containers(inner: st.SearchStrategy[Spec]) -> st.SearchStrategy[Spec]:
    several = st.lists(inner, max_size=3).map(tuple)
    entries = st.lists(inner, max_size=3, unique_by=lambda spec: spec.name).map(tuple)
    return (
        st.builds(ListSpec, NAMES, several)
        | st.builds(TupleSpec, NAMES, several)
        | st.builds(DictSpec, NAMES, entries)
    )


SPECS: st.SearchStrategy[Spec] = st.recursive(LEAVES, containers, max_leaves=5)
CASES = st.builds(InputCase, st.just("0"), st.lists(SPECS, min_size=1, max_size=3).map(tuple))
NUMBERS = st.integers(-9, 10**12).map(str)
PHRASES = (
    *("expected input[", "] to have", "channels, but got", "channels", "The size of tensor a (", ")", "x"),
    *(
        "must match the size of tensor b (",
        "shapes cannot be multiplied (",
        "and",
        "index out of range in self",
    ),
    *("expected to be in range of [-", ",", "], but got", "shape '[", "]' is invalid for input of size"),
    *("Expected", "elements in a list but found", "expected scalar type Long but found", "took longer than"),
    *("RuntimeError: ", "\n", "out of range for tensor of size [", "] at dimension", "is out of bounds for"),
)
WORDS = st.sampled_from(PHRASES)
TEXTS = st.lists(WORDS | NUMBERS | st.text(max_size=8), max_size=30).map(" ".join) | st.text()
OPERANDS = st.none() | st.fixed_dictionaries(
    {"dims": st.lists(st.integers(0, 50), max_size=5), "dtype": st.sampled_from(["float32", "int64"])}
)
RAISED = st.none() | st.fixed_dictionaries(
    {"op": st.text(max_size=5), "inputs": st.lists(OPERANDS, max_size=3)}
)


@given(CASES, TEXTS, RAISED)
def test_any_text_is_read_and_leads_to_other_inputs(
    case: InputCase, text: str, raised: dict[str, object]
) -> None:
    for demand in demands_of(Trial(case, text, 0, raised)):
        for next_one in repaired(case, demand):
            assert next_one.inputs != case.inputs


@given(SPECS)
def test_what_is_proposed_can_be_stated(spec: Spec) -> None:
    stated = parse_input(in_words(spec))
    assert in_words(stated) == in_words(spec)
    case = InputCase("0", (stated,))
    assert InputCase.from_dict(case.to_dict()) == case


@pytest.mark.parametrize(
    "text",
    [
        "x=[float32[2]",
        "x=(1,,2)",
        "x={1 2}",
        "x={a: 1, a: 2}",
        "x=[1] 2",
        "x={a: float9[2]}",
        "x=" + "[" * 999,
    ],
)
def test_containers_that_are_not_understood(text: str) -> None:
    with pytest.raises(UsageError, match="for example"):
        parse_input(text)


def test_types_are_read() -> None:
    read = Type.read("Dict[str, List[Tuple[Tensor, Optional[int]]]]")
    inner = Type("Tuple", (Type("Tensor"), Type("Optional", (Type("int"),))))
    assert read == Type("Dict", (Type("str"), Type("List", (inner,))))


ONES, INTEGERS = torch.ones, torch.zeros(2, dtype=torch.long)
FAILURES: list[tuple[Callable[[], object], Demand]] = [
    (lambda: F.conv2d(ONES(2, 10), ONES(4, 3, 3, 3)), Rank(2, 4, (2, 10))),
    (lambda: F.conv1d(ONES(2, 4, 5, 6), ONES(4, 3, 3)), Rank(4, 3, (2, 4, 5, 6))),
    (lambda: F.conv2d(ONES(2, 4, 9, 9), ONES(4, 3, 3, 3)), Size(4, 3, (2, 4, 9, 9), 1)),
    (lambda: F.conv2d(ONES(2, 3, 2, 2), ONES(4, 3, 7, 7)), Larger()),
    (lambda: F.linear(ONES(3, 4), ONES(16, 8)), Size(4, 8)),
    (lambda: ONES(3, 4) @ ONES(8, 16), Size(4, 8)),
    (lambda: ONES(2, 5) + ONES(2, 7), Size(5, 7)),
    (lambda: ONES(5).expand(2, 7), Size(5, 7)),
    (lambda: torch.cat([ONES(2, 8), ONES(2, 7)]), Multiple()),
    (lambda: ONES(2, 10).view(-1, 3), Count(20, (-1, 3))),
    (lambda: F.batch_norm(ONES(2, 5, 4), ONES(7), ONES(7)), Size(5, 7)),
    (lambda: F.layer_norm(ONES(2, 16), [64]), Size(16, 64, (2, 16))),
    (lambda: torch.nn.LSTM(8, 3)(ONES(2, 2, 5)), Size(5, 8)),
    (lambda: ONES(2, 3).permute(0, 2, 1), Rank(2, 3)),
    (lambda: ONES(2, 3).sum(2), Rank(2, 3)),
    (lambda: ONES(2, 3).select(1, 5), Size(3, 6, (2, 3), 1)),
    (lambda: ONES(2, 3).split([1, 4], 1), Size(3, 5)),
    (lambda: ONES(3)[torch.tensor([7])], Range(2)),
    (lambda: F.embedding(ONES(2), ONES(9, 4)), Dtype("int64")),
    (lambda: F.linear(INTEGERS, ONES(3, 2)), Dtype("float32")),
    (lambda: ONES(3)[ONES(2)], Dtype("int64")),
    (lambda: ONES(3).masked_fill(ONES(3), 0), Dtype("bool")),
    (INTEGERS.mean, Dtype("float32")),
    (lambda: bool(ONES(2, 3)), Rank(2, 0)),
    (lambda: ONES(2, 3).topk(9), Fewer()),
]


@pytest.mark.parametrize(("call", "demand"), FAILURES, ids=lambda value: value.__class__.__name__)
def test_what_this_torch_says_is_understood(call: Callable[[], object], demand: Demand) -> None:
    with pytest.raises((RuntimeError, IndexError, ValueError)) as raised:
        call()
    assert demand in demands_of(Trial(InputCase("0", ()), f"RuntimeError: {raised.value}"))


def test_an_index_beyond_a_table_asks_for_the_tables_rows() -> None:
    raised = {"op": "aten::embedding", "inputs": [{"dims": [50, 4], "dtype": "float32"}, None]}
    assert Range(49) in demands_of(
        Trial(InputCase("0", ()), "IndexError: index out of range in self", 3, raised)
    )


def test_the_traceback_of_torchscript_is_no_part_of_what_is_read() -> None:
    text = 'Traceback of TorchScript:\n  File "m.py", line 224, in forward\nRuntimeError: no'
    assert essence(text) == "no"


def sizes(case: InputCase) -> tuple[int | str, ...]:
    (spec,) = case.inputs
    assert isinstance(spec, TensorSpec)
    return spec.dims


def network(case: InputCase) -> Trial:
    """Takes 36 features behind a pooling by four, of one channel, as LibTorch words it."""
    dims = tuple(map(int, sizes(case)))
    if len(dims) != 4:
        said = f"Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: {list(dims)}"
        return Trial(
            case, said, 1, {"op": "aten::conv2d", "inputs": [None, {"dims": [4, 1, 3, 3], "dtype": ""}]}
        )
    if dims[1] != 1:
        said = f"expected input{list(dims)} to have 1 channels, but got {dims[1]} channels instead"
        return Trial(case, said, 2)
    features = -(-dims[2] // 4) * -(-dims[3] // 4) * 4
    if features != 4 * 54:
        return Trial(case, f"mat1 and mat2 shapes cannot be multiplied (2x{features} and 216x7)", 5)
    return Trial(case, None, 6)


class Calls:
    """What a search tries; stops at the first that runs, as the runner does."""

    def __init__(self, answer: Callable[[InputCase], Trial]) -> None:
        self.answer, self.rounds = answer, 0
        self.tried: list[InputCase] = []

    def __call__(self, cases: Sequence[InputCase]) -> list[Trial]:
        self.rounds += 1
        done = []
        for case in cases:
            self.tried.append(case)
            done.append(self.answer(case))
            if done[-1].error is None:
                break
        return done


def test_errors_lead_from_rank_to_channels_to_size() -> None:
    calls = Calls(network)
    found = Search(calls).find([InputCase("0", (TensorSpec("x", "float32", (2, 10)),))])
    assert found is not None
    dims = tuple(map(int, sizes(found)))
    assert dims[1] == 1 and -(-dims[2] // 4) * -(-dims[3] // 4) == 54
    assert calls.rounds <= 6


def test_a_search_ends_and_tries_nothing_twice() -> None:
    calls = Calls(lambda case: Trial(case, "The size of tensor a (3) must match the size of tensor b (4)", 1))
    search = Search(calls)
    assert search.find([InputCase("0", (TensorSpec("x", "float32", (2, 3)),))]) is None
    tried = [case.inputs for case in calls.tried]
    assert len(tried) == len(set(tried)) == len(search.failures) <= MOST_CALLS
    assert calls.rounds <= MOST_ROUNDS


def test_a_search_ends_by_the_clock() -> None:
    seconds = itertools.count(0, MOST_SECONDS / 2)
    calls = Calls(lambda case: Trial(case, "The size of tensor a (3) must match the size of tensor b (4)", 1))
    search = Search(calls, clock=lambda: float(next(seconds)))
    assert search.find([InputCase("0", (TensorSpec("x", "float32", (2, 3)),))]) is None
    assert calls.rounds <= 2


class Keys(torch.nn.Module):
    """Names of keys stand in the code; one may be missing."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.layer = torch.nn.Embedding(50, 8), torch.nn.Linear(13, 4)

    def forward(self, batch: Dict[str, torch.Tensor], k: int) -> torch.Tensor:
        x = self.layer(batch["context"]) + self.table(batch["item"]).sum(-1, keepdim=True)
        if "weight" in batch:
            x = x * batch["weight"]
        return torch.topk(x, k)[0]


class Flattened(torch.nn.Module):
    """Only images of 24 by 36 pixels, or of as many."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = torch.nn.Conv2d(1, 4, 3, stride=4, padding=1), torch.nn.Linear(4 * 54, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(x).flatten(1))


class Patches(torch.nn.Module):
    """A position embedding for 4 by 3 patches and a token."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(3, 8, 16, stride=16)
        self.positions = torch.nn.Parameter(torch.rand(1, 13, 8))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.first(image).flatten(2).transpose(1, 2)
        return torch.cat([torch.zeros_like(x[:, :1]), x], 1) + self.positions


class Stated(torch.nn.Module):
    def forward(self, x: torch.Tensor, mode: str, rate: int, mask: Optional[torch.Tensor]) -> torch.Tensor:
        if mode != "mean" and mode != "sum":
            raise ValueError("mode is mean or sum")
        if rate != 11025 and rate != 22050:
            raise ValueError("the rate is unknown")
        y = x.mean(-1) if mode == "mean" else x.sum(-1)
        return y if mask is None else y * mask


class Recurrent(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = torch.nn.LSTM(6, 5, num_layers=2, batch_first=True)

    def forward(
        self, x: torch.Tensor, state: Tuple[torch.Tensor, torch.Tensor]
    ) -> Tuple[torch.Tensor, Tuple[torch.Tensor, torch.Tensor]]:
        return self.cell(x, state)


class Tokens(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(9, 4)

    def forward(self, texts: List[List[int]]) -> List[torch.Tensor]:
        return [self.table(torch.tensor(text)).mean(0) for text in texts]


class Positions(torch.nn.Module):
    """The table for positions is shorter than the text that comes to mind."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = torch.nn.Embedding(50, 4), torch.nn.Embedding(5, 4)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.words(ids) + self.positions(torch.arange(ids.size(1)))


@pytest.mark.parametrize("make", [Keys, Flattened, Patches, Stated, Recurrent, Tokens, Positions])
def test_inputs_are_found_for(make: type[torch.nn.Module], tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch_jit.save(torch_jit.script(make().eval()), path)
    ran, report = verify_json(path, "--level", "quick", "--threads", "1")
    assert ran.code == 0, ran.text
    assert report["cases_from"].startswith("inputs from its first operators")
    assert report["cases"]


def test_a_dict_is_stated_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch_jit.save(torch_jit.script(Keys().eval()), path)
    stated = "batch={context: float32[N,13], item: int64[N]:0..49, weight: float32[N,1]}"
    options = ("--input", stated, "--input", "k:int=2", "--dim", "N=1,3", "--level", "quick")
    ran, report = verify_json(path, *options)
    assert ran.code == 0, ran.text
    assert [case["name"] for case in report["cases"]] == ["N=1", "N=3"]
