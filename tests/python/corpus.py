"""Bad, odd and harmful files: each is made by a function, with what ``inspect`` must say of it."""

from __future__ import annotations

import gzip
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tsharness.exporting import torch_jit

Make = Callable[[Path], Any]


@dataclass(frozen=True)
class Bad:
    """A file, and what must be said of it."""

    make: Make
    code: str
    """Of the finding; empty where there is only an error."""
    exit_code: int
    says: str
    options: tuple[str, ...] = ()


BAD: dict[str, Bad] = {}


def bad(code: str, exit_code: int, says: str, *options: str) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        BAD[make.__name__] = Bad(make, code, exit_code, says, options)
        return make

    return register


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.layer(x))


def small(path: Path) -> Path:
    torch.manual_seed(0)
    return scripted(Small(), path)


def scripted(module: nn.Module, path: Path) -> Path:
    torch_jit.save(torch_jit.script(module.eval()), path)
    return path


def traced(module: nn.Module, x: Any, path: Path) -> Path:
    torch_jit.save(torch_jit.trace(module.eval(), {"forward": _inputs(x)}, strict=False), path)
    return path


def _inputs(x: Any) -> Any:
    from tsharness.exporting.inputs import Inputs

    return Inputs(*x) if isinstance(x, tuple) else Inputs(x)


def rewrite(path: Path, changes: Mapping[str, bytes | None], *, compress: tuple[str, ...] = ()) -> Path:
    """The archive again with other records (``None``: without it); names are below the root folder."""
    with zipfile.ZipFile(path) as archive:
        records = {info.filename.partition("/")[2]: archive.read(info) for info in archive.infolist()}
        root = archive.infolist()[0].filename.partition("/")[0]
    for name, data in changes.items():
        if data is None:
            records.pop(name)
        else:
            records[name] = data
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in records.items():
            info = zipfile.ZipInfo(f"{root}/{name}")
            info.compress_type = zipfile.ZIP_DEFLATED if name in compress else zipfile.ZIP_STORED
            archive.writestr(info, data)
    return path


