"""The zip archive that a TorchScript artifact is: where its records lie, and adding one to it."""

from __future__ import annotations

import lzma
import shutil
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from tsharness.cases.safetensors_file import Location
from tsharness.errors import ArtifactError

BESIDE_SUFFIX = ".cases.safetensors"
"""Of the file beside an artifact that has its cases, where they are not inside."""
CASES_RECORD = "extra/tsharness/cases.safetensors"
"""Name of the embedded case file below the archive's root folder, as torch names extra files."""

_EXTRA = "extra"
"""The folder of torch's extra files."""
_OURS = "tsharness/"
"""Extra files of this program's."""

_ALIGNMENT = 64  # bytes; torch aligns its records so, and readers may map them
_ZIP64_EXTRA = 20  # bytes that zipfile puts before the extra field of a record of more than 2 GB
_LOCAL_HEADER = 30  # bytes of a local file header before name and extra field


BAD_ZIP = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError, UnicodeError),
)
"""What zipfile raises for archives that are damaged, encrypted, or made to hurt."""


def cases_beside(artifact: Path) -> Path:
    """Where the cases of an artifact are that does not have them inside."""
    return artifact.with_name(artifact.name + BESIDE_SUFFIX)


def open_archive(path: Path) -> zipfile.ZipFile | None:
    """The archive, or ``None`` for a file that is not a zip. Raises ArtifactError if it cannot be read."""
    try:
        if not path.is_file():
            what = (
                "is a folder"
                if path.is_dir()
                else "is no regular file"
                if path.exists()
                else "does not exist"
            )
            raise ArtifactError(f"{path} {what}; give the path of a saved model")
        return zipfile.ZipFile(path)
    except BAD_ZIP:
        return None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None


def record_name(info: zipfile.ZipInfo) -> str:
    """Name of a record below the root folder, which is called after the file that was first saved."""
    return info.filename.partition("/")[2]


def embedded_cases(path: Path) -> Location | None:
    """Where the cases lie inside an artifact, or ``None``. Raises ArtifactError."""
    archive = open_archive(path)
    if archive is None:
        return None
    with archive:
        for info in archive.infolist():
            if record_name(info) == CASES_RECORD:
                return Location(path, _data_offset(path, info), info.file_size)
    return None


def _data_offset(path: Path, info: zipfile.ZipInfo) -> int:
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise ArtifactError(f"{path}: the record {info.filename} is compressed; it must be stored")
    return data_start(path, info)


def data_start(path: Path, info: zipfile.ZipInfo) -> int:
    """Byte of the file at which a record's data begins. Raises ArtifactError if it has no header there."""
    if info.header_offset < 0:
        raise ArtifactError(f"{path}: the record {info.filename} lies before the file")
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or header[:4] != b"PK\x03\x04":
        raise ArtifactError(f"{path}: the archive is damaged at byte {info.header_offset}")
    name_length, extra_length = struct.unpack("<HH", header[26:30])
    return int(info.header_offset + _LOCAL_HEADER + name_length + extra_length)


def raw_record(path: Path, info: zipfile.ZipInfo, most: int | None = None) -> bytes:
    """A record as torch's reader sees it, whatever its checksum; no more than ``most`` bytes of it. Raises
    one of BAD_ZIP, or ArtifactError."""
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("is encrypted, or packed in a way that torch does not know")
    start = data_start(path, info)
    there = path.stat().st_size - start
    if there < info.compress_size:
        raise zipfile.BadZipFile(f"declares {info.compress_size} bytes, of which {there} are there")
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(info.compress_size if most is None else min(most, info.compress_size))
    if info.compress_type == zipfile.ZIP_STORED:
        return data
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    found = inflate.decompress(data, max(1, min(info.file_size, most or info.file_size)))
    if most is None and (len(found) != info.file_size or not _ended(inflate)):
        raise zipfile.BadZipFile(f"does not unpack to the {info.file_size} bytes that it declares")
    return found


def _ended(inflate: zlib._Decompress) -> bool:
    """Whether nothing more would come, and nothing stands behind it."""
    more = inflate.decompress(inflate.unconsumed_tail, 1)
    return inflate.eof and not more and not inflate.unused_data


def users_extra_files(path: Path) -> dict[str, bytes]:
    """By their names, the files that somebody added to an archive (torch's ``_extra_files``), without those
    that this program adds; none for what is no zip. Raises ArtifactError for one that cannot be read."""
    archive = open_archive(path)
    if archive is None:
        return {}
    found = {}
    with archive:
        for info in archive.infolist():
            folder, _, name = record_name(info).partition("/")
            if folder != _EXTRA or not name or name.startswith(_OURS):
                continue
            try:
                found[name] = raw_record(path, info)
            except BAD_ZIP as error:
                raise ArtifactError(f"{path}: the extra file {name!r} cannot be read: {error}") from None
    return found


def append_cases(path: Path, data: bytes) -> None:
    """Adds the cases to an archive that has none, as torch's ``_extra_files`` would."""
    append_extra_files(path, {CASES_RECORD.partition("/")[2]: data})


def append_extra_files(path: Path, files: Mapping[str, bytes]) -> None:
    """Adds files to an archive that has none of these names, as torch's ``_extra_files`` would."""
    with zipfile.ZipFile(path, "a") as archive:
        root = archive.infolist()[0].filename.partition("/")[0]
        for name, data in files.items():
            info = zipfile.ZipInfo(f"{root}/{_EXTRA}/{name}")
            info.extra = _padding(archive.start_dir, info.filename)
            archive.writestr(info, data)


def remove_cases(source: Path, target: Path) -> bool:
    """Writes the archive without its cases, every record as aligned as torch makes it; ``False`` if it has
    none, and nothing is written. Raises ArtifactError for what is no archive."""
    archive = open_archive(source)
    if archive is None:
        raise ArtifactError(f"{source} is no TorchScript archive: it has no zip directory")
    with archive:
        infos = archive.infolist()
        if all(record_name(info) != CASES_RECORD for info in infos):
            return False
        with zipfile.ZipFile(target, "w") as stripped:
            for info in infos:
                if record_name(info) != CASES_RECORD:
                    _copy_record(archive, info, stripped)
    return True


def _copy_record(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: zipfile.ZipFile) -> None:
    copied = zipfile.ZipInfo(info.filename, info.date_time)
    copied.compress_type, copied.file_size = info.compress_type, info.file_size
    assert target.fp is not None
    wide = _ZIP64_EXTRA if info.file_size * 1.05 > zipfile.ZIP64_LIMIT else 0  # zipfile's own rule
    copied.extra = _padding(target.fp.tell(), copied.filename, wide)
    with archive.open(info) as record, target.open(copied, "w") as out:
        shutil.copyfileobj(record, out, 1 << 20)


def _padding(start: int, name: str, more: int = 0) -> bytes:
    """An extra field after which a record's data is aligned, if its header begins at ``start``."""
    position = start + _LOCAL_HEADER + len(name.encode()) + 4 + more
    padding = -position % _ALIGNMENT
    return b"FB" + struct.pack("<H", padding) + b"Z" * padding
