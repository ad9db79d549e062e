"""Reads the texts of LibTorch's errors. What is not understood gives no demand; nothing here raises."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

from tsharness.verification.inputs.demands import (
    Count,
    Demand,
    Dims,
    Dtype,
    Fewer,
    Larger,
    Multiple,
    Range,
    Rank,
    Shape,
    Size,
    Smaller,
    Stated,
    Trial,
)

_RAISED = re.compile(r"^(?:[\w.]+\.)?\w*(?:Error|Exception): ", re.MULTILINE)
_LONGEST = 4000  # characters of a message that are read
_LARGEST = 10**9  # a size beyond is none of an input
_DTYPES = {
    "long": "int64",
    "long int": "int64",
    "int": "int32",
    "short": "int16",
    "char": "int8",
    "byte": "uint8",
    "bool": "bool",
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "bfloat16": "bfloat16",
    "c10::half": "float16",
    "c10::bfloat16": "bfloat16",
    "int64_t": "int64",
    "unsigned char": "uint8",
}

Reader = Callable[[re.Match[str], Trial], Iterator[Demand]]


def demands_of(trial: Trial) -> list[Demand]:
    """What the error of a failed call asks for, the most exact first."""
    message = essence(trial.error or "")
    found: dict[Demand, None] = {}
    for pattern, reader in _READERS:
        for match in pattern.finditer(message):
            found.update(dict.fromkeys(filter(_plausible, reader(match, trial))))
    found.update(dict.fromkeys(_stated(message)))
    return list(found)


def essence(error: str) -> str:
    """A message without the traceback of TorchScript that stands before it."""
    ends = [match.end() for match in _RAISED.finditer(error)]
    return (error[ends[-1] :] if ends else error)[:_LONGEST].strip()


def distance(demands: list[Demand]) -> float:
    """How far a call was from what is asked for: 0 where that cannot be measured."""
    sizes = [one for one in demands if isinstance(one, Size)]
    return min((abs(math.log(one.have / one.need)) for one in sizes), default=0.0)


def _plausible(demand: Demand) -> bool:
    if isinstance(demand, Size):
        return 0 < demand.have <= _LARGEST and 0 < demand.need <= _LARGEST and demand.have != demand.need
    if isinstance(demand, Rank):
        return 0 <= demand.need <= 8 and demand.have != demand.need
    if isinstance(demand, Shape):
        return demand.have != demand.need and all(0 < size <= _LARGEST for size in demand.need)
    return not isinstance(demand, Range) or 0 <= demand.high <= _LARGEST


def _dims(text: str) -> Dims:
    return tuple(int(number[:12]) for number in re.findall(r"-?\d+", text)[:16])


def _either(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    """Two sizes that must be alike, whichever is the wrong one."""
    first, second = int(match[1][:12]), int(match[2][:12])
    yield Size(first, second)
    yield Size(second, first)


def _halves(match: re.Match[str], trial: Trial) -> Iterator[Demand]:
    yield from _either(match, trial)
    yield Multiple()


def _size(have: int, need: int) -> Reader:
    """By the numbers of the groups."""

    def read(match: re.Match[str], _: Trial) -> Iterator[Demand]:
        yield Size(int(match[have][:12]), int(match[need][:12]))

    return read


def _channels(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    yield Size(int(match[3][:12]), int(match[2][:12]), _dims(match[1]), 1)


def _layer_input(match: re.Match[str], trial: Trial) -> Iterator[Demand]:
    """ "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [2, 10]"."""
    dims = _dims(match[3])
    weight = trial.operand(1)
    channels = weight["dims"][1] if weight and len(weight["dims"]) == int(match[1]) else None
    yield Rank(len(dims), int(match[1]), dims, channels)
    if match[2]:
        yield Rank(len(dims), int(match[2]), dims, channels)


def _normalized(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    need, have = _dims(match[1]), _dims(match[2])
    for wanted, found in zip(need[::-1], have[::-1], strict=False):
        yield Size(found, wanted, have)
    if len(have) < len(need):
        yield Rank(len(have), len(need) + 1, have)


def _selected(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    index, dims, dim = int(match[1][:12]), _dims(match[2]), int(match[3][:3])
    if dim < len(dims):
        yield Size(dims[dim], index + 1 if index >= 0 else -index, dims, dim)


def _out_of_bounds(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    yield Range(int(match[2][:12]) - 1)
    yield Size(int(match[2][:12]), abs(int(match[1][:12])) + 1)


def _table(_: re.Match[str], trial: Trial) -> Iterator[Demand]:
    """ "index out of range in self": the table is the operator's first input, the index its second."""
    table, index = trial.operand(0), trial.operand(1)
    if table and table["dims"]:
        yield Range(table["dims"][0] - 1, tuple(index["dims"]) if index else None)
    yield Range(0)


