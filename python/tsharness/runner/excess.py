"""What a process takes too much of, seen from outside of its cage: where no limit of the kernel holds."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol

from tsharness.runner.cage import PRINTED_BYTES, SCRATCH_BYTES, written
from tsharness.runner.job import Job

_DELETED = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ (\S+) (\d+) +(/.*) \(deleted\)$", re.MULTILINE)
"""A line of /proc/PID/maps: begin, end, device, inode, path."""
_OF_MEMORY = ("/dev/zero", "/memfd:", "/dev/shm/")
"""What is called a file, and is shared memory."""
_MEMORY = re.compile(r"^Rss(?:Anon|Shmem):\s+(\d+) kB$", re.MULTILINE)


class Excess(Protocol):
    """What a process takes too much of."""

    def seen(self, printed: int) -> str | None:
        """In words, when it has printed so many bytes; ``None`` if nothing."""


class PrintedExcess:
    """All that is seen from afar is what it prints."""

    def seen(self, printed: int) -> str | None:
        return f"printed more than {PRINTED_BYTES} bytes" if printed > PRINTED_BYTES else None


class FolderExcess:
    """What a process writes, from now on: into folders, and into files that it has removed while they are
    open."""

    def __init__(
        self,
        folders: Collection[Path],
        pid: int,
        room: int = SCRATCH_BYTES,
        asked_for: Collection[Path] = (),
    ) -> None:
        self._folders, self._pid = frozenset(folders), pid
        self._room, self._asked_for = room, frozenset(asked_for)
        self._before, self._locked = self._look(1 << 62)

    def seen(self) -> str | None:
        """In words, if it is more than there is room for, or cannot be looked into. Files that were asked
        for do not count."""
        enough = self._before + self._room
        total, locked = self._look(enough)
        if total + unlinked_bytes(self._pid) > enough:
            return f"wrote more than {self._room} bytes into its scratch folder"
        if locked - self._locked:
            return "made folders, in its scratch folder, that nobody can look into"
        return None

    def _look(self, enough: int) -> tuple[int, set[str]]:
        total, locked = 0, set[str]()
        for folder in self._folders:
            total += _look_into(folder, enough, self._asked_for, locked)
        return total, locked


class FilesExcess(PrintedExcess):
    """Of a process on this machine: its files and its memory, too. The kernel's limit counts neither memory
    that is shared nor, on a GPU, any: there the driver reserves more addresses than a limit could allow."""

    def __init__(self, scratch: Path, pid: int, job: Job) -> None:
        self._pid, self._job = pid, job
        asked_for = written(job)
        folders = {scratch, *(path.parent for path in asked_for)}
        self._folders = FolderExcess(folders, pid, asked_for=asked_for)

    def seen(self, printed: int) -> str | None:
        too_much = super().seen(printed) or self._folders.seen()
        if too_much:
            return too_much
        if self._job.memory_limit:
            taken = memory_bytes(self._pid) if self._job.device.startswith("cpu") else _resident(self._pid)
            if taken > self._job.memory_limit:
                return f"took {taken} bytes of memory, more than the limit of {self._job.memory_limit}"
        return None


def unlinked_bytes(pid: int) -> int:
    """Bytes of files that a process keeps open, or mapped, and that no folder has any more."""
    found: dict[tuple[int, int], int] = {}
    for status in _open_files(pid):
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
            found[status.st_dev, status.st_ino] = status.st_blocks * 512
    mapped: dict[tuple[int, int], int] = {}
    maps = _text(pid, "maps")
    # Most have none, and the expression is slow for who looks while something is timed.
    for begin, end, device, inode, path in _DELETED.findall(maps) if "(deleted)" in maps else ():
        if not path.startswith(_OF_MEMORY):
            major, minor = (int(part, 16) for part in device.split(":"))
            key = (os.makedev(major, minor), int(inode))
            mapped[key] = mapped.get(key, 0) + int(end, 16) - int(begin, 16)
    return sum({**mapped, **found}.values())


def memory_bytes(pid: int) -> int:
    """Resident, its own and shared, without what is mapped of files; 0 when it has ended."""
    return sum(int(kilobytes) * 1024 for kilobytes in _MEMORY.findall(_text(pid, "status")))


def _open_files(pid: int) -> Iterator[os.stat_result]:
    # It may end meanwhile, and close what it has open.
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if not str(Path(entry.path).readlink()).startswith(_OF_MEMORY):
                    yield entry.stat()


def _text(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""


def _look_into(folder: Path, enough: int, asked_for: Collection[Path], locked: set[str]) -> int:
    """Bytes of the files in a folder and below, but for those asked for; it stops counting at ``enough``.
    ``locked`` gets what cannot be looked into: without permission, or deeper than a path can say."""
    total, open_ = 0, [str(folder)]
    while open_ and total <= enough:
        place = open_.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        open_.append(entry.path)
                    elif Path(entry.path) not in asked_for:
                        # An empty file takes room, too.
                        total += max(4096, entry.stat(follow_symlinks=False).st_size)
        except FileNotFoundError:
            pass  # what is removed while it is counted is not counted
        except OSError:
            locked.add(place)
    return total


def _resident(pid: int) -> int:
    try:
        pages = int(_text(pid, "statm").split()[1])
    except IndexError:
        return 0  # it has ended
    return pages * os.sysconf("SC_PAGE_SIZE")
