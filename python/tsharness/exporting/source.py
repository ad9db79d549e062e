"""Where in the user's code something happens."""

from __future__ import annotations

import linecache
import sys
import sysconfig
import traceback
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType

import torch

import tsharness

# Frames below these folders are machinery; what a user looks for is the line of a model.
_MACHINERY = (
    *(str(Path(str(module.__file__)).parent) + "/" for module in (torch, tsharness)),
    str(warnings.__file__),
    "<frozen",
    "<eval_with_key>",  # what torch.fx writes
)
_STANDARD = tuple({f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib")})
_INSTALLED = tuple({f"{sysconfig.get_path(name)}/" for name in ("purelib", "platlib")})


@dataclass(frozen=True)
class Place:
    """A line of source."""

    file: str
    """Name of the file, without its folder."""
    line: int
    code: str
    """The line itself; empty if it cannot be read."""
    through: str = ""
    """The file of torch in which it happens, if this line only leads there."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def shown(self) -> str:
        """ "`if x.sum() > 0:` (model.py:14)"."""
        return f"`{self.code}` ({self})" if self.code else str(self)


@lru_cache(maxsize=4096)
def place(filename: str, line: int) -> Place:
    return Place(Path(filename).name, line, linecache.getline(filename, line).strip())


def is_machinery(filename: str) -> bool:
    """Whether it is torch's, tsharness' or Python's own."""
    own = filename.startswith(_STANDARD) and not is_installed(filename)
    return own or filename.startswith(_MACHINERY)


def is_installed(filename: str) -> bool:
    """Whether it belongs to an installed library: a decorator or a helper, or the model itself."""
    return filename.startswith(_INSTALLED) or "/site-packages/" in filename


def current_place(outermost: FrameType | None) -> Place | None:
    """The innermost line of the user's that is being run, or of an installed library if the model is one's;
    ``None`` if ``outermost``, the frame of whoever started the model, is reached first."""
    frame: FrameType | None = sys._getframe(1)
    library: Place | None = None
    while frame is not None and frame is not outermost:
        filename = frame.f_code.co_filename
        if not is_machinery(filename):
            if not is_installed(filename):
                return place(filename, frame.f_lineno)
            library = library or place(filename, frame.f_lineno)
        frame = frame.f_back
    return library


def user_traceback(error: BaseException) -> str:
    """The traceback with the frames of the user's code alone; with all of them, if there are none."""
    told = traceback.TracebackException.from_exception(error)
    own = [frame for frame in told.stack if not is_machinery(frame.filename)]
    if own:
        told.stack = traceback.StackSummary.from_list(own)
    return "".join(told.format(chain=False)).rstrip()


def essence(error: BaseException) -> str:
    """An error in one line: TorchScript's tracebacks end with the reason, others begin with it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if "TorchScript interpreter" not in lines[0]:
        return lines[0]
    return lines[-1] if "<--- HERE" not in lines[-1] else lines[0]
