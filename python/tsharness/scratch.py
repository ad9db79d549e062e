"""Folders for temporary files that go when their owner does, however it ends.

A folder has a mark: a file that its process holds a lock on, and in which stands where the folder lies and
which one it is (device and inode). Marks lie in one private folder of the user's, ``tsharness-UID`` in the
temporary folder, and so do the folders, unless they must be elsewhere. Nothing is removed for its name or its
age: only what a mark names, once nobody holds it any more."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import subprocess
import tempfile
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tsharness.errors import EnvironmentProblem

_SUFFIX = ".mark"
_NEW = ".new"
_MADE = "made-by-tsharness"
_HIDDEN = ".tsharness-"
_WORDS = "tsharness made "
_MARK = re.compile(
    re.escape(_WORDS) + r"(?P<path>/[^\n]*)\n(device (?P<device>\d+), inode (?P<inode>\d+)\n)?"
)


class ScratchFolder:
    """A temporary folder for this process, with mode 0700; as a context it gives its name. What a killed
    process has left is removed by the next one: nobody holds its mark any more. (Numbers of processes would
    not tell: containers may share the folder, and not the numbers.) ``parent``: where it is to lie, if not
    among its like. Raises OSError if ``parent`` cannot take it, EnvironmentProblem if no place for temporary
    files can."""

    def __init__(self, parent: Path | None = None) -> None:
        try:
            mark = _new_mark(parent)
        except OSError as error:
            raise EnvironmentProblem(
                f"no temporary file can be made ({error.strerror}): set TMPDIR to a folder that has room"
            ) from None
        folder, finish = _unmarked(parent) if mark is None else (mark.folder, mark.finish)
        if mark is not None:
            try:
                folder.mkdir(mode=0o700)
            except OSError:
                finish()
                raise
            mark.identify()
        self.name = str(folder)
        self._finalizer = weakref.finalize(self, finish)

    def __enter__(self) -> str:
        return self.name

    def __exit__(self, *_: object) -> None:
        self.cleanup()

    def cleanup(self) -> None:
        """Removes it with all that is in it; once more does nothing."""
        self._finalizer()


def _unmarked(parent: Path | None) -> tuple[Path, Callable[[], bool]]:
    """Where no folder is private: one that nobody will look for, should this process be killed."""
    folder = Path(tempfile.mkdtemp(prefix="tsharness-" if parent is None else _HIDDEN, dir=parent))
    return folder, partial(remove_if_possible, folder)


class _Mark:
    """A mark that this process holds the lock of."""

    def __init__(self, path: Path, folder: Path, descriptor: int) -> None:
        self._path, self.folder, self._descriptor = path, folder, descriptor

    def identify(self) -> None:
        """Says which folder it is, now that it is there."""
        status = self.folder.lstat()
        os.write(self._descriptor, f"device {status.st_dev}, inode {status.st_ino}\n".encode())

    def finish(self) -> bool:
        """Removes the folder. Where something of it stays, so does the mark: the next process tries again."""
        removed = remove_if_possible(self.folder)
        if removed:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        _remove_if_last(self._path.parent)
        return removed


def _new_mark(parent: Path | None) -> _Mark | None:
    """``None`` where no folder is private. The words are there before the mark has its name, and the mark
    before the folder: whenever the process is killed, the next one understands what it finds."""
    while (private := private_folder()) is not None:
        remove_leftovers(private)
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile, by the last one who used the folder
            descriptor, new = tempfile.mkstemp(prefix="scratch-", suffix=_NEW, dir=private)
            mark = Path(new).with_suffix(_SUFFIX)
            folder = private / mark.stem if parent is None else parent.absolute() / f"{_HIDDEN}{mark.stem}"
            os.write(descriptor, os.fsencode(f"{_WORDS}{folder}\n"))
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            Path(new).rename(mark)
            return _Mark(mark, folder, descriptor)
    return None


def private_folder() -> Path | None:
    """Where the marks of this user lie; ``None`` if what has its name is a link, is somebody else's, or is
    open to others: then nothing there is used, and nothing is removed."""
    folder = Path(tempfile.gettempdir()) / f"tsharness-{os.geteuid()}"
    while True:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            (folder / _MADE).touch()
        with contextlib.suppress(FileNotFoundError):  # removed between the two, by its last user
            status = folder.lstat()
            break
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return folder if ours and stat.S_IMODE(status.st_mode) == 0o700 else None


def _remove_if_last(private: Path) -> None:
    """Removes the private folder if we have made it and nothing else is in it."""
    with contextlib.suppress(OSError):
        if [entry.name for entry in private.iterdir()] == [_MADE]:
            (private / _MADE).unlink()
            private.rmdir()


def remove_leftovers(private: Path) -> None:
    """Removes the folders of processes that are no more. What is not ours to remove stays."""
    with contextlib.suppress(FileNotFoundError):  # its last user has removed it
        for entry in list(private.iterdir()):
            if entry.suffix in (_SUFFIX, _NEW):
                with contextlib.suppress(OSError):  # in use, removed by another process meanwhile, or no file
                    _remove_abandoned(entry)


def _remove_abandoned(mark: Path) -> None:
    descriptor = os.open(mark, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        said = _MARK.fullmatch(os.fsdecode(os.read(descriptor, 1 << 16)))
        if said is None:
            return  # nothing that we wrote
        folder = Path(said["path"])
        if os.path.lexists(folder):
            status = folder.lstat()
            if said["inode"] is None:
                folder.rmdir()  # killed before anything was in it; what is not empty is somebody's
            elif (str(status.st_dev), str(status.st_ino)) != (said["device"], said["inode"]):
                return
            else:
                remove_tree(folder)
        mark.unlink()
    finally:
        os.close(descriptor)


def remove_if_possible(folder: Path) -> bool:
    """False if something stays: what a model has made so that it cannot be removed ends no command."""
    with contextlib.suppress(OSError):
        remove_tree(folder)
    return not os.path.lexists(folder)


def remove_tree(folder: Path) -> None:
    """Removes a folder with all that is in it, however deep, and follows no link; also what lies in folders
    that were made without permissions. Raises OSError if something stays."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if not os.path.lexists(folder):
        return
    # Neither follows a link, and no path is too long for them.
    for command in (("chmod", "-R", "u+rwx"), ("rm", "-rf")):
        subprocess.run([*command, "--", folder], stderr=subprocess.DEVNULL, check=False)
    if os.path.lexists(folder):
        raise OSError(f"{folder} cannot be removed")
