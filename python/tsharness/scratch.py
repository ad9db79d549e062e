"""Folders for temporary files that go when their owner does, however it ends.

All of a user's lie in one private folder (``tsharness-UID`` in the temporary folder). Beside each lies
its mark: a file that its process holds a lock on, and in which stands which folder was made. Nothing is
removed for its name or its age: only a folder that such a mark names, once nobody holds it any more."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
import weakref
from functools import partial
from pathlib import Path

_NAME = "scratch-"
_MARK = ".mark"
_SAYS = "tsharness scratch folder, device {0.st_dev}, inode {0.st_ino}\n"
_SAID = re.compile(r"tsharness scratch folder, device \d+, inode \d+\n")


class ScratchFolder:
    """A temporary folder for this process, with mode 0700; as a context it gives its name. What a killed
    process has left is removed by the next one: nobody holds its mark any more. (Numbers of processes would
    not tell: containers may share the folder, and not the numbers.) Raises OSError if it cannot be made."""

    def __init__(self) -> None:
        made = _new_mark()
        if made is None:
            folder = Path(tempfile.mkdtemp(prefix="tsharness-"))
            finish = partial(remove_if_possible, folder)
        else:
            mark, descriptor = made
            folder = mark.with_suffix("")
            folder.mkdir(mode=0o700)
            os.write(descriptor, _SAYS.format(folder.lstat()).encode())
            finish = partial(_finish, folder, mark, descriptor)
        self.name = str(folder)
        self._finalizer = weakref.finalize(self, finish)

    def __enter__(self) -> str:
        return self.name

    def __exit__(self, *_: object) -> None:
        self.cleanup()

    def cleanup(self) -> None:
        """Removes it with all that is in it; once more does nothing."""
        self._finalizer()


def _new_mark() -> tuple[Path, int] | None:
    """A mark that is locked, and the descriptor that holds the lock; ``None`` where no folder is private."""
    while (parent := private_folder()) is not None:
        remove_leftovers(parent)
        with contextlib.suppress(FileNotFoundError):  # its last user has just removed the empty folder
            descriptor, mark = tempfile.mkstemp(prefix=_NAME, suffix=_MARK, dir=parent)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return Path(mark), descriptor
    return None


def private_folder() -> Path | None:
    """Where the scratch folders of this user lie; ``None`` if what has its name is a link, is somebody
    else's, or is open to others: then nothing there is used, and nothing is removed."""
    folder = Path(tempfile.gettempdir()) / f"tsharness-{os.geteuid()}"
    while True:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        with contextlib.suppress(FileNotFoundError):  # removed between the two, by its last user
            status = folder.lstat()
            break
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return folder if ours and not status.st_mode & 0o077 else None


def remove_leftovers(parent: Path) -> None:
    """Removes the scratch folders of processes that are no more. What is not ours to remove stays."""
    for mark in parent.glob(f"{_NAME}*{_MARK}"):
        with contextlib.suppress(OSError):  # in use, removed by another process meanwhile, or no file
            _remove_abandoned(mark)


def _remove_abandoned(mark: Path) -> None:
    descriptor = os.open(mark, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder = mark.with_suffix("")
        says = os.read(descriptor, 200).decode(errors="replace")
        if os.path.lexists(folder):
            if says != _SAYS.format(folder.lstat()):
                return
            remove_tree(folder)
        elif not _SAID.fullmatch(says):
            return  # not ours, or its maker is about to make the folder
        mark.unlink()
    finally:
        os.close(descriptor)


def _finish(folder: Path, mark: Path, descriptor: int) -> bool:
    """Where something of the folder stays, so does its mark: the next process tries again."""
    removed = remove_if_possible(folder)
    if removed:
        mark.unlink(missing_ok=True)
    os.close(descriptor)
    with contextlib.suppress(OSError):  # not empty: others have folders there
        mark.parent.rmdir()
    return removed


def remove_if_possible(folder: Path) -> bool:
    """False if something stays: what a model has made so that it cannot be removed ends no command."""
    try:
        remove_tree(folder)
    except OSError:
        return not os.path.lexists(folder)
    return True


def remove_tree(folder: Path) -> None:
    """Removes a folder with all that is in it, and follows no link; also what lies in folders that were made
    without permissions. Raises OSError if something stays."""
    shutil.rmtree(folder, ignore_errors=True)
    if not os.path.lexists(folder):
        return
    _permit(folder)
    for place, names, _ in os.walk(folder):
        for name in names:
            _permit(Path(place, name))
    shutil.rmtree(folder)


def _permit(folder: Path) -> None:
    """Gives its owner all rights on a folder. By a descriptor: a mode that is set by name is set on what a
    link leads to."""
    with contextlib.suppress(NotADirectoryError):
        descriptor = os.open(folder, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY)
        try:
            Path(f"/proc/self/fd/{descriptor}").chmod(0o700)
        finally:
            os.close(descriptor)
