"""What a file is, by its bytes: half of the files that "do not load" are not what their name says."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tsharness.artifact.archive import BAD_ZIP, open_archive, raw_record, record_name
from tsharness.artifact.pickled_files import is_old_pickle
from tsharness.artifact.pickles import Call, Global, read_pickle
from tsharness.errors import ArtifactError

_HEAD = 1024  # bytes in which every magic number lies
_MOST_PICKLE = 64_000_000  # bytes of a checkpoint's pickle that is looked into


@dataclass(frozen=True)
class Kind:
    """A sort of file."""

    name: str
    what: str
    """In words."""
    do: str = ""
    """What to do with it instead; empty for what can be loaded."""
    loads: bool = False
    """Whether ``torch::jit::load`` is made for it."""
    runtime: str = ""
    """What runs it (runtimes/registry.py); empty if nothing here does."""


_EXPORT = (
    "build the model, load the weights into it (torch.load with weights_only=True, which calls nothing), and "
    "export that: tsharness export MODULE:FACTORY -o model.pt"
)

KINDS = {
    kind.name: kind
    for kind in (
        Kind("torchscript", "TorchScript", loads=True, runtime="torchscript"),
        Kind(
            "lite",
            "TorchScript with bytecode for the lite interpreter (_save_for_lite_interpreter)",
            loads=True,
            runtime="lite",
        ),
        Kind(
            "lite-flatbuffer",
            "a lite interpreter model as flatbuffer (_use_flatbuffer)",
            loads=True,
            runtime="lite",
        ),
        Kind(
            "torchscript-json",
            "TorchScript from before PyTorch 1.4 (model.json)",
            "no LibTorch since reads it: load it with PyTorch 1.3, or export the model again",
        ),
        Kind(
            "exported-program",
            "an ExportedProgram (torch.export.save)",
            "torch::jit::load cannot read it: if you trust its maker, torch.export.load in Python, or "
            "compile it for C++ with torch._inductor.aoti_compile_and_package",
        ),
        Kind(
            "aoti",
            "an AOTInductor package (aoti_compile_and_package)",
            "torch::jit::load cannot read it: load it with torch::inductor::AOTIModelPackageLoader",
            runtime="aoti",
        ),
        Kind("state-dict", "a torch.save checkpoint: weights without code (state_dict)", _EXPORT),
        Kind("checkpoint", "a torch.save checkpoint: weights and other objects, without code", _EXPORT),
        Kind(
            "module",
            "a torch.save of a whole module, which needs its Python classes",
            "unpickling it runs what it names: if you trust its maker, load it where its classes are; export",
        ),
        Kind(
            "legacy-checkpoint",
            "a torch.save file from before PyTorch 1.6 (no zip)",
            _EXPORT,
        ),
        Kind(
            "legacy-tar",
            "a tar archive, as torch.save wrote before 0.2",
            _EXPORT,
        ),
        Kind(
            "executorch",
            "an ExecuTorch program (.pte)",
            "run it with ExecuTorch's own runtime",
            runtime="executorch",
        ),
        Kind("onnx", "an ONNX model", "run it with ONNX Runtime", runtime="onnx"),
        Kind("safetensors", "tensors in safetensors: weights without code", _EXPORT),
        Kind("gguf", "weights in GGUF, for llama.cpp", "run it with llama.cpp"),
        Kind("keras", "a Keras archive", "it belongs to Keras, not to PyTorch"),
        Kind("numpy", "NumPy arrays (.npz)", _EXPORT),
        Kind("mar", "a TorchServe archive (.mar)", "unzip it: the .pt inside is what runs"),
        Kind(
            "git-lfs",
            "a Git LFS pointer: the file's address, not the file",
            "fetch the file: git lfs pull",
        ),
        Kind("html", "a web page: a download that met a login or error page", "download the file itself"),
        Kind("gzip", "a gzip archive", "unpack it first: gunzip, or tar xzf"),
        Kind(
            "elf", "a shared library", "an AOTInductor model of this form needs torch::inductor's own loader"
        ),
        Kind("pickle", "a Python pickle", f"it is no TorchScript; if it holds weights: {_EXPORT}"),
        Kind("empty", "an empty file", "copy it again: it was cut off before its first byte"),
        Kind(
            "truncated",
            "the beginning of a zip archive whose directory, at its end, is missing",
            "copy it again: it was cut off",
        ),
        Kind("zip", "a zip archive, but not one of torch's", "name the saved model itself"),
        Kind("text", "a text file", "name the saved model itself"),
        Kind("unknown", "of no known format", "name a model that torch.jit.save or tsharness export wrote"),
    )
}


def kind_of(path: Path) -> Kind:
    """Reads the head of a file, and the directory of a zip. Raises ArtifactError if there is no such file,
    or one that is no regular file: a FIFO would block for ever."""
    archive = open_archive(path)
    if archive is not None:
        with archive:
            return KINDS[_of_archive(path, archive)]
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            size = file.seek(0, 2)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None
    name = _of_head(head, size)
    if name in ("text", "unknown") and is_old_pickle(path):
        name = "pickle"
    return KINDS[name]


def _of_archive(path: Path, archive: zipfile.ZipFile) -> str:
    infos = archive.infolist()
    names = {record_name(info) for info in infos}
    roots = {info.filename for info in infos}
    folders = {name.partition("/")[0] for name in names}
    if "model.json" in names and "constants.pkl" not in names:
        return "torchscript-json"
    if "constants.pkl" in names and ("code" in folders or "data.pkl" in names):
        return "lite" if "bytecode.pkl" in names else "torchscript"
    if any("data/aotinductor/" in name for name in roots):
        return "aoti"
    if "archive_format" in names or "serialized_exported_program.json" in roots | names:
        return "exported-program"
    if "data.pkl" in names:
        return _of_checkpoint(path, archive)
    if "MAR-INF/MANIFEST.json" in roots:
        return "mar"
    if any(name.endswith(".weights.h5") for name in roots):
        return "keras"
    return "numpy" if roots and all(name.endswith(".npy") for name in roots) else "zip"


def _of_checkpoint(path: Path, archive: zipfile.ZipFile) -> str:
    """What torch.save was given."""
    info = next(info for info in archive.infolist() if record_name(info) == "data.pkl")
    if info.file_size > _MOST_PICKLE:
        return "checkpoint"
    try:
        found = read_pickle(raw_record(path, info))
    except (ArtifactError, *BAD_ZIP):
        return "checkpoint"
    value = found.value
    if isinstance(value, Call) and isinstance(value.function, Global):
        name = value.function.path
        if name == "collections.OrderedDict":
            return "state-dict"
        return "checkpoint" if name.startswith(("torch._utils.", "torch._tensor.")) else "module"
    plain = isinstance(value, dict) and all(isinstance(key, str) for key in value)
    tensors = plain and all(map(_is_tensor, value.values()))
    return "state-dict" if tensors and value else "checkpoint"


def _is_tensor(value: object) -> bool:
    made = isinstance(value, Call) and isinstance(value.function, Global)
    return made and value.function.path.startswith(("torch._utils._rebuild", "torch._tensor._rebuild"))  # type: ignore[attr-defined]


def _of_head(head: bytes, size: int) -> str:
    if not head:
        return "empty"
    for magic, at, name in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return name
    if head[4:6] == b"ET" and head[6:8].isdigit():
        return "executorch"
    text = head.lstrip()[:15].lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "html"
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return "legacy-checkpoint" if _LEGACY_MAGIC in head[:16] else "pickle"
    if _is_safetensors(head, size):
        return "safetensors"
    if _is_onnx(head):
        return "onnx"
    return "text" if _is_text(head) else "unknown"


_MAGIC: Sequence[tuple[bytes, int, str]] = (
    (b"version https://git-lfs", 0, "git-lfs"),
    (b"PK\x03\x04", 0, "truncated"),
    (b"\x1f\x8b", 0, "gzip"),
    (b"GGUF", 0, "gguf"),
    (b"PTMF", 4, "lite-flatbuffer"),
    (b"\x7fELF", 0, "elf"),
    (b"ustar", 257, "legacy-tar"),
)
_LEGACY_MAGIC = bytes.fromhex(
    "6cfc9c46f9206aa85019"
)  # 0x1950a86a20f9469cfc6c, the first object of such files


def _is_safetensors(head: bytes, size: int) -> bool:
    if len(head) < 9:
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return 2 <= length <= size - 8 and head[8:9] == b"{"


def _is_text(head: bytes) -> bool:
    """UTF-8, up to a character that the end of the head may have cut, without control characters."""
    text = head.decode("utf-8", "replace").rstrip("\ufffd")
    return (
        bool(text) and all(char.isprintable() or char in "\t\n\r" for char in text) and "\ufffd" not in text
    )


_ONNX_VERSIONS = tuple(bytes([number]) for number in range(1, 21))


def _is_onnx(head: bytes) -> bool:
    """A protobuf that begins with a small ir_version, then a text (the producer) or the graph."""
    return (
        head[:1] == b"\x08"
        and head[1:2] in _ONNX_VERSIONS
        and head[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42")
    )