def record(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return next(archive.read(i) for i in archive.infolist() if i.filename.partition("/")[2] == name)


def with_code(path: Path, old: str, new: str) -> Path:
    """The small model with its code changed."""
    name = next(n for n in zipfile.ZipFile(small(path)).namelist() if n.endswith("corpus.py")).partition("/")[
        2
    ]
    text = record(path, name).decode()
    assert old in text
    return rewrite(path, {name: text.replace(old, new).encode()})


def patched(path: Path, where: Callable[[bytes], int], value: bytes) -> Path:
    """The small model with bytes of the file changed."""
    data = bytearray(small(path).read_bytes())
    at = where(bytes(data))
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


# Other kinds of files.


@bad("TS301", 5, "an empty file")
def empty(path: Path) -> None:
    path.touch()


@bad("TS301", 5, "git lfs pull")
def lfs_pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")


@bad("TS301", 5, "a web page")
def web_page(path: Path) -> None:
    path.write_text("\n<!DOCTYPE html><html><body>Sign in</body></html>")


@bad("TS301", 5, "gunzip")
def gzipped(path: Path) -> None:
    path.write_bytes(gzip.compress(small(path).read_bytes()))


@bad("TS301", 5, "it was cut off")
def cut_off(path: Path) -> None:
    path.write_bytes(small(path).read_bytes()[:2000])


@bad("TS301", 5, "of no known format")
def random_bytes(path: Path) -> None:
    path.write_bytes(bytes((i * 7919 + 13) % 251 for i in range(5000)))


@bad("TS301", 5, "a text file")
def text(path: Path) -> None:
    path.write_text("weights are at https://example.org/größe\n")


@bad("TS301", 5, "state_dict")
def state_dict(path: Path) -> None:
    torch.save(Small().state_dict(), path)


@bad("TS301", 5, "a whole module")
def whole_module(path: Path) -> None:
    torch.save(Small(), path)


@bad("TS301", 5, "weights and other objects")
def checkpoint(path: Path) -> None:
    torch.save({"model": Small().state_dict(), "epoch": 3}, path)


@bad("TS301", 5, "before PyTorch 1.6")
def old_checkpoint(path: Path) -> None:
    torch.save(Small().state_dict(), path, _use_new_zipfile_serialization=False)


@bad("TS301", 5, "safetensors")
def tensors_only(path: Path) -> None:
    from safetensors.torch import save_file

    save_file(Small().state_dict(), path)


@bad("TS301", 5, "GGUF")
def gguf(path: Path) -> None:
    path.write_bytes(b"GGUF\x03\0\0\0" + bytes(64))


@bad("TS302", 5, "ONNX")
def onnx(path: Path) -> None:
    path.write_bytes(b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x80\x02" + bytes(300))


def field(number: int, value: bytes | str | int) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return bytes([number << 3]) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + _varint(number >> 7)


def onnx_model(
    path: Path,
    operator: str = "Add",
    domain: str = "",
    *,
    location: str = "",
    length: int = 8,
    more: bytes = b"",
) -> Path:
    """x + w for two float32, in ONNX's format; w lies in another file, if its location is stated."""
    shape = field(2, field(1, field(1, 2)))
    value = [field(1, name) + field(2, field(1, field(1, 1) + shape)) for name in ("x", "y")]
    weight = field(1, 2) + field(2, 1) + field(8, "w")
    if location:
        stated = {"location": location, "offset": "0", "length": str(length)}
        weight += b"".join(field(13, field(1, key) + field(2, one)) for key, one in stated.items()) + field(
            14, 1
        )
    else:
        weight += field(9, struct.pack("<2f", 1, 2))
    node = field(1, "x") + field(1, "w") + field(2, "y") + field(4, operator) + field(7, domain)
    graph = field(1, node) + field(2, "g") + field(5, weight) + field(11, value[0]) + field(12, value[1])
    opset = field(8, field(1, "") + field(2, 17))
    path.write_bytes(field(1, 8) + field(2, "by hand") + field(7, graph) + opset + more)
    return path


@bad("TS373", 7, "outside of the model's folder")
def onnx_that_reads_elsewhere(path: Path) -> None:
    onnx_model(path, location="../weights.bin")


@bad("TS374", 7, "of a domain that nobody knows")
def onnx_with_a_stranger(path: Path) -> None:
    onnx_model(path, "Run", "evil.domain")


@bad("TS301", 5, "ExportedProgram")
def exported_program(path: Path) -> None:
    torch.export.save(torch.export.export(Small(), (torch.ones(2, 16),)), path.with_suffix(".pt2"))
    path.with_suffix(".pt2").rename(path)


def elf(size: int = 200) -> bytes:
    """The headers of a shared object with one segment of that size."""
    head = struct.pack(
        "<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    return (head + struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096)).ljust(200, b"\0")


@bad("TS371", 0, "AOTInductor package")
def aoti_package(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/archive_format", "pt2")
        archive.writestr("m/data/aotinductor/model/abc.so", elf())


@bad("TS302", 5, "holds no")
def executorch(path: Path) -> None:
    path.write_bytes(b"\x18\0\0\0ET12" + bytes(100))


@bad("TS301", 5, "NumPy")
def numpy_arrays(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\0")


@bad("TS301", 5, "not one of torch's")
def other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("folder/readme.txt", "nothing")


@bad("TS301", 5, "the .pt inside")
def torchserve_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", "{}")
        archive.writestr("model.pt", "")


@bad("TS301", 5, "Keras")
def keras(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "")


@bad("TS301", 5, "a shared library")
def shared_library(path: Path) -> None:
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(100))


@bad("TS301", 5, "a Python pickle")
def plain_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps([1, 2, 3]))


@bad("TS301", 5, "a tar archive")
def tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))


@bad("TS301", 5, "before PyTorch 1.4")
def json_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/model.json", "{}")
        archive.writestr("m/code/m.py", "")


@bad("", 5, "is a folder")
def folder(path: Path) -> None:
    path.mkdir()


@bad("", 5, "is no regular file")
def fifo(path: Path) -> None:
    os.mkfifo(path)


@bad("", 5, "is no regular file")
def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@bad("", 5, "does not exist")
def missing(path: Path) -> None:
    pass


# Damage.


@bad("TS311", 1, "Bad CRC-32")
def flipped_weight(path: Path) -> None:
    patched(path, lambda data: data.index(record(path, "data/0")) + 100, b"\xff")


@bad("TS311", 5, "corpus.py")
def flipped_code(path: Path) -> None:
    with zipfile.ZipFile(small(path)) as archive:
        info = next(info for info in archive.infolist() if info.filename.endswith("corpus.py"))
    data = bytearray(path.read_bytes())
    name, extra = struct.unpack("<HH", data[info.header_offset + 26 : info.header_offset + 30])
    data[info.header_offset + 30 + name + extra + info.compress_size - 8] ^= 0x01
    path.write_bytes(data)


@bad("TS312", 7, "declares")
def cut_record(path: Path) -> None:
    data = small(path).read_bytes()
    at = data.index(b"PK\x01\x02", data.rindex(b"PK\x03\x04"))
    last = len(data) - 22
    size = struct.pack("<I", 10_000_000)
    central = data[at:last]
    path.write_bytes(data[:at] + central[:20] + size + size + central[28:] + data[last:])


@bad("TS314", 7, "stands 2 times")
def duplicate_record(path: Path) -> None:
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(small(path), "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(archive.namelist()[0], b"other contents")


@bad("TS314", 7, "root folders")
def two_roots(path: Path) -> None:
    with zipfile.ZipFile(small(path), "a") as archive:
        archive.writestr("other/code/__torch__.py", b"")


@bad("TS315", 7, "leads out of")
def traversing_name(path: Path) -> None:
    with zipfile.ZipFile(small(path), "a") as archive:
        archive.writestr(f"{archive.namelist()[0].split('/')[0]}/../../etc/cron.d/job", b"* * * * *")


@bad("TS315", 7, "leads out of")
def absolute_name(path: Path) -> None:
    with zipfile.ZipFile(small(path), "a") as archive:
        archive.writestr("/etc/passwd", b"root")


@bad("TS316", 7, "is encrypted")
def encrypted(path: Path) -> None:
    patched(path, lambda data: data.index(b"PK\x01\x02") + 8, b"\x01")


@bad("TS317", 7, "unpacks")
def bomb(path: Path) -> None:
    rewrite(small(path), {"extra/zeros": bytes(50_000_000)}, compress=("extra/zeros",))


@bad("TS313", 7, "shares bytes with")
def overlapping(path: Path) -> None:
    """Two entries of the directory that point to one record."""
    data = small(path).read_bytes()
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 4)
    path.write_bytes(data[: second + 42] + data[first + 42 : first + 46] + data[second + 46 :])


@bad("TS312", 7, "where it lies")
def renamed_where_it_lies(path: Path) -> None:
    patched(path, lambda data: data.index(b"/data.pkl"), b"/date.pkl")


@bad("TS312", 7, "has no header")
def broken_header(path: Path) -> None:
    patched(path, lambda data: data.index(b"PK\x03\x04"), b"PK\x03\x05")


@bad("TS312", 7, "another size or checksum")
def other_checksum_where_it_lies(path: Path) -> None:
    rewrite(small(path), {})
    data = bytearray(path.read_bytes())
    data[14:18] = b"\1\2\3\4"
    path.write_bytes(data)


@bad("TS366", 7, "leads elsewhere")
def something_before_it(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh\necho hello\nexit\n" + small(path).read_bytes())


@bad("TS322", 7, "before the first record")
def something_else_before_it(path: Path) -> None:
    """The directory knows of it, so that every reader finds its records."""
    with zipfile.ZipFile(small(path)) as archive:
        records = {info.filename: archive.read(info) for info in archive.infolist()}
    path.write_bytes(b"#!/bin/sh\n")
    with zipfile.ZipFile(path, "a") as archive:
        for name, data in records.items():
            archive.writestr(zipfile.ZipInfo(name), data)


@bad("TS318", 1, "there is no record data/0")
def missing_weights(path: Path) -> None:
    rewrite(small(path), {"data/0": None})


@bad("TS319", 1, "data/0 has 1000 bytes")
def short_weights(path: Path) -> None:
    rewrite(small(path), {"data/0": record(path, "data/0")[:1000]})


@bad("TS319", 1, "data/0 has 1030 bytes")
def long_weights(path: Path) -> None:
    rewrite(small(path), {"data/0": record(path, "data/0") + b"abcdef"})


@bad("TS320", 0, "no object names data/77")
def extra_weights(path: Path) -> None:
    rewrite(small(path), {"data/77": b"somebody's payload"})


@bad("TS321", 0, "no multiple of 64")
def misaligned(path: Path) -> None:
    rewrite(small(path), {})


@bad("TS325", 1, "reads up to element")
def tensor_outside_of_its_storage(path: Path) -> None:
    data = record(small(path), "data.pkl")
    assert b"(K\x10K\x10t" in data  # the shape (16, 16)
    rewrite(path, {"data.pkl": data.replace(b"(K\x10K\x10t", b"(K\x40K\x10t", 1)})


@bad("TS323", 1, "expected 00ff", "--expect-sha256", "00ff")
def another_file(path: Path) -> None:
    small(path)


@bad("TS324", 1, "recorded")
def changed_since_its_cases(path: Path) -> None:
    import tsharness

    tsharness.export(Small(), torch.ones(2, 16), path, method="script", families=())
    weights = bytearray(record(path, "data/0"))
    weights[0] ^= 1
    rewrite(path, {"data/0": bytes(weights)})


@bad("TS302", 5, "data.pkl")
def garbage_objects(path: Path) -> None:
    rewrite(small(path), {"data.pkl": b"\x80\x02this is no pickle"})


@bad("TS302", 5, "STOP")
def cut_objects(path: Path) -> None:
    rewrite(small(path), {"data.pkl": b"\x80\x02K\x01"})


@bad("TS303", 5, "no objects")
def without_objects(path: Path) -> None:
    rewrite(small(path), {"data.pkl": None})


@bad("TS365", 7, "cannot be parsed")
def code_that_is_none(path: Path) -> None:
    with_code(path, "return", "return return")


@bad("TS365", 7, "cannot be parsed")
def deeply_nested_code(path: Path) -> None:
    with_code(path, "return ", "x = " + "(" * 5000 + "1" + ")" * 5000 + "\n    return ")


@bad("TS365", 7, "is no text")
def binary_code(path: Path) -> None:
    rewrite(small(path), {"code/__torch__/more.py": b"\xff\xfe\0def"})


@bad("TS381", 5, "whose code is not in the archive")
def without_code(path: Path) -> None:
    with zipfile.ZipFile(small(path)) as archive:
        names = [name.partition("/")[2] for name in archive.namelist()]
    rewrite(path, {name: None for name in names if name.startswith("code/")})


@bad("TS381", 5, "Small.forward names __torch__.other.helper")
def without_a_function(path: Path) -> None:
    with_code(path, "return torch.relu(", "return __torch__.other.helper(")


class TwoTypes(nn.Module):
    """It loses its Union where two variables are assigned at once."""

    def forward(self, x: Tensor, edge: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        if isinstance(edge, Tensor):
            edge, weight = self.both(edge)
        else:
            weight = torch.ones(edge[0].size(0))
        first = edge[0] if isinstance(edge, Tensor) else edge[1]
        return x * weight.sum() + first

    def both(self, edge: Tensor) -> tuple[Tensor, Tensor]:
        return edge, torch.ones(edge.size(1))


@bad("TS382", 5, "edge0 in TwoTypes.forward is a Tensor, or else a Tuple[Tensor, Tensor]")
def variable_of_two_types(path: Path) -> None:
    scripted(TwoTypes(), path)


@bad("TS383", 5, "nothing defines y in Small.forward")
def undefined_name(path: Path) -> None:
    with_code(path, "return torch.relu(", "return torch.add(y, ")


@bad("TS303", 5, "the record version is missing")
def without_version(path: Path) -> None:
    rewrite(
        small(path),
        {"version": None, ".data/version": None} if _has_data_version(path) else {"version": None},
    )


def _has_data_version(path: Path) -> bool:
    return any(name.endswith(".data/version") for name in zipfile.ZipFile(path).namelist())


@bad("TS331", 5, "file format 99")
def newer_format(path: Path) -> None:
    rewrite(small(path), {"version": b"99\n"})


# What the runner lacks.


@bad("TS332", 7, "torchvision (libtorchvision.so")
def torchvision_operator(path: Path) -> None:
    with_code(path, "torch.relu(", "ops.torchvision.nms(")


@bad("TS333", 5, "torch.classes.tensorrt.Engine")
def tensorrt_engine(path: Path) -> None:
    with_code(
        path, "  training : bool", "  training : bool\n  engine : __torch__.torch.classes.tensorrt.Engine"
    )


@bad("TS335", 5, "optimize_for_mobile")
def prepacked_operator(path: Path) -> None:
    with_code(path, "torch.relu(", "ops.prepacked.linear_clamp_run(")


@bad("TS332", 5, "has no aten::relu with sideways")
def unknown_argument(path: Path) -> None:
    with_code(path, "torch.relu(", "torch.relu(sideways=True, input=")


@bad("TS363", 7, "aten::nonsense")
def unknown_aten_operator(path: Path) -> None:
    with_code(path, "torch.relu(", "torch.nonsense(")


# Harm.


class SavesWhenCalled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        torch.save(x, "stolen.pt")
        return x


class SavesWhenLoaded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.x = torch.ones(2)

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, bool]:
        return self.x, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]) -> None:
        self.x, self.training = state
        torch.save(self.x, "stolen_at_load.pt")

    def forward(self, x: Tensor) -> Tensor:
        return x + self.x


