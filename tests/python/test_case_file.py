"""The case file: the same bits through Python and C++, and no harm from hostile files."""

from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import strategies
from conftest import run
from tsharness.cases import Call, Case, CaseFile, DType, Tensor, read_case_file, write_case_file
from tsharness.cases.values import DTYPES
from tsharness.errors import CaseFileError, TsharnessError, UsageError
from tsharness.session import load_core

core = load_core()
RELAXED = settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def file_of(*values: Any, outputs: Any = None) -> CaseFile:
    return CaseFile((Case("one", (Call(tuple(values), outputs, {"k": outputs}),)),))


def bits(value: Any) -> Any:
    """A form in which only values with the same bits are equal (0.0 and -0.0, NaN and NaN, 1 and True)."""
    if isinstance(value, float):
        return ("float", struct.pack("<d", value))
    if isinstance(value, complex):
        return ("complex", bits(value.real), bits(value.imag))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [bits(item) for item in value])
    if isinstance(value, dict):
        return ("dict", [(bits(key), bits(item)) for key, item in value.items()])
    if hasattr(value, "__dataclass_fields__"):
        return (type(value).__name__, {n: bits(getattr(value, n)) for n in value.__dataclass_fields__})
    return (type(value).__name__, value)


@RELAXED
@given(value=strategies.values(strategies.scalars | strategies.tensors | strategies.dtypes))
def test_python_to_python(value: Any, tmp_path: Path) -> None:
    write_case_file(file_of(value, outputs=value), tmp_path / "a")
    assert bits(read_case_file(tmp_path / "a")) == bits(file_of(value, outputs=value))


@RELAXED
@given(value=strategies.values())
@example(value=Tensor("float32", (), b"\x00\x00\xc0\xff"))
@example(value=Tensor("float32", (0, 3), b""))
@example(value=[])
@example(value={})
def test_python_to_cpp_to_python(value: Any, tmp_path: Path) -> None:
    write_case_file(file_of(value, outputs=value), tmp_path / "a")
    core.copy_case_file(str(tmp_path / "a"), str(tmp_path / "b"))
    assert bits(read_case_file(tmp_path / "b")) == bits(file_of(value, outputs=value))


@pytest.mark.parametrize("name", sorted(strategies.PLAIN))
def test_every_dtype_goes_through_cpp(name: str, tmp_path: Path) -> None:
    tensor = Tensor(name, (2, 3), bytes(range(1, 7)) * DTYPES[name].itemsize)
    if name == "bool":
        tensor = Tensor(name, (2, 3), b"\x01\x00\x00\x01\x01\x00")
    write_case_file(file_of(tensor), tmp_path / "a")
    core.copy_case_file(str(tmp_path / "a"), str(tmp_path / "b"))
    assert read_case_file(tmp_path / "b") == file_of(tensor)


def test_torchscript_keeps_a_dtype_as_an_int(tmp_path: Path) -> None:
    write_case_file(file_of(DType("float16")), tmp_path / "a")
    core.copy_case_file(str(tmp_path / "a"), str(tmp_path / "b"))
    assert read_case_file(tmp_path / "b").cases[0].calls[0].args == (5,)


def test_both_sides_know_the_same_dtypes() -> None:
    assert set(core.dtype_names()) == set(DTYPES)


@RELAXED
@given(value=strategies.values())
def test_the_reference_library_reads_what_python_writes(value: Any) -> None:
    data = file_of(value).to_bytes()
    entries = dict(safetensors.deserialize(data))
    assert set(entries) == {f"t{i}" for i in range(len(entries))}


def test_the_reference_library_reads_what_cpp_writes(tmp_path: Path) -> None:
    tensor = Tensor("bfloat16", (2, 2), bytes(range(8)))
    write_case_file(file_of(tensor, tensor), tmp_path / "a")
    core.copy_case_file(str(tmp_path / "a"), str(tmp_path / "b"))
    entries = safetensors.deserialize((tmp_path / "b").read_bytes())
    assert [(e["dtype"], e["shape"], bytes(e["data"])) for _, e in entries] == [
        ("BF16", [2, 2], bytes(range(8)))
    ] * 2