def _dimension(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    """ "Dimension out of range (expected to be in range of [-2, 1], but got 2)"."""
    asked = int(match[2][:3])
    yield Rank(int(match[1][:3]) + 1, asked + 1 if asked >= 0 else -asked)


def _rank(have: int, need: int) -> Reader:
    def read(match: re.Match[str], _: Trial) -> Iterator[Demand]:
        yield Rank(int(match[have][:3]), int(match[need][:3]))

    return read


def _split(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    yield Size(int(match[1][:12]), sum(_dims(match[2])))


def _shape(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    yield Shape(_dims(match[2]), _dims(match[1]))


def _hidden(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    need = int(match[1])
    for have in dict.fromkeys((int(match[2]), int(match[3] or match[2]))):
        yield Rank(have, need)


def _count(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    yield Count(int(match[2][:15]), _dims(match[1]))


def _scalar(_: re.Match[str], trial: Trial) -> Iterator[Demand]:
    operand = trial.operand(0)
    for rank in (1, 2, 3, 4):
        yield Rank(rank, 0, tuple(operand["dims"]) if operand else None)


def _dtype(need: int) -> Reader:
    """By the number of the group."""

    def read(match: re.Match[str], trial: Trial) -> Iterator[Demand]:
        for name in re.split(r",| or |/", match[need]):
            found = _DTYPES.get(name.strip().lower().removeprefix("torch."))
            if found:
                yield from _of_operands(found, trial)

    return read


def _wanted(dtype: str) -> Reader:
    def read(_: re.Match[str], trial: Trial) -> Iterator[Demand]:
        yield from _of_operands(dtype, trial)

    return read


def _of_operands(dtype: str, trial: Trial) -> Iterator[Demand]:
    """The operator's inputs that have another dtype, first; it may also come from elsewhere."""
    for operand in (trial.raised or {}).get("inputs", ()):
        if operand and operand["dtype"] != dtype:
            yield Dtype(dtype, tuple(operand["dims"]))
    yield Dtype(dtype)


def _not_for(match: re.Match[str], _: Trial) -> Iterator[Demand]:
    """ "... not implemented for 'Long'"."""
    yield Dtype("int64" if "float" in match[1].lower() else "float32")


def _larger(_: re.Match[str], __: Trial) -> Iterator[Demand]:
    yield Larger()


def _smaller(_: re.Match[str], __: Trial) -> Iterator[Demand]:
    yield Smaller()


def _fewer(_: re.Match[str], __: Trial) -> Iterator[Demand]:
    yield Fewer()


def _stated(message: str) -> Iterator[Demand]:
    numbers = tuple(dict.fromkeys(int(n) for n in re.findall(r"(?<![\w.])\d{1,9}(?![\w.]*\d)", message)))
    quoted = re.findall(r"'(\w{1,40})'|\"(\w{1,40})\"", message)
    words = [a or b for a, b in quoted] or re.findall(r"\b[a-z_]\w{1,40}\b", message)
    yield Stated(numbers[:8], tuple(dict.fromkeys(words))[:8])


_N, _LIST = r"(\d+)", r"\[([^\]]*)\]"
_TEXTS: tuple[tuple[str, Reader], ...] = (
    (rf"shapes cannot be multiplied \(\d+x{_N} and {_N}x\d+\)", _size(1, 2)),
    (rf"size mismatch, got input \(\d+\), mat \(\d+x{_N}\), vec \({_N}\)", _either),
    (rf"size of tensor a \({_N}\) must match the size of tensor b \({_N}\)", _either),
    (rf"expanded size of the tensor \({_N}\) must match the existing size \({_N}\)", _either),
    (rf"expected input{_LIST} to have {_N} channels, but got {_N} channels", _channels),
    (rf"except in dimension \d+\. Expected size {_N} but got size {_N}", _halves),
    (rf"except in dimension \d+\. Got {_N} and {_N}", _halves),
    (rf"must be equal to input_size\. Expected {_N}, got {_N}", _size(2, 1)),
    (rf"running_mean should contain {_N} elements not {_N}", _size(1, 2)),
    (rf"expected input with shape \[\*, ([\d, ]+)\], but got input of size\s*{_LIST}", _normalized),
    (rf"sum exactly to {_N} \(.*?\), but got split_sizes={_LIST}", _split),
    (rf"index (-?\d+) out of range for tensor of size {_LIST} at dimension {_N}", _selected),
    (rf"index (-?\d+) is out of bounds for dimension \d+ with size {_N}", _out_of_bounds),
    (r"index out of range in self", _table),
    (rf"shape '{_LIST}' is invalid for input of size {_N}", _count),
    (rf"Expected hidden\S* size \(([^)]*)\), got {_LIST}", _shape),
    (r"batched (?:\d)-D input, .*?should also be (\d)-D but got \(?(\d)-D(?:, (\d)-D)?", _hidden),
    (
        rf"Expected (\d)D \(unbatched\) or (\d)D \(batched\) input to \w+, but got input of size: {_LIST}",
        _layer_input,
    ),
    (
        rf"xpected (\d)-dimensional input for \d-dimensional weight().*?got \d.*?of size {_LIST}",
        _layer_input,
    ),
    (r"expected to be in range of \[-\d+, (\d+)\], but got (-?\d+)", _dimension),
    (rf"input\.dim\(\) = {_N} is not equal to len\(dims\) = {_N}", _rank(1, 2)),
    (rf"Expected {_N} elements in a list but found {_N}", _rank(2, 1)),
    (r"[Ee]xpected (?:input |tensor )?to be (\d)D(?: or \dD)?, (?:but )?got (\d)D", _rank(2, 1)),
    (r"[Ee]xpected (\d)-?D.*?got (\d)-?D", _rank(2, 1)),
    (r"dimension of tensor to be (\d), got (\d)", _rank(2, 1)),
    (r"elements cannot be converted to Scalar|Boolean value of Tensor with more than one", _scalar),
    (r"one of the following scalar types: ([\w, ]+); but got", _dtype(1)),
    (r"expected scalar type (\w+) but (?:found|got)", _dtype(1)),
    (r"must have the same dtype, but got [\w: ]+? and ([\w:]+)", _dtype(1)),
    (r"to have the same dtype, but got: [\w: ]+? != ([\w: ]+)", _dtype(1)),
    (r"[Ii]nput type \([\w: ]+\) and (?:bias|weight) type \(([\w: ]+)\) should be the same", _dtype(1)),
    (r"[Ee]xpected dtype ([\w/]+) for index", _dtype(1)),
    (
        r"(?:used as indices|[Ii]ndex tensor|[Ii]ndex) must be (?:of )?(?:type )?(?:long|int)",
        _wanted("int64"),
    ),
    (r"index tensor (?:must have|of type) (?:integer|LongTensor)", _wanted("int64")),
    (r"boolean mask|to be a boolean tensor|dtype (?:torch\.)?bool", _wanted("bool")),
    (r"not implemented for '(\w+)'", _not_for),
    (r"mean of floating types|only supports floating|either a floating point", _wanted("float32")),
    (
        r"[Kk]ernel size|too small|should be less than the corresponding|smaller than|negative dimension",
        _larger,
    ),
    (r"must be positive|greater than (?:zero|0)|at least|to be non-?zero|non-zero size|non-empty", _larger),
    (r"took longer than|out of memory|can't allocate", _smaller),
    (r"selected index k out of range|exceeds|exceed dimension size|start \(\d+\) \+ length", _fewer),
)
_READERS = tuple((re.compile(text), reader) for text, reader in _TEXTS)