class Reads(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.from_file("/etc/hostname", size=4, dtype=torch.uint8)


class HoldsReader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.ModuleList([nn.ReLU(), Reads()])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.inner:
            x = layer(x)
        return x


def keep(x: Tensor) -> Tensor:
    torch.save(x, "kept.pt")
    return x


class SavesInAFunction(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return keep(x)


class SavesInABranch(nn.Module):
    def forward(self, x: Tensor, secret: bool = False) -> Tensor:
        for _ in range(2):
            if secret:
                torch.save(x, "secret.pt")
        return x


class SavesAside(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.jit.wait(torch.jit.fork(keep, x))


class SavesInAnotherMethod(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x

    @torch.jit.export
    def audit(self, x: Tensor) -> Tensor:
        return keep(x)


@bad("TS361", 7, "aten::save runs when it is called: SavesWhenCalled.forward")
def saves_when_called(path: Path) -> None:
    scripted(SavesWhenCalled(), path)


@bad("TS361", 7, "aten::save runs while the file is loaded: SavesWhenLoaded.__setstate__")
def saves_when_loaded(path: Path) -> None:
    scripted(SavesWhenLoaded(), path)


@bad("TS361", 7, "HoldsReader.forward > Reads.forward")
def reads_in_a_submodule(path: Path) -> None:
    scripted(HoldsReader(), path)


@bad("TS361", 7, "SavesInAFunction.forward > corpus.keep")
def saves_in_a_function(path: Path) -> None:
    scripted(SavesInAFunction(), path)


@bad("TS361", 7, "SavesInABranch.forward")
def saves_in_a_branch(path: Path) -> None:
    scripted(SavesInABranch(), path)


@bad("TS361", 7, "aten::save")
def saves_in_a_forked_function(path: Path) -> None:
    scripted(SavesAside(), path)


@bad("TS361", 7, "SavesInAnotherMethod.audit > corpus.keep")
def saves_in_another_method(path: Path) -> None:
    scripted(SavesInAnotherMethod(), path)


@bad("TS361", 7, "aten::save runs when it is called: Small.forward")
def saves_by_another_name(path: Path) -> None:
    with_code(path, "return ", 'f = torch.save\n    f(x, "a")\n    return ')


@bad("TS363", 7, "aten::*")
def hides_torch(path: Path) -> None:
    with_code(path, "return ", 't = torch\n    t.save(x, "a")\n    return ')


@bad("TS363", 7, "aten::*")
def asks_for_an_attribute(path: Path) -> None:
    with_code(path, "return ", 'getattr(torch, "save")(x, "a")\n    return ')


@bad("TS365", 7, "in the body of the class")
def calls_in_a_class_body(path: Path) -> None:
    with_code(path, "  training : bool", '  training : bool\n  x : Final[int] = torch.save(1, "a")')


def lite(module: nn.Module, path: Path, *, flatbuffer: bool = False) -> bytearray:
    """For the lite interpreter: code and bytecode."""
    with torch_jit.without_deprecation():
        torch_jit.script(module.eval())._save_for_lite_interpreter(str(path), _use_flatbuffer=flatbuffer)
    return bytearray(path.read_bytes())


@bad("TS338", 5, "bytecode of version 99")
def bytecode_of_tomorrow(path: Path) -> None:
    lite(Small(), path)
    with zipfile.ZipFile(path) as archive:
        records = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in records.items():
            if name.endswith("bytecode.pkl"):
                assert data[:4] == b"\x80\x02K\x08"  # protocol 2, then the version
                records[name] = data[:3] + bytes([99]) + data[4:]
            archive.writestr(zipfile.ZipInfo(name), records[name])


@bad("TS302", 5, "flatbuffer")
def flatbuffer_of_nothing(path: Path) -> None:
    path.write_bytes(b"\x18\0\0\0PTMF" + bytes(100))


@bad("TS302", 5, "out of the file")
def flatbuffer_that_leads_nowhere(path: Path) -> None:
    data = lite(Small(), path, flatbuffer=True)
    data[0:4] = (len(data) + 100).to_bytes(4, "little")
    path.write_bytes(data)


@bad("TS361", 7, "aten::save runs while the file is loaded: SavesWhenLoaded.__setstate__")
def flatbuffer_that_saves_when_loaded(path: Path) -> None:
    lite(SavesWhenLoaded(), path, flatbuffer=True)


@bad("TS304", 0, "no code")
def flatbuffer_of_bytecode_alone(path: Path) -> None:
    path.write_bytes(without_sources(lite(Small(), path, flatbuffer=True)))


@bad("TS361", 7, "in the bytecode of __torch__.corpus.SavesWhenCalled.forward")
def flatbuffer_whose_bytecode_saves(path: Path) -> None:
    path.write_bytes(without_sources(lite(SavesWhenCalled(), path, flatbuffer=True)))


def without_sources(data: bytearray) -> bytearray:
    """The module's table says that it has none."""
    table = int.from_bytes(data[0:4], "little")
    fields = table - int.from_bytes(data[table : table + 4], "little", signed=True)
    data[fields + 4 + 2 * 8 : fields + 6 + 2 * 8] = bytes(2)
    return data


@bad("TS361", 7, "aten::save stands in the bytecode of")
def bytecode_that_saves(path: Path) -> None:
    lite(Small(), path)
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("bytecode.pkl"))
        bytecode = archive.read(name)
    assert b"aten::relu" in bytecode
    rewrite(path, {"bytecode.pkl": bytecode.replace(b"aten::relu", b"aten::save")})


@bad("TS302", 5, "bytecode.pkl")
def bytecode_of_nothing(path: Path) -> None:
    lite(Small(), path)
    rewrite(path, {"bytecode.pkl": b"\x80\x02K\x01."})


@bad("TS361", 7, "if something calls it")
def saves_in_unreached_code(path: Path) -> None:
    code = b'def unseen(x: Tensor) -> Tensor:\n  torch.save(x, "a")\n  return x\n'
    rewrite(small(path), {"code/__torch__/more.py": code})


@bad("TS362", 7, "c10d::send")
def sends(path: Path) -> None:
    with_code(path, "torch.relu(", "ops.c10d.send(")


@bad("TS362", 7, "torch.classes.c10d.Store")
def opens_a_store(path: Path) -> None:
    with_code(path, "return ", "s = __torch__.torch.classes.c10d.Store\n    return ")


@bad("TS362", 7, "prim::rpc_sync")
def calls_elsewhere(path: Path) -> None:
    with_code(path, "torch.relu(", "ops.prim.rpc_sync(")


@bad("TS363", 7, "evil::run")
def unknown_operator(path: Path) -> None:
    with_code(path, "torch.relu(", "ops.evil.run(")


@bad("TS364", 7, "data.pkl names posix.system")
def pickle_that_runs_a_program(path: Path) -> None:
    rewrite(small(path), {"data.pkl": b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R."})
