"""Keeps this process from writing anywhere but below one folder, for good (Linux 5.13 and newer)."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls, the same on every architecture
_WRITES = 1 << 1 | sum(1 << bit for bit in range(4, 13))  # of the first ABI: write, remove, make
_BENEATH = 1
_NO_NEW_PRIVS = 38


def write_only_below(folder: Path) -> None:
    """Does nothing on a kernel without Landlock. Raises OSError if it has it, and it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    handled = struct.pack("<Q", _WRITES)
    rules = libc.syscall(_CREATE, handled, ctypes.c_size_t(len(handled)), 0)
    if rules < 0:
        return
    below = os.open(folder, os.O_PATH)
    rule = struct.pack("<Qi", _WRITES, below)
    done = libc.syscall(_ADD, rules, _BENEATH, rule, 0) == 0
    done = done and libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and libc.syscall(_RESTRICT, rules, 0) == 0
    if not done:
        raise OSError(ctypes.get_errno(), "Landlock does not lock")
    os.close(below)
    os.close(rules)
