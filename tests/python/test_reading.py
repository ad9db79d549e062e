"""What LibTorch will load is what was judged; where readers could disagree, the archive is refused."""

from __future__ import annotations

import ast
import io
import os
import pickle
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import ROOT, run, tsharness
from corpus import SavesWhenCalled, Small, elf, field, lite, onnx_model, record, rewrite, scripted, small
from tsharness.artifact.code import CodeError
from tsharness.artifact.code_reader import parse_code
from tsharness.artifact.kind import kind_of
from tsharness.errors import ArtifactError, RefusedError
from tsharness.exporting import torch_jit
from tsharness.inspection.api import inspect
from tsharness.inspection.gate import refuse_dangers

sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
from gate_mutations import Record, records_of, zipped


def judged_alike(path: Path, exit_code: int, *said: str) -> None:
    """``inspect`` and the gate, with one code and one word."""
    found = inspect(path)
    assert found.exit_code == exit_code, found.findings
    with pytest.raises(RefusedError if exit_code == 7 else ArtifactError) as raised:
        refuse_dangers(path)
    assert raised.value.exit_code == exit_code
    told = " ".join(f"{one.code} {one.seen}" for one in found.findings)
    for word in said:
        assert word in told and word in str(raised.value), (told, str(raised.value))


# Records.


def _first(records: list[Record], ending: bytes = b"corpus.py") -> int:
    return next(i for i, one in enumerate(records) if one.name.endswith(ending))


def _renamed(
    change: Callable[[bytes], bytes], ending: bytes = b"corpus.py"
) -> Callable[[list[Record]], bytes]:
    def make(records: list[Record]) -> bytes:
        at = _first(records, ending)
        records[at] = Record(change(records[at].name), records[at].data)
        return zipped(records)

    return make


def _beside(name: bytes) -> Callable[[list[Record]], bytes]:
    return lambda records: zipped([*records, Record(records[0].name.partition(b"/")[0] + b"/" + name, b"x")])


def _changed(**fields: Any) -> Callable[[list[Record]], bytes]:
    def make(records: list[Record]) -> bytes:
        at = _first(records)
        records[at] = Record(records[at].name, records[at].data, **fields)
        return zipped(records)

    return make


def _polyglot(records: list[Record]) -> bytes:
    """LibTorch reads a flatbuffer by its first bytes; a zip is found from its end."""
    head = b"\x20\0\0\0PTMF" + bytes(56)
    return head + zipped([Record(r.name, r.data, offset=len(head)) for r in records], shift=len(head))


def _two_directories(records: list[Record]) -> bytes:
    data = zipped(records)
    return zipped(records, between=data[data.index(b"PK\1\2") :])


