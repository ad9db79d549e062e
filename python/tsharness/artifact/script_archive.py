"""A TorchScript archive taken apart: code, objects, weights, versions. Bytes only, nothing is run."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsharness.artifact.archive import BAD_ZIP, open_archive, raw_record, record_name
from tsharness.artifact.bytecode import Bytecode, read_bytecode
from tsharness.artifact.code import Code, CodeError
from tsharness.artifact.code_reader import parse_code
from tsharness.artifact.debug_lines import DebugLines, SourceLine
from tsharness.artifact.flatbuffer import FlatbufferModule, read_flatbuffer
from tsharness.artifact.flatbuffer_tables import FlatbufferError
from tsharness.artifact.pickles import (
    TORCH_OPCODES,
    Call,
    Global,
    Pickle,
    PickleError,
    UnknownOpcodeError,
    read_pickle,
)
from tsharness.errors import ArtifactError

_MOST_RECORD = 256_000_000  # bytes of one record of code, pickles or debug information that are read

_READ = ("data.pkl", "constants.pkl", "bytecode.pkl")
"""Pickles that LibTorch reads."""


@dataclass
class Problem:
    """A record that could not be read."""

    record: str
    message: str
    code: str = "TS302"
    """Of the finding: it is damaged, or (TS365) whole and not understood."""


@dataclass
class ScriptArchive:
    """What its records hold."""

    path: Path
    sizes: Mapping[str, int]
    """Bytes of every record, by its name below the root folder."""
    version: int | None = None
    """Of the file format."""
    bytecode: Bytecode | None = None
    """For the lite interpreter, beside the code."""
    code: Code = field(default_factory=Code)
    code_sha256: Mapping[str, str] = field(default_factory=dict)
    """Of every record of code, by its name."""
    data: Pickle | None = None
    constants: Pickle | None = None
    others: dict[str, Pickle] = field(default_factory=dict)
    """What else lies there as a pickle, by record: LibTorch does not read it, other programs do."""
    flatbuffer: FlatbufferModule | None = None
    """What the file is if it is no zip: its objects and weights are not read."""
    problems: list[Problem] = field(default_factory=list)
    _debug: dict[str, bytes] = field(default_factory=dict)
    _lines: dict[str, DebugLines] = field(default_factory=dict)

    @property
    def root(self) -> str | None:
        """The class of the module that was saved."""
        if self.flatbuffer:
            return self.flatbuffer.root
        return class_of(self.data.value) if self.data else None

    @property
    def holds_objects(self) -> bool:
        """Whether there is a module in it at all."""
        return self.data is not None or self.flatbuffer is not None

    def source(self, record: str, offset: int) -> SourceLine | None:
        """The line of the user's source that a byte of the code was made from, if the archive keeps it."""
        if record not in self._lines:
            self._lines[record] = DebugLines(self._debug.get(f"{record}.debug_pkl", b""))
        return self._lines[record].at(offset)

    def methods(self) -> list[str]:
        """Names of the saved module's own methods, those that begin with two underscores last."""
        root = self.root
        names = [f.method for f in self.code.functions.values() if f.owner == root]
        return sorted(names, key=lambda name: (name.startswith("__"), name != "forward"))

    def modules(self) -> Iterator[tuple[str, Call]]:
        """Every module of the tree with its path: the saved one ("") first, each before those in it."""
        seen: set[int] = set()
        open_: list[tuple[str, Any]] = [("", self.data.value if self.data else None)]
        while open_:
            path, value = open_.pop()
            if class_of(value) is None or id(value) in seen:
                continue
            seen.add(id(value))
            yield path, value
            inner = [
                (f"{path}.{name}" if path else name, item) for name, item in attributes_of(value).items()
            ]
            open_ += reversed(inner)


def class_of(value: Any) -> str | None:
    """The TorchScript class of an object, ``None`` for what is none."""
    if isinstance(value, Call) and isinstance(value.function, Global):
        path = value.function.path
        return path if path.startswith("__torch__") else None
    return None


def attributes_of(value: Call) -> Mapping[str, Any]:
    """Of an object; nothing where its class restores itself from another state."""
    return value.state if isinstance(value.state, dict) else {}


def read_archive(path: Path) -> ScriptArchive:
    """Reads an archive's code and pickles; what cannot be read is among the ``problems``. Raises
    ArtifactError for a file that cannot be read at all."""
    archive = open_archive(path)
    if archive is None:
        return _flatbuffer(path)
    with archive:
        infos = {record_name(info): info for info in archive.infolist()}
        found = ScriptArchive(path, {name: info.file_size for name, info in infos.items()})
        read = _Records(path, infos, found.problems)
        code = {n: d for n in infos if _is_code(n) and (d := read(n)) is not None}
        found._debug = {n: d for n in infos if n.endswith(".debug_pkl") and (d := read(n)) is not None}
        version = (read("version") or read(".data/version") or b"").strip()
        found.version = int(version) if version.isdigit() else None
        found.data = _pickle(read, "data.pkl", found.problems)
        found.constants = _pickle(read, "constants.pkl", found.problems)
        found.bytecode = _bytecode(read("bytecode.pkl"), found.problems)
        for name in sorted(
            n for n in infos if n.endswith(".pkl") and n not in _READ and not n.startswith("extra/")
        ):
            if (pickle := _pickle(read, name, found.problems, known=None)) is not None:
                found.others[name] = pickle
    _parse(code, found)
    return found


def _flatbuffer(path: Path) -> ScriptArchive:
    found = ScriptArchive(path, {})
    try:
        found.flatbuffer = read_flatbuffer(path)
    except FlatbufferError as error:
        found.problems.append(Problem("flatbuffer", str(error)))
        return found
    found.bytecode = found.flatbuffer.bytecode
    _parse(found.flatbuffer.sources, found)
    return found


def _parse(code: Mapping[str, bytes], found: ScriptArchive) -> None:
    found.code_sha256 = {name: hashlib.sha256(data).hexdigest() for name, data in code.items()}
    try:
        found.code = parse_code(code)
    except CodeError as error:
        found.problems.append(Problem("", str(error), "TS365"))


def _bytecode(data: bytes | None, problems: list[Problem]) -> Bytecode | None:
    if data is None:
        return None
    try:
        return read_bytecode(data)
    except PickleError as error:
        problems.append(_problem("bytecode.pkl", error))
        return None


def _problem(record: str, error: PickleError) -> Problem:
    return Problem(record, str(error), "TS365" if isinstance(error, UnknownOpcodeError) else "TS302")


def _is_code(name: str) -> bool:
    return name.startswith("code/") and name.endswith(".py")


class _Records:
    """Reads records by name, none that is larger than real ones are."""

    def __init__(self, path: Path, infos: Mapping[str, zipfile.ZipInfo], problems: list[Problem]) -> None:
        self._path = path
        self._infos = infos
        self._problems = problems

    def __call__(self, name: str) -> bytes | None:
        info = self._infos.get(name)
        if info is None:
            return None
        if info.file_size > _MOST_RECORD:
            self._problems.append(Problem(name, f"declares {info.file_size} bytes, which were not read"))
            return None
        try:
            return raw_record(self._path, info)
        except (ArtifactError, *BAD_ZIP) as error:
            self._problems.append(Problem(name, str(error)))
            return None


def _pickle(
    read: _Records, name: str, problems: list[Problem], known: frozenset[str] | None = TORCH_OPCODES
) -> Pickle | None:
    data = read(name)
    if data is None:
        return None
    try:
        return read_pickle(data, known)
    except PickleError as error:
        problems.append(_problem(name, error))
        return None
