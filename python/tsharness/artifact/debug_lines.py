"""Lines of the user's own source, from the debug information beside an archive's code."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from typing import Any

from tsharness.artifact.pickles import PickleError, read_pickle

_FRAME = re.compile(r"^(.+)\((\d+)\): \S+$", re.MULTILINE)


@dataclass(frozen=True)
class SourceLine:
    """A line of a file that the model was made from."""

    file: str
    line: int
    text: str
    """Empty where the archive does not keep it."""

    def __str__(self) -> str:
        return f"{self.file.rpartition('/')[2]}:{self.line}"


class DebugLines:
    """The source of each byte of one record of code."""

    def __init__(self, data: bytes) -> None:
        """Nothing is known where ``data`` is not understood: other versions have other forms."""
        self._texts: tuple[Any, ...] = ()
        self._ranges: list[tuple[int, Any]] = []
        try:
            found = read_pickle(data).value
        except PickleError:
            return
        match found:
            case ("FORMAT_WITH_STRING_TABLE", tuple(texts), tuple(ranges)):
                self._texts = texts
                self._ranges = [(entry[0], entry[1]) for entry in ranges if _is_range(entry)]
            case ("FORMAT_WITH_STRING_TABLE", tuple(texts), *ranges):
                self._texts = texts
                self._ranges = [(entry[0], entry[1]) for entry in ranges if _is_range(entry)]
        self._ranges.sort(key=lambda entry: entry[0])
        self._offsets = [offset for offset, _ in self._ranges]

    def at(self, offset: int) -> SourceLine | None:
        """The source of what stands at that byte; ``None`` if nobody knows."""
        if not self._ranges:
            return None
        index = bisect.bisect_right(self._offsets, offset) - 1
        # What has no source of its own (a statement around it) has that of what comes next.
        near = self._ranges[max(0, index) : index + 2]
        return next(filter(None, (self._line(entry) for _, entry in near)), None)

    def _line(self, entry: Any) -> SourceLine | None:
        """The text of a range is a list of pieces; a start within them is an offset into their sum."""
        try:
            (pieces, file, first), start, _ = entry
            texts = [self._texts[index] for index in pieces.arguments[0]]
            source = "".join(texts)
            before = source[:start]
            line = before.count("\n")
            name = str(self._texts[file])
            if _FRAME.match(source):
                return _of_stack(source)
            if not name:
                return None
            return SourceLine(name, first + line, source.splitlines()[line].strip())
        except (ValueError, TypeError, IndexError, AttributeError):
            return None


def _of_stack(text: str) -> SourceLine | None:
    """A trace keeps Python's stack instead, the innermost call first: the first that is not torch's own."""
    frames = [SourceLine(file, int(line), "") for file, line in _FRAME.findall(text)]
    return next((frame for frame in frames if "/torch/" not in frame.file), None)


def _is_range(entry: Any) -> bool:
    return isinstance(entry, tuple) and len(entry) >= 2 and isinstance(entry[0], int)