ARCHIVES: dict[str, tuple[Callable[[list[Record]], bytes], str]] = {
    "folder-in-capitals": (_renamed(lambda n: n.replace(b"code", b"CODE")), "TS314"),
    "ending-in-capitals": (_renamed(lambda n: n.replace(b".py", b".PY")), "TS314"),
    "another-ending": (_beside(b"code/__torch__/x.PyC"), "TS314"),
    "objects-in-capitals": (_renamed(lambda n: n.replace(b"data.pkl", b"Data.pkl"), b"data.pkl"), "TS314"),
    "names-that-differ-by-case": (_beside(b"extra/A"), ""),
    "the-same-but-for-case": (_beside(b"CODE/__torch__/corpus.py"), "TS314"),
    "two-formats": (_beside(b"model.json"), "TS314"),
    "nul": (_beside(b"code/a\0.py"), "TS314"),
    "line-end": (_beside(b"code/a\n.py"), "TS314"),
    "backslash": (_beside(b"code\\a.py"), "TS315"),
    "dot": (_beside(b"code/./a.py"), "TS314"),
    "dots": (_beside(b"code/../a.py"), "TS315"),
    "empty-part": (_beside(b"code//a.py"), "TS314"),
    "no-utf8": (_beside(b"extra/\xff"), ""),
    "no-utf8-flag": (_changed(flags=0), ""),
    "comment": (lambda records: zipped(records, comment=b"hello"), "TS366"),
    "directory-in-a-comment": (lambda records: zipped(records, comment=zipped(records)[-22:]), ""),
    "moved-directory": (lambda records: zipped(records, shift=4), "TS366"),
    "behind-it": (lambda records: zipped(records) + b"x", "TS366"),
    "before-it": (lambda records: b"#!/bin/sh\n" + zipped(records), "TS366"),
    "flatbuffer-before-it": (_polyglot, "TS322"),
    "two-directories": (_two_directories, "TS322"),
    "another-name-where-it-lies": (_changed(local_name=b"m/other.py"), "TS312"),
    "another-method-where-it-lies": (_changed(method=8, local_method=0), "TS312"),
    "unknown-method": (_changed(method=12), "TS312"),
    "encrypted": (_changed(flags=0x801), "TS316"),
    "another-size": (_changed(size=3), "TS312"),
    "unicode-path": (_changed(extra=b"FB\x02\0ZZ"), ""),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_that_readers_take_in_two_ways(name: str, tmp_path: Path) -> None:
    make, code = ARCHIVES[name]
    path = tmp_path / "m.pt"
    plain = [Record(one.name, one.data) for one in records_of(small(path).read_bytes())]
    path.write_bytes(zipped(plain))
    refuse_dangers(path)
    path.write_bytes(make(plain))
    if code:
        judged_alike(path, 7, code)
    elif kind_of(path).loads:
        refuse_dangers(path)
    else:
        judged_alike_of_no_archive(path)


def judged_alike_of_no_archive(path: Path) -> None:
    assert inspect(path).exit_code == 5
    with pytest.raises(ArtifactError):
        refuse_dangers(path)


@pytest.mark.parametrize("name", ["safety_indent", "safety_case", "safety_formfeed"])
def test_what_only_libtorch_read_is_refused(name: str, tmp_path: Path) -> None:
    path, marker = tmp_path / "m.pt", tmp_path / "marker"
    records = records_of(scripted(Small(), path).read_bytes())
    at = _first(records)
    before, back, after = records[at].data.decode().partition("    return")
    line = f'    torch.save(x, "{marker}")\n'
    name_, text = records[at].name.decode(), before + line + back + after
    if name == "safety_indent":
        text = f" {text}"
    elif name == "safety_case":
        name_ = name_.replace("code/", "CODE/")
    else:
        text = f"{before}    y = torch.add(x, 1) # \x0cif 0:\n{line}{back}{after}"
    records[at] = Record(name_.encode(), text.encode())
    path.write_bytes(zipped(records))
    assert tsharness("inspect", path).code == 7
    ran = tsharness("verify", path, "--input", "x=float32[2,16]")
    assert ran.code == 7 and "not run" in ran.err
    assert not marker.exists()


# Code.

_BEFORE = "class M(Module):\n  training : bool\n  def forward(self, x: Tensor) -> Tensor:\n"
_PLAIN = f"{_BEFORE}    y = torch.add(x, 1)\n    return y\n"
CODE = {
    "tab": _PLAIN.replace("    y", "\ty"),
    "form-feed": _PLAIN.replace("    y", "\f    y"),
    "carriage-return": _PLAIN.replace("\n", "\r\n"),
    "vertical-tab": _PLAIN.replace("1)", "1)\v"),
    "next-line": _PLAIN.replace("1)", "1) # \x85"),
    "line-separator": _PLAIN.replace("1)", "1) # \u2028"),
    "no-break-space": _PLAIN.replace(", 1", ",\xa01"),
    "byte-order-mark": f"\ufeff{_PLAIN}",
    "nul": _PLAIN.replace("1)", "1) # \0"),
    "continued-line": _PLAIN.replace("torch.add", "torch\\\n.add"),
    "long-string": _PLAIN.replace("1)", '1)\n    """\n    """'),
    "raw-string": _PLAIN.replace("1)", '1)\n    z = r"\\"'),
    "unknown-escape": _PLAIN.replace("1)", '1)\n    z = "\\x41"'),
    "two-statements": _PLAIN.replace("1)", "1); z = 1"),
    "is-not-glued": _PLAIN.replace("torch.add(x, 1)", "x is nottorch.add(x, 1)"),
    "not-in-glued": _PLAIN.replace("torch.add(x, 1)", "x not intorch.add(x, 1)"),
    "type-comment": _PLAIN.replace("1)", "1)  # type: Tensor"),
    "hexadecimal": _PLAIN.replace("1)", "0x1p3)"),
    "letters-that-look-alike": _PLAIN.replace("torch.add", "\uff54orch.add"),
    "indented": " " + _PLAIN,
    "indented-before-the-class": "  x = 1\n" + _PLAIN,
    "statement-outside": f"x = 1\n{_PLAIN}",
    "condition-outside": f"if 0:\n  x = 1\n{_PLAIN}",
    "text-outside": f'"text"\n{_PLAIN}',
    "import-by-another-name": f"import torch as t\n{_PLAIN}",
    "import-from": f"from torch import add\n{_PLAIN}",
    "decorator": f"@x\n{_PLAIN}",
    "decorated-method": _PLAIN.replace("  def", "  @x\n  def"),
    "two-bases": _PLAIN.replace("(Module)", "(Module, X)"),
    "call-as-a-base": _PLAIN.replace("(Module)", "(f(1))"),
    "call-in-a-class": _PLAIN.replace("bool", "Final[int] = f(1)"),
    "loop-in-a-class": _PLAIN.replace("  training", "  for i in x:\n    pass\n  training"),
    "annotation-that-calls": _PLAIN.replace(": bool", ": f(1)"),
    "default-that-calls": _PLAIN.replace("x: Tensor)", "x: Tensor=f(1))"),
    "lambda": _PLAIN.replace("1)", "1)\n    z = lambda: 0"),
    "try": _PLAIN.replace("    return", "    try:\n      pass\n    except E:\n      pass\n    return"),
    "walrus": _PLAIN.replace("y = torch.add(x, 1)", "y = (z := x)"),
    "global": _PLAIN.replace("1)", "1)\n    global z"),
    "yield": _PLAIN.replace("1)", "1)\n    yield x"),
    "class-in-a-function": _PLAIN.replace("1)", "1)\n    class N:\n      pass"),
    "class-twice": _PLAIN + _PLAIN,
    "method-twice": _PLAIN + "  def forward(self) -> int:\n    return 1\n",
    "function-twice": "def f() -> int:\n  return 1\ndef f() -> int:\n  return 2\n",
    "unpacked-arguments": "def f(*x) -> int:\n  return 1\n",
}


@pytest.mark.parametrize("name", CODE)
def test_code_that_two_lexers_read_in_two_ways(name: str) -> None:
    with pytest.raises(CodeError, match=r"code/__torch__\.py"):
        parse_code({"code/__torch__.py": CODE[name].encode()})


@pytest.mark.parametrize(
    "word", ("async", "await", "except", "finally", "lambda", "nonlocal", "try", "yield")
)
def test_names_that_only_python_keeps_for_itself(word: str, tmp_path: Path) -> None:
    """torch writes them, and LibTorch takes them."""

    class Named(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = torch.nn.ModuleDict({word: torch.nn.Linear(2, 2)})
            self.register_buffer(word, torch.ones(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.parts[word](x) + getattr(self, word)

    path = tmp_path / "m.pt"
    with torch_jit.without_deprecation():
        torch.jit.trace(Named(), torch.ones(1, 2)).save(str(path))
    refuse_dangers(path)
    code = f'def f(x: Tensor) -> Tensor:\n  {word} = x.{word}\n  _{word[1:]} = "{word}"\n  return {word}\n'
    with pytest.raises(CodeError, match="cannot be parsed"):
        parse_code({"code/__torch__.py": code.encode()})
    plain = code.replace(f"_{word[1:]} ", "y ")
    body = parse_code({"code/__torch__.py": plain.encode()}).functions["__torch__.f"].body
    assert ast.unparse(body) == plain.replace('"', "'").strip().replace("\n  ", "\n    ")


def test_code_as_torch_writes_it() -> None:
    lines = [
        *(
            "op_version_set = 1",
            "import __torch__.other",
            "class N(NamedTuple):",
            "  x : int = 3",
            "  y : float = -inf",
        ),
        *(
            "class M(Module):",
            '  __parameters__ = ["w", ]',
            "  __buffers__ = []",
            "  training : Final[bool] = False",
        ),
        *('  __annotations__["0"] = __torch__.other.N', "  w : Optional[List[Tuple[int, Tensor]]]"),
        *(
            "  c : Final[List[int]] = [1, -2]",
            '  s : Final[str] = "a # \\"b\\" \\303\\251"',
            '  d : Final[Device] = torch.device("cpu")',
        ),
        *("  def forward(self: __torch__.M,", "    x: Tensor, *, n: int=2) -> Tensor:", "    # a comment: é"),
        *("    if torch.__isnot__(x, None):", "      y = torch.add(x, 1.5e-05)", "    else:", "      y = x"),
        *(
            "    with __torch__.N(1) as z:",
            "      pass",
            "    a, b, = y, x",
            "    assert True, 'is not'",
            "    return a[0:1, ...]",
        ),
    ]
    code = parse_code({"code/__torch__.py": "\n".join([*lines, ""]).encode()})
    assert list(code.functions) == ["__torch__.M.forward"]
    assert [(call.op, call.line) for call in code.functions["__torch__.M.forward"].operators] == [
        ("aten::__isnot__", 18),
        ("aten::add", 19),
    ]


def test_a_line_that_is_no_code_is_found_out_in_one_pass() -> None:
    import time

    started = time.monotonic()
    for text in (" " * 100_000 + "$", "*" * 100_000 + "$", '""' * 50_000 + '"', "a" * 100_000 + "$"):
        with pytest.raises(CodeError):
            parse_code({"code/__torch__.py": f"x = {text}\n".encode()})
    assert time.monotonic() - started < 5


def test_names_of_one_record_do_not_hide_those_of_another() -> None:
    """A class a.b with a method c, and a record a/b.py with a function c, have one name."""
    one = b"class b:\n  def c(self) -> int:\n    return 1\n"
    with pytest.raises(CodeError, match="a second time"):
        parse_code({"code/__torch__/a.py": one, "code/__torch__/a/b.py": b"def c() -> int:\n  return 1\n"})


# Pickles.


class Runs:
    def __reduce__(self) -> Any:
        return os.system, ("true",)


class Harmful(Small):
    def __init__(self) -> None:
        super().__init__()
        self.extra = Runs()


def _legacy_tar(path: Path, storages: bytes = b"") -> None:
    """As torch.save wrote before 0.2: pickles, with the data of storages and tensors between them."""
    storage = pickle.dumps((1, "cpu", torch.FloatStorage), 2) + struct.pack("<q", 2) + bytes(8)
    members = {
        "sys_info": pickle.dumps({"little_endian": True}, 2),
        "storages": pickle.dumps(1, 2) + storage + storages,
        "tensors": pickle.dumps(0, 2),
        "pickle": pickle.dumps({"a": 1} if storages else {"a": Runs()}, 2),
    }
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def _inside(path: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive_format", "pt2")
        archive.writestr(f"m/{name}", data)


def _saved(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def _named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


_CALLS = (
    _named("torch._tensor", "_rebuild_from_type_v2")
    + b"("
    + _named("setuptools._distutils.spawn", "spawn")
    + _named("torch", "Tensor")
    + b"(]X\4\0\0\0trueat}tR"
)
"""A function that torch.save names, and that calls what it is given."""
_MODULE = _named("torch.nn.modules.container", "Sequential") + b")\x81}X\1\0\0\0x%bsb"


def _zipped_pickle(path: Path, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")


def _old_file(path: Path, data: bytes) -> None:
    torch.save(1, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes().replace(pickle.dumps(1, 2), data))


UNPICKLED: dict[str, Callable[[Path], Any]] = {
    "module-that-calls": lambda path: _zipped_pickle(path, b"\x80\2" + _MODULE % _CALLS + b"."),
    "old-file-that-calls": lambda path: _old_file(path, b"\x80\2" + _CALLS + b"."),
    "initialized-by-another-class": lambda path: _old_file(
        path, b"\x80\2" + _named("copyreg", "_reconstructor") + _named("a", "B") * 2 + b"N\x87R."
    ),
    "checkpoint": lambda path: torch.save({"weight": torch.zeros(2), "extra": Runs()}, path),
    "module": lambda path: torch.save(Harmful(), path),
    "old-checkpoint": lambda path: torch.save({"a": Runs()}, path, _use_new_zipfile_serialization=False),
    "old-module": lambda path: torch.save(Harmful(), path, _use_new_zipfile_serialization=False),
    "tar": _legacy_tar,
    "tar-storages": lambda path: _legacy_tar(path, pickle.dumps(Runs(), 2)),
    **{f"protocol-{n}": (lambda path, n=n: path.write_bytes(pickle.dumps([Runs()], n))) for n in range(6)},
    "second-pickle": lambda path: path.write_bytes(pickle.dumps(1) + pickle.dumps(Runs())),
    "in-a-program": lambda path: _inside(path, "weights.pt", _saved({"a": Runs()})),
    "record-in-capitals": lambda path: _inside(path, "DATA.PKL", pickle.dumps(Runs())),
    "extension": lambda path: path.write_bytes(b"\x80\x02\x82\x01."),
    "computed-name": lambda path: path.write_bytes(b"\x80\x04\x8c\x02os\x8c\x06system\x93."),
    "dotted-name": lambda path: path.write_bytes(
        b"\x80\x04\x8c\x11torch.jit._pickle\x8c\x19build_intlist.__globals__\x93."
    ),
    "unknown-opcode": lambda path: path.write_bytes(b"\x80\x05\x97."),
}


@pytest.mark.parametrize("name", UNPICKLED)
def test_pickles_that_name_something_to_run(name: str, tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    UNPICKLED[name](path)
    judged_alike(path, 7)
    found = inspect(path)
    assert "TS364" in {one.code for one in found.findings}
    told = " ".join(one.do for one in found.findings)
    assert "weights_only" not in told and "load it in Python" not in told and "load the weights" not in told


_DEEP = {
    "a-key-of-tuples": b"})" + b"\x85" * 1_000_000 + b"K\1s",
    "a-key-of-lists": b"}" + b"]" * 3000 + b"a" * 2999 + b"K\1s",
    "a-name-of-lists": b"\x80\4" + b"]" * 3000 + b"a" * 2999 + b"\x8c\1x\x93",
    "a-list-of-lists": b"]" * 100_000 + b"a" * 99_999,
    "many-names": b"".join(b"cm\nn%d\n0" % number for number in range(50_000)) + b"N",
    "many-pickles": b"N." * 200_000 + b"N",
}


def _in_torchscript(path: Path, data: bytes) -> None:
    records = records_of(scripted(Small(), path).read_bytes())
    at = _first(records, b"/data.pkl")
    records[at] = Record(records[at].name, records[at].data[:-1] + data[2:] + b".")
    path.write_bytes(zipped(records))


@pytest.mark.parametrize("put", [Path.write_bytes, _zipped_pickle, _in_torchscript])
@pytest.mark.parametrize("name", _DEEP)
def test_pickles_that_are_hard_to_read(name: str, put: Callable[[Path, bytes], Any], tmp_path: Path) -> None:
    """In good time, and by a process that lives on."""
    path = tmp_path / "m.pt"
    put(path, b"\x80\2" + _DEEP[name] + b".")
    for command in (("inspect",), ("verify", "--timeout", "20")):
        ran = tsharness(*command, path, timeout=60)
        assert ran.code in (0, 2, 5, 6, 7) and "Traceback" not in ran.text, ran.text
        assert "inspect" not in command or ran.code in (0, 5, 7), ran.text


def test_an_archive_within_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "m.mar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", "{}")
        archive.writestr("model.pt", small(tmp_path / "m.pt").read_bytes())
    assert {one.code for one in inspect(path).findings} == {"TS301"}


def test_honest_pickles_are_none(tmp_path: Path) -> None:
    model = torch.nn.Sequential(Small(), torch.nn.Conv2d(1, 2, 3), torch.nn.LSTM(2, 2))
    optimizer = torch.optim.Adam(model.parameters())
    states = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "shape": torch.Size([2]),
        "n": {1},
    }
    for number, value in enumerate((model, states, model.state_dict(), torch.ones(2), [torch.float16, None])):
        for new in (True, False):
            path = tmp_path / f"{number}-{new}.pt"
            torch.save(value, path, _use_new_zipfile_serialization=new)
            found = inspect(path)
            assert [one.code for one in found.findings] == ["TS301"] and found.exit_code == 5, (
                path,
                found.findings,
            )


# Bytecode, flatbuffers and other kinds.


def test_bytecode_whose_table_could_be_read_in_two_ways(tmp_path: Path) -> None:
    path = tmp_path / "m.ptl"
    lite(Small(), path)
    bytecode = record(path, "bytecode.pkl")
    for old, new in (
        (b"operators", b"Operators"),
        (b"constants", b"operators"),
        (b"instructions", b"instructionZ"),
    ):
        lite(Small(), path)
        rewrite(path, {"bytecode.pkl": bytecode.replace(old, new)})
        judged_alike(path, 5, "bytecode.pkl")
    rewrite(path, {"bytecode.pkl": bytecode[:-1] + b"\x8c\x01x0."})
    judged_alike(path, 7, "bytecode.pkl", "SHORT_BINUNICODE")


def test_flatbuffers_that_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "m.ff"
    data = bytes(lite(SavesWhenCalled(), path, flatbuffer=True))
    for size in range(8, len(data), len(data) // 40):
        path.write_bytes(data[:size])
        judged_alike(path, 5, "TS302")


def package(path: Path, objects: dict[str, bytes], mode: int = 0o100644) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/archive_format", "pt2")
        for name, data in objects.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data)


_SO = "m/data/aotinductor/model/a.so"


def test_packages_of_machine_code(tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    package(path, {_SO: elf()})
    refuse_dangers(path)
    for objects, code, said in (
        ({_SO: bytes(200)}, 5, "no shared object"),
        ({_SO: elf(10_000)}, 5, "cut off"),
        ({_SO: b"\x7fELF"}, 5, "no shared object"),
        ({"m/data/aotinductor/model/a.cpp": b"int x;"}, 5, "holds no shared object"),
        ({_SO: elf(), "/etc/a.so": elf()}, 5, "TS315"),
        ({_SO: elf(), "m/../../a.so": elf()}, 5, "TS315"),
        ({_SO: elf(), _SO.upper(): elf()}, 5, "TS314"),
        ({_SO: elf(), "m/data/sample.pkl": pickle.dumps(Runs())}, 7, "TS364"),
    ):
        package(path, objects)
        judged_alike(path, code, said)
    package(path, {_SO: b"/lib/libevil.so"}, 0o120777)
    judged_alike(path, 5, "is a link")
    package(path, {_SO: elf()})
    path.write_bytes(path.read_bytes().replace(elf(), bytes(200)))
    judged_alike(path, 5, "checksum")


def test_a_truncated_program_of_executorch(tmp_path: Path) -> None:
    """Its segments, and every table, must lie in the file."""
    path = tmp_path / "m.pte"
    head = b"eh00" + struct.pack("<IQQ", 24, 500, 4096)
    path.write_bytes(b"\x20\0\0\0ET12" + head + bytes(100))
    judged_alike(path, 5, "TS302")


# ONNX.


def _function(domain: str, name: str) -> bytes:
    return field(25, field(1, name) + field(10, domain))


def test_the_beginnings_of_an_onnx_model(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    data = onnx_model(path).read_bytes()
    for size in range(1, 40):
        path.write_bytes(data[:size])
        assert inspect(path).exit_code == 5
        with pytest.raises(ArtifactError):
            refuse_dangers(path)


def test_files_that_an_onnx_model_names(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "sub").mkdir(parents=True)
    (tmp_path / "outside.bin").write_bytes(bytes(8))
    (home / "sub" / "w.bin").write_bytes(bytes(8))
    (home / "link.bin").symlink_to(tmp_path / "outside.bin")
    (home / "folder").symlink_to(tmp_path)
    os.mkfifo(home / "fifo")
    path = home / "m.onnx"
    refuse_dangers(onnx_model(path))
    refuse_dangers(onnx_model(path, location="sub/w.bin"))
    assert inspect(path).facts["external_data"]["sub/w.bin"]["bytes"] == 8
    outside = [
        "../outside.bin",
        str(tmp_path / "outside.bin"),
        "/dev/zero",
        "sub/../../outside.bin",
        "link.bin",
    ]
    for location in (*outside, "folder/outside.bin", "fifo", "sub", "..\\outside.bin", "a\nb"):
        onnx_model(path, location=location)
        judged_alike(path, 7, "TS373")
    onnx_model(path, location="absent.bin")
    judged_alike(path, 5, "missing")
    onnx_model(path, location="sub/w.bin", length=9)
    judged_alike(path, 5, "takes up to 9")


def test_operators_of_an_onnx_model(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    refuse_dangers(onnx_model(path, "FusedMatMul", "com.microsoft"))
    refuse_dangers(onnx_model(path, "Own", "my.domain", more=_function("my.domain", "Own")))
    for operator, domain in (
        ("EPContext", "com.microsoft"),
        ("Own", "my.domain"),
        ("PyOp", ""),
        ("ATen", "org.pytorch.aten"),
    ):
        onnx_model(path, operator, domain)
        judged_alike(path, 7, "TS374", operator)
    for cut in range(2, len(onnx_model(path).read_bytes()) - 8, 7):
        onnx_model(path)
        path.write_bytes(path.read_bytes()[:cut])
        judged_alike_of_no_archive(path)


# The content's hash, in C++ as in Python.


def test_a_rewritten_archive_with_a_flipped_weight(tmp_path: Path, runner_path: Path) -> None:
    import tsharness as package_

    path = tmp_path / "m.pt"
    package_.export(Small(), torch.ones(2, 16), path, method="script", families=())
    assert run(runner_path, "--verify", path).code == 0
    weights = bytearray(record(path, "data/0"))
    weights[1] ^= 1  # too little for any tolerance
    rewrite(path, {"data/0": bytes(weights)})
    ran = run(runner_path, "--verify", path)
    assert ran.code != 0 and "content" in ran.text, ran.text
    verified = tsharness("verify", path)
    assert verified.code == 1 and "integrity" in verified.text


# The fuzz of tests/fuzz/gate.py, briefly, and that it would notice.


def _fuzz(*arguments: str) -> tuple[int, str]:
    import subprocess

    command = [sys.executable, str(ROOT / "tests" / "fuzz" / "gate.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)
    return done.returncode, done.stdout + done.stderr


def test_no_mutation_gets_past_the_gate() -> None:
    code, text = _fuzz("--mutations", "800", "--seed", "500000")
    assert code == 0 and "PASS 0 got past the gate" in text, text


def test_the_fuzz_notices_what_gets_past() -> None:
    code, text = _fuzz("--mutations", "20", "--open")
    assert code == 1 and "let pass, and harmful" in text, text