# --- hostile files: both readers say what is wrong ---


def raw(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(begin: int, end: int, dtype: str = "U8", shape: Any = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end]}


def cases_header(args: Any, schema_version: int = 1, **entries: Any) -> dict[str, Any]:
    call = {"method": "forward", "args": args, "kwargs": {}, "outputs": None}
    document = {"schema_version": schema_version, "cases": [{"name": "one", "calls": [call]}]}
    return {"__metadata__": {"tsharness": json.dumps(document)}, **entries}


def node(**changes: Any) -> dict[str, Any]:
    return {"tensor": "t0", "dtype": "float32", "shape": [2], **changes}


F32 = entry(0, 8, "F32", [2])
DEEP = b'{"a":' * 2000 + b"1" + b"}" * 2000
NESTED: Any = 1
for _ in range(150):
    NESTED = {"list": [NESTED]}

HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "too short"),
    "short": (b"abc", "too short"),
    "header longer than the file": (raw({})[:8] + b"{", "declares a header of"),
    "header of 2^63 bytes": (b"\xff" * 8 + b"{}", "declares a header of"),
    "not json": (raw(b"{nope"), "not valid JSON"),
    "not an object": (raw([1]), "not a JSON object"),
    "NaN": (raw(b'{"a": NaN}'), "not valid JSON"),
    "duplicate name": (raw(b'{"a":' + json.dumps(entry(0, 0)).encode() + b',"a":1}'), "occurs twice"),
    "too deep": (raw(DEEP), "nested deeper than 256"),
    "offset beyond the data": (raw({"a": entry(0, 9)}, b"12345678"), "outside the 8 bytes"),
    "reversed offsets": (raw({"a": entry(8, 0, shape=[0])}, b"12345678"), "outside"),
    "negative offset": (raw({"a": {**entry(0, 8), "data_offsets": [-1, 7]}}, b"12345678"), "non-negative"),
    "overlap": (raw({"a": entry(0, 8), "b": entry(4, 12)}, b"1" * 12), "overlap"),
    "same place twice": (raw({"a": entry(0, 8), "b": entry(0, 8)}, b"1" * 8), "overlap"),
    "hole": (raw({"a": entry(0, 4), "b": entry(8, 12)}, b"1" * 12), "hole"),
    "bytes behind the last": (raw({"a": entry(0, 4)}, b"1" * 12), "behind the last entry"),
    "wrong size for the dtype": (raw({"a": entry(0, 8, "F64", [2])}, b"1" * 8), "need 16 bytes"),
    "overflowing shape": (raw({"a": entry(0, 8, "F32", [2**62, 2**62])}, b"1" * 8), "entry 'a'"),
    "unknown dtype": (raw({"a": entry(0, 8, "F77", [2])}, b"1" * 8), "unknown dtype 'F77'"),
    "shape of strings": (raw({"a": entry(0, 8, "F32", ["2"])}, b"1" * 8), "non-negative integers"),
    "metadata no strings": (raw({"__metadata__": {"a": 1}}), "__metadata__"),
    "no cases": (raw({"t0": F32}, b"1" * 8), "without cases"),
    "future schema": (raw(cases_header([], schema_version=2)), "schema_version 2"),
    "tensor without entry": (raw(cases_header([node()])), "t0"),
    "wrong entry dtype": (raw(cases_header([node(dtype="int32")], t0=F32), b"1" * 8), "int32"),
    "shape beyond the entry": (raw(cases_header([node(shape=[3])], t0=F32), b"1" * 8), "needs 12 bytes"),
    "strides beyond the entry": (
        raw(cases_header([node(shape=[2], strides=[5])], t0=F32), b"1" * 8),
        "needs 24 bytes",
    ),
    "negative strides": (
        raw(cases_header([node(shape=[2], strides=[-1])], t0=F32), b"1" * 8),
        "non-negative integers",
    ),
    "unknown tensor dtype": (raw(cases_header([node(dtype="x")], t0=F32), b"1" * 8), "unknown dtype 'x'"),
    "unknown node": (raw(cases_header([{"what": 1}])), "unknown node"),
    "bare array as a node": (raw(cases_header([[1]])), "in a value tree"),
    "bad float": (raw(cases_header([{"float": "zz"}])), ""),
    "value tree too deep": (raw(cases_header([NESTED])), "nested deeper than 256"),
}


