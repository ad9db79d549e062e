"""Every byte of a file: its hash, the checksums of its records, and what its content hashes to."""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tsharness.artifact.archive import BAD_ZIP, CASES_RECORD, data_start, open_archive, record_name
from tsharness.artifact.container import Container, Fault, is_readable
from tsharness.errors import ArtifactError

_CHUNK = 2 << 20
"""Bytes at a time: with each, a thread asks for Python's lock, which a busy one gives up every 5 ms."""
_THREADS = min(4, os.cpu_count() or 1)
_PART = 64 << 20  # bytes of records whose checksums are one task
UNREADABLE = ("TS311", "TS312", "TS316", "TS317")
"""Codes of faults after which a record is not what it should be."""


@dataclass(frozen=True)
class Bytes:
    """What the bytes say."""

    sha256: str
    """Empty if nobody asked."""
    content_sha256: str | None
    """Of what is no archive, that of the file. ``None`` if it is damaged, or if nobody asked."""
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class _File:
    """A file that is read until somebody says that it is enough."""

    path: Path
    ended: threading.Event = field(default_factory=threading.Event)

    def chunks(self, start: int, size: int, buffer: memoryview) -> Iterator[memoryview]:
        """Its bytes from ``start`` on, in the buffer. Raises CancelledError when it is enough, ArtifactError
        if they cannot be read."""
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(start)
                while size > 0:
                    if self.ended.is_set():
                        raise CancelledError
                    count = file.readinto(buffer[: min(size, len(buffer))])
                    if not count:
                        raise ArtifactError(f"{size} bytes are missing")
                    size -= count
                    yield buffer[:count]
        except OSError as error:
            raise ArtifactError(f"{self.path} cannot be read: {error.strerror}") from None


class Reading:
    """The bytes of a file, read by threads beside whatever else is done: hashes and checksums leave Python's
    lock."""

    def __init__(self, path: Path, hashes: bool) -> None:
        """Raises ArtifactError if it cannot be read."""
        self.hashes = hashes
        self._pool = ThreadPoolExecutor(max_workers=_THREADS)
        self._file = _File(path)
        self._faults: list[Fault] = []
        archive = open_archive(path)
        parts: list[list[zipfile.ZipInfo]] = []
        if archive is not None:
            with archive:
                self._faults = Container(archive, path).faults()
                parts = list(_parts(archive.infolist()))
        self._checksums = [self._pool.submit(_checksum_faults, self._file, part) for part in parts]
        self._sha256 = self._pool.submit(_sha256, self._file) if hashes else None
        self._whole = archive is None
        infos = [info for part in parts for info in part]
        self._content = self._pool.submit(_content_sha256, self._file, infos) if hashes and parts else None

    def close(self) -> None:
        """Ends it, without a result if there is none yet."""
        self._file.ended.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def result(self) -> Bytes:
        """Waits for all of it."""
        try:
            faults = (*self._faults, *(fault for part in self._checksums for fault in part.result()))
            content = self._content.result() if self._content else None
            digest = self._sha256.result() if self._sha256 else ""
            if self._whole:
                content = digest or None
        finally:
            self.close()
        damaged = any(fault.code in UNREADABLE for fault in faults)
        return Bytes(digest, None if damaged else content, faults)


def _parts(infos: list[zipfile.ZipInfo]) -> Iterator[list[zipfile.ZipInfo]]:
    part: list[zipfile.ZipInfo] = []
    size = 0
    for info in infos:
        part.append(info)
        size += info.compress_size
        if size >= _PART:
            yield part
            part, size = [], 0
    if part:
        yield part


def _sha256(file: _File) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))
    for chunk in file.chunks(0, file.path.stat().st_size, buffer):
        digest.update(chunk)
    return digest.hexdigest()


def _checksum_faults(file: _File, infos: list[zipfile.ZipInfo]) -> list[Fault]:
    buffer = memoryview(bytearray(_CHUNK))
    found = ((info.filename, _bad_checksum(file, info, buffer)) for info in infos)
    return [Fault("TS311", name, bad) for name, bad in found if bad]


def _bad_checksum(file: _File, info: zipfile.ZipInfo, buffer: memoryview) -> str:
    """What is wrong with a record's bytes; empty if nothing. What is not to be unpacked is not looked at."""
    if not is_readable(info):
        return ""
    crc = 0
    try:
        for chunk in _chunks(file, info, buffer):
            crc = zlib.crc32(chunk, crc)
    except (ArtifactError, *BAD_ZIP) as error:
        return str(error)
    return "" if crc == info.CRC else f"has the checksum {crc:08x}, declared is {info.CRC:08x} (Bad CRC-32)"


def content_sha256(path: Path, infos: Sequence[zipfile.ZipInfo]) -> str | None:
    """Hash of what the archive holds apart from its cases: every record's name, length and bytes, in the
    order of the names. Renaming the file, or adding cases, does not change it. ``None`` if it cannot be
    read."""
    return _content_sha256(_File(path), infos)


def _content_sha256(file: _File, infos: Sequence[zipfile.ZipInfo]) -> str | None:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))
    try:
        for info in sorted(infos, key=record_name):
            name = record_name(info)
            if name == CASES_RECORD:
                continue
            if not is_readable(info):
                return None
            digest.update(f"{len(name)}:{name}:{info.file_size}:".encode())
            for chunk in _chunks(file, info, buffer):
                digest.update(chunk)
    except (ArtifactError, UnicodeError, *BAD_ZIP):
        return None  # the checksums say why
    return digest.hexdigest()


def _chunks(file: _File, info: zipfile.ZipInfo, buffer: memoryview) -> Iterator[memoryview]:
    """A record's bytes, unpacked; they stand in the buffer until the next ones come."""
    if info.compress_type == zipfile.ZIP_STORED:
        yield from _packed(file, info, buffer)
        return
    if info.compress_type != zipfile.ZIP_DEFLATED:
        raise zipfile.BadZipFile(f"is packed by method {info.compress_type}, which torch does not know")
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    for chunk in _packed(file, info, buffer):
        data: bytes | memoryview = chunk
        while data:
            yield memoryview(inflate.decompress(data, _CHUNK))
            data = inflate.unconsumed_tail
    if not inflate.eof:
        raise zipfile.BadZipFile("ends before its time")


def _packed(file: _File, info: zipfile.ZipInfo, buffer: memoryview) -> Iterator[memoryview]:
    return file.chunks(data_start(file.path, info), info.compress_size, buffer)
