"""Every pickle of a file that Python would unpickle: checkpoints of any age, whole modules, plain pickles."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tsharness.artifact.archive import BAD_ZIP, open_archive, raw_record
from tsharness.artifact.pickles import Call, Global, Pickle, PickleError, read_pickle
from tsharness.artifact.storages import DTYPES, ITEM_SIZES
from tsharness.errors import ArtifactError

_MOST = 64_000_000  # bytes of one pickle, or of an archive in an archive, that is read
_NAMES = (".pkl", ".pickle", ".pt", ".pth")
_MOST_PICKLES = 100_000  # in one record
_LEGACY = 5  # pickles before the storages of a torch.save without zip


def pickles_in(path: Path, kind: str) -> Iterator[tuple[str, Pickle | str]]:
    """Each with the name of its record; a text that says why, for what could not be read as a whole."""
    if kind == "legacy-tar":
        yield from _of_tar(path)
    elif kind in ("legacy-checkpoint", "pickle"):
        yield from _sequence("", _head(path), _LEGACY if kind == "legacy-checkpoint" else None)
    elif (archive := open_archive(path)) is not None:
        with archive:
            yield from _of_zip(path, archive)


def is_old_pickle(path: Path) -> bool:
    """Whether it is a pickle of protocol 0 or 1, which begins like any text."""
    with path.open("rb") as file:
        if file.seek(0, 2) > _MOST:
            return False
        file.seek(-1, 2)
        if file.read(1).strip() not in (b".", b""):
            return False
        file.seek(0)
        data = file.read().rstrip()
    try:
        return read_pickle(data).size == len(data)
    except PickleError:
        return False


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST)


def _of_zip(path: Path, archive: zipfile.ZipFile) -> Iterator[tuple[str, Pickle | str]]:
    for info in archive.infolist():
        name = info.filename
        try:
            begin = raw_record(path, info, 4)
            if not _may_be(name, begin):
                continue
            if info.file_size > _MOST:
                yield name, f"has {info.file_size} bytes, which were not read"
                continue
            data = raw_record(path, info)
        except (ArtifactError, *BAD_ZIP) as error:
            if name.lower().endswith(_NAMES):
                yield name, str(error)
            continue
        yield from _nested(name, data) if begin == b"PK\3\4" else _sequence(name, data, None)


def _may_be(name: str, begin: bytes) -> bool:
    """Weights may begin with any bytes, and never are one of these."""
    named = name.lower().endswith(_NAMES)
    return (named and bool(begin)) or (
        begin[:1] == b"\x80" and begin[1:2] in b"\2\3\4\5" and "/data/" not in name
    )


def _nested(name: str, data: bytes) -> Iterator[tuple[str, Pickle | str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.filename.lower().endswith(".pkl") and info.file_size <= _MOST:
                    yield from _sequence(f"{name}/{info.filename}", archive.read(info), None)
    except BAD_ZIP as error:
        yield name, str(error)


def _sequence(name: str, data: bytes, most: int | None) -> Iterator[tuple[str, Pickle | str]]:
    """Pickles that stand one behind the other: readers ask for one more as long as there is one."""
    at = count = 0
    while at < len(data) and (most is None or count < most):
        try:
            found = read_pickle(data, start=at)
        except PickleError as error:
            # Behind the first one may stand whatever its reader takes for data.
            if count == 0 or data[at : at + 1] == b"\x80":
                yield name, str(error)
            return
        yield name, found
        at, count = at + found.size, count + 1
        if count == _MOST_PICKLES:
            yield name, f"has more than {_MOST_PICKLES} pickles, one behind the other"
            return


def _of_tar(path: Path) -> Iterator[tuple[str, Pickle | str]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file is None:
                    yield member.name, "is no file"
                elif member.size > _MOST and member.name != "storages":
                    yield member.name, f"has {member.size} bytes, which were not read"
                else:
                    yield from _of_member(member.name, file.read(_MOST))
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        yield "", f"cannot be read: {error}"


def _of_member(name: str, data: bytes) -> Iterator[tuple[str, Pickle | str]]:
    """A number of pickles with data behind each: storages, and tensors; the member "pickle" is one alone."""
    at = 0
    while at < len(data):
        try:
            found = read_pickle(data, start=at)
        except PickleError as error:
            yield name, str(error)
            return
        yield name, found
        at += found.size
        at += _data_behind(name, found, data, at)


def _data_behind(member: str, found: Pickle, data: bytes, at: int) -> int:
    """Bytes that torch's old writer puts behind a pickle of that member."""
    value = found.value
    if (
        member == "storages"
        and isinstance(value, tuple)
        and len(value) == 3
        and isinstance(value[2], (Global, Call))
    ):
        type_ = value[2].name if isinstance(value[2], Global) else ""
        numel = int.from_bytes(data[at : at + 8], "little")
        return 8 + numel * ITEM_SIZES.get(DTYPES.get(type_, ""), 1)
    if member == "tensors" and isinstance(value, tuple):
        dims = int.from_bytes(data[at : at + 4], "little")
        return 8 + 16 * dims + 8
    return 0