def read_in_cpp(path: Path, target: Path) -> None:
    core.copy_case_file(str(path), str(target))


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_file(name: str, tmp_path: Path) -> None:
    data, message = HOSTILE[name]
    path = tmp_path / "hostile"
    path.write_bytes(data)
    readers: dict[str, Callable[[], object]] = {
        "python": lambda: read_case_file(path),
        "c++": lambda: read_in_cpp(path, tmp_path / "copy"),
    }
    for reader, read in readers.items():
        with pytest.raises(CaseFileError) as caught:
            read()
        assert message in str(caught.value), reader
        assert len(str(caught.value)) < 500
    assert not (tmp_path / "copy").exists()


SPARSE_OUT_OF_RANGE = {
    "sparse": {
        "layout": "sparse_coo",
        "shape": [2],
        "coalesced": False,
        "indices": {"tensor": "t1", "dtype": "int64", "shape": [1, 1]},
        "values": {"tensor": "t0", "dtype": "float32", "shape": [1]},
    }
}


def test_sparse_indices_out_of_range_never_reach_a_kernel(tmp_path: Path) -> None:
    data = struct.pack("<fq", 1.0, 1 << 40)
    header = cases_header([SPARSE_OUT_OF_RANGE], t0=entry(0, 4, "F32", [1]), t1=entry(4, 12, "I64", [1, 1]))
    path = tmp_path / "hostile"
    path.write_bytes(raw(header, data))
    with pytest.raises(CaseFileError):
        read_in_cpp(path, tmp_path / "copy")


def test_fifo_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    for read in (lambda: read_case_file(path), lambda: read_in_cpp(path, tmp_path / "copy")):
        with pytest.raises(CaseFileError, match="not a regular file"):
            read()


@RELAXED
@given(data=st.binary(max_size=200))
def test_garbage(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(data)
    for read in (lambda: read_case_file(path), lambda: read_in_cpp(path, tmp_path / "copy")):
        with pytest.raises(CaseFileError):
            read()


@RELAXED
@given(value=strategies.values(), data=st.data())
def test_truncated_anywhere(value: Any, data: st.DataObject, tmp_path: Path) -> None:
    whole = file_of(value, outputs=value).to_bytes()
    path = tmp_path / "cut"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    for read in (lambda: read_case_file(path), lambda: read_in_cpp(path, tmp_path / "copy")):
        with pytest.raises(CaseFileError):
            read()


@RELAXED
@given(value=strategies.values(), data=st.data())
def test_flipped_byte_anywhere_never_crashes(value: Any, data: st.DataObject, tmp_path: Path) -> None:
    """A flip in a tensor's data is another case file; elsewhere it is an error in words."""
    whole = bytearray(file_of(value, outputs=value).to_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "flipped"
    path.write_bytes(whole)
    for read in (lambda: read_case_file(path), lambda: read_in_cpp(path, tmp_path / "copy")):
        with contextlib.suppress(TsharnessError):
            read()


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "a").mkdir()
    with pytest.raises(UsageError, match="cannot write"):
        write_case_file(file_of(1), folder / "a")
    assert [p.name for p in folder.iterdir()] == ["a"]


def test_reading_imports_no_torch(tmp_path: Path) -> None:
    import sys

    write_case_file(file_of(Tensor("float32", (1,), b"1234")), tmp_path / "a")
    code = (
        "import sys, tsharness.cases as c; c.write_case_file(c.read_case_file(sys.argv[1]), sys.argv[1]);"
        "print(sorted({'torch', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    assert run(sys.executable, "-c", code, tmp_path / "a").out.strip() == "[]"
