"""The runner and LibTorch's libraries in a host's cache: copied once, and looked at before each use."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from tsharness.bundling.runtime import EXECUTABLE
from tsharness.bundling.sums import FILE, sum_line
from tsharness.errors import EnvironmentProblem
from tsharness.hosts.ssh import Host
from tsharness.report.units import size

_WHOLE, _DAMAGED, _UNKNOWN = "whole", "damaged", "unknown"

# The names first: of a list that has lost its end, sha256sum would check what is left.
_LOOK = """
[ -d {folder} ] || exit 0
cd {folder} || exit 1
if [ "$(cut -c67- {sums} 2>/dev/null)" != {names} ]; then echo {damaged}; exit 0; fi
command -v sha256sum >/dev/null || {{ echo {unknown}; exit 0; }}
if sha256sum -c {sums} >/dev/null 2>&1; then echo {whole}; else echo {damaged}; fi
"""


class Installation:
    """Files by their names in a folder of the host's cache. What ends a copy half-way, or a full or failing
    disk, must not look like a crash of the model: every hash is compared. ``say`` hears of what lasts."""

    def __init__(self, host: Host, files: Mapping[str, Path], say: Callable[[str], None]) -> None:
        self._host, self._files, self._say = host, files, say
        self._folder = f"{host.facts.cache}/runtime-{_key(files)}"

    def executable(self) -> str:
        """The runner's path there, once everything is there and whole. Raises EnvironmentProblem."""
        state = self._look()
        if state not in (_WHOLE, _UNKNOWN):
            self._send(again=state == _DAMAGED)
            state = self._look()
        if state == _UNKNOWN:
            self._say(
                f"{self._host.destination} has no sha256sum: whether the runner there is whole is not known"
            )
        elif state != _WHOLE:
            raise EnvironmentProblem(
                f"{self._host.destination}: {self._folder} does not hold what was copied there (a full disk?)"
            )
        executable = f"{self._folder}/{EXECUTABLE}"
        self._host.run(f"{shlex.quote(executable)} --describe >/dev/null")
        return executable

    def _look(self) -> str:
        """What is there; empty: nothing."""
        script = _LOOK.format(
            folder=shlex.quote(self._folder),
            sums=FILE,
            names=shlex.quote("\n".join(self._files)),
            whole=_WHOLE,
            damaged=_DAMAGED,
            unknown=_UNKNOWN,
        )
        return self._host.run(script).decode().strip()

    def _send(self, again: bool) -> None:
        host, there = self._host, shlex.quote(self._folder)
        total = size(sum(path.stat().st_size for path in self._files.values()))
        what = "the runner and LibTorch's libraries"
        if again:
            self._say(f"{what} on {host.destination} are damaged; copying them again: {total}")
        else:
            self._say(f"copying {what} to {host.destination}, once: {total}")
        cache = shlex.quote(host.facts.cache)
        # In the cache itself: a move from one file system to another can end half-way.
        made = host.run(f"mkdir -p {cache} && mktemp -d {cache}/.unfinished.XXXXXX").decode().strip()
        unfinished = f"{made}/runtime"
        try:
            for name, path in self._files.items():
                host.run(f"mkdir -p {shlex.quote(str(Path(unfinished, name).parent))}")
                host.put(path, f"{unfinished}/{name}", executable=name == str(EXECUTABLE))
            sums = "".join(sum_line(path, name) for name, path in self._files.items())
            host.run(f"printf %s {shlex.quote(sums)} > {shlex.quote(f'{unfinished}/{FILE}')}")
            # What runs from the damaged one keeps it open; it goes with the unfinished folder.
            aside = f"mv {there} {shlex.quote(f'{made}/damaged')}" if again else "true"
            host.run(f"{aside}; [ -d {there} ] || mv {shlex.quote(unfinished)} {there}")
        finally:
            host.run(f"rm -rf {shlex.quote(made)}")


def _key(files: Mapping[str, Path]) -> str:
    """Of what the files are; reading all of LibTorch here each time would take longer than many a model."""
    digest = hashlib.sha256(b"with sums\n")
    for name, path in files.items():
        status = path.stat()
        digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
