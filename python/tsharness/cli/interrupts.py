"""Interrupts that are not lost."""

from __future__ import annotations

import signal
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
"""Exit code, as the shell has it."""


class Interrupts:
    """Ends the program on SIGINT and SIGTERM as an exception, so that everything is cleaned up.

    C++ code that asks a Python object for an attribute (torch's does) may swallow the exception that a
    handler raised meanwhile; so the signal is also noted, and ``check`` raises again."""

    def __init__(self) -> None:
        self._number: int | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._number = number
        self.check()

    def check(self) -> None:
        """Raises SystemExit, with the shell's code for the signal, if one has come."""
        if self._number is not None:
            raise SystemExit(128 + self._number)
