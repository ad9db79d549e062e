"""Starts processes of Python that are asked one thing, and watches them: in the cage those that may run an
artifact, outside of it those that run the user's own code and never an artifact."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tsharness.errors import EnvironmentProblem
from tsharness.runner.cage import PRINTED_BYTES
from tsharness.runner.excess import FolderExcess
from tsharness.runner.reach import Reach
from tsharness.scratch import ScratchFolder

Line = Mapping[str, Any]
_LOOK_EVERY = 0.25  # seconds between looks at what the process takes
_KEPT_OUTPUT = 8192  # bytes of what it printed last


@dataclass
class Ended:
    """What became of a process."""

    answer: Line = field(default_factory=dict)
    """Its last line; empty if it died before that."""
    missing: tuple[str, ...] = ()
    """What of the cage it did not have, in words."""
    problem: str = ""
    """Why it ended early: "took longer than 3 s", ...; empty if it did not."""


def run_python(
    module: str,
    message: Line,
    reach: Reach | None,
    timeout: float,
    on_line: Callable[[Line], None] = lambda _: None,
) -> Ended:
    """Has a process of ``module`` answer the message, in the cage that ``reach`` describes. ``None``: it is
    the user's own code, runs no artifact, and works in the user's folder, uncaged. ``on_line`` hears every
    line of JSON that it writes; the last one is the answer. Raises EnvironmentProblem if the cage must be
    whole and cannot be."""
    with ScratchFolder() as name:
        scratch = Path(name)
        process = _start(module, reach, scratch, timeout)
        try:
            with contextlib.suppress(BrokenPipeError):
                assert process.stdin is not None
                process.stdin.write(json.dumps(message).encode())
                process.stdin.close()
            folders = (
                None if reach is None else FolderExcess((scratch, *reach.write), process.pid, reach.room)
            )
            ended = _Listener(process, timeout, folders, on_line).until_end()
        finally:
            _kill(process)
    error = ended.answer.get("error", {})
    if error.get("kind") == "device":
        raise EnvironmentProblem(error["message"])
    return ended


def _start(module: str, reach: Reach | None, scratch: Path, timeout: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", module]
    environment = dict(os.environ)
    if reach is not None:
        rules = json.dumps(reach.rules(scratch, timeout))
        command = [sys.executable, "-m", "tsharness.runner.caged", rules, reach.sandbox.value, module]
        environment = reach.environment(os.environ, scratch)
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=scratch, env=environment, start_new_session=True
    )


class _Listener:
    """Listens to a process until it ends, or takes too long or too much."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        timeout: float,
        folders: FolderExcess | None,
        on_line: Callable[[Line], None],
    ) -> None:
        self._process, self._folders, self._on_line = process, folders, on_line
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._next_look = 0.0
        self._line = bytearray()
        self._said = bytearray()
        self._bytes = 0
        self._ended = Ended()

    def until_end(self) -> Ended:
        """To be called when it has its message."""
        with selectors.DefaultSelector() as selector:
            for stream, take in (
                (self._process.stdout, self._take_lines),
                (self._process.stderr, self._keep),
            ):
                assert stream is not None
                selector.register(stream, selectors.EVENT_READ, take)
            while selector.get_map() and not self._ended.problem:
                self._look()
                for key, _ in selector.select(_LOOK_EVERY):
                    self._hear(selector, key)
        if not self._ended.problem:
            self._await()
        return self._ended

    def _await(self) -> None:
        try:
            code = self._process.wait(max(0.0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._ended.problem = f"took longer than {self._timeout:g} s"
            return
        if code != 0:
            self._ended.problem = f"died: {self._last_words()}"

    def _hear(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        chunk = os.read(key.fd, 1 << 16)
        self._bytes += len(chunk)
        key.data(chunk)
        if not chunk:
            selector.unregister(key.fileobj)

    def _look(self) -> None:
        now = time.monotonic()
        if now >= self._deadline:
            self._ended.problem = f"took longer than {self._timeout:g} s"
        if self._bytes > PRINTED_BYTES:
            self._ended.problem = f"printed more than {PRINTED_BYTES} bytes"
        if now >= self._next_look and self._folders is not None:
            self._next_look = now + _LOOK_EVERY
            self._ended.problem = self._folders.seen() or self._ended.problem

    def _take_lines(self, chunk: bytes) -> None:
        self._line += chunk
        *lines, rest = self._line.split(b"\n")
        self._line = bytearray(rest)
        for text in lines if chunk else [*lines, rest]:
            if text:
                self._take(text)

    def _take(self, text: bytes | bytearray) -> None:
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            self._ended.problem = f"died: wrote {bytes(text[:60])!r} where its answer belongs"
        elif "cage" in line and not self._ended.missing:
            self._ended.missing = tuple(line["cage"]["missing"])
        else:
            self._ended.answer = line
            self._on_line(line)

    def _keep(self, chunk: bytes) -> None:
        self._said += chunk
        del self._said[:-_KEPT_OUTPUT]

    def _last_words(self) -> str:
        said = self._said.decode(errors="replace").strip().splitlines()
        return said[-1] if said else f"status {self._process.returncode}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """And what it may have started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    streams: tuple[IO[bytes] | None, ...] = (process.stdin, process.stdout, process.stderr)
    for stream in streams:
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
