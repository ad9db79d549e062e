"""A machine that ssh reaches, and a folder on it that goes when the connection does."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tsharness.errors import EnvironmentProblem, UsageError
from tsharness.scratch import ScratchFolder

_CONNECT_SECONDS = 20
_DESTINATION = re.compile(r"[^-\s][^\s]*")

_FOLDER = re.compile(r"/.*/tsharness-host\.\w{6,}")

# What it prints first is read; then it waits for the end of its input, however that comes, and cleans up:
# only what it has made itself a moment ago.
_KEEPER = """
dir=$(mktemp -d "${TMPDIR:-/tmp}/tsharness-host.XXXXXX") || exit 1
trap 'rm -rf "$dir"; exit 1' HUP INT TERM
echo "dir $dir"
echo "cache ${XDG_CACHE_HOME:-$HOME/.cache}/tsharness"
echo "machine $(uname -m)"
echo "cores $(grep -c ^processor /proc/cpuinfo)"
echo "memory $(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)"
echo end
cat >/dev/null
rm -rf "$dir" || { sleep 1; rm -rf "$dir"; }
"""


@dataclass(frozen=True)
class HostFacts:
    """What it says of itself."""

    folder: str
    """For this connection; goes with it."""
    cache: str
    machine: str
    """As ``uname -m`` has it."""
    cores: int
    memory_bytes: int


class Host:
    """One connection, which every command shares. Keys, addresses and names are ssh's own business: its
    configuration, its agent, its questions on the terminal. ``TSHARNESS_SSH`` is the command, with options,
    if it is not ``ssh``. Raises EnvironmentProblem if it cannot be reached."""

    def __init__(self, destination: str) -> None:
        if not _DESTINATION.fullmatch(destination):
            raise UsageError(
                f"--host '{destination}': expected user@machine, or a name of ssh's configuration"
            )
        self.destination = destination
        self._control = ScratchFolder()
        self._ssh = shlex.split(os.environ.get("TSHARNESS_SSH", "ssh"))
        if not self._ssh or shutil.which(self._ssh[0]) is None:
            self._control.cleanup()
            raise EnvironmentProblem(
                f"{' '.join(self._ssh) or 'TSHARNESS_SSH'}: no such command; install ssh"
            )
        options = ["ControlMaster=yes", f"ConnectTimeout={_CONNECT_SECONDS}"]
        self._keeper = subprocess.Popen(
            # Ctrl-C is for us: what is there has to be cleaned up over this connection first.
            ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *self._command(_KEEPER, options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            self.facts = self._facts()
        except BaseException:
            self.close()
            raise

    def popen(self, script: str) -> subprocess.Popen[bytes]:
        """Runs a script of sh there; its input, output and errors are pipes."""
        pipe = subprocess.PIPE
        command = self._command(script, ["ControlMaster=no"])
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)

    def run(self, script: str, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None) -> bytes:
        """Runs a script of sh there to its end. Raises EnvironmentProblem with what it said if it fails."""
        done = subprocess.run(
            self._command(script, ["ControlMaster=no"]),
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            raise self._problem(done.stderr)
        return done.stdout or b""

    def put(self, local: Path, there: str, executable: bool = False) -> None:
        """Copies a file."""
        path = shlex.quote(there)
        with local.open("rb") as file:
            self.run(f"cat > {path}" + (f" && chmod 755 {path}" if executable else ""), stdin=file)

    def get(self, there: str, local: Path) -> None:
        """Copies a file back; does nothing if there is none."""
        path = shlex.quote(there)
        with local.open("wb") as file:
            self.run(f"if [ -f {path} ]; then cat {path}; else exit 0; fi", stdout=file)
        if local.stat().st_size == 0:
            local.unlink()

    def texts(self, paths: Sequence[str]) -> dict[str, str]:
        """Of those files that there are and that can be read."""
        mark = f"tsharness-{os.urandom(8).hex()}"
        tests = (f"[ -r {path} ] && printf '%s\\n' '{mark} {path}' && cat {path}" for path in paths)
        said = self.run("; ".join(map(str, tests)) + "; true").decode(errors="replace")
        parts = (part.partition("\n") for part in said.split(f"{mark} ")[1:])
        return {name: text for name, _, text in parts}

    def close(self) -> None:
        """Ends the connection; the folder goes."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        try:
            self._keeper.wait(timeout=_CONNECT_SECONDS)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        for stream in (self._keeper.stdout, self._keeper.stderr):
            if stream is not None:
                stream.close()
        self._control.cleanup()

    def _command(self, script: str, options: list[str]) -> list[str]:
        stated = [f"-o{option}" for option in [*options, f"ControlPath={self._control.name}/s"]]
        return [*self._ssh, "-T", *stated, self.destination, f"exec sh -c {shlex.quote(script)}"]

    def _facts(self) -> HostFacts:
        assert self._keeper.stdout is not None and self._keeper.stderr is not None
        said: dict[str, str] = {}
        for line in self._keeper.stdout:
            key, _, value = line.decode(errors="replace").rstrip("\n").partition(" ")
            if key == "end":
                return _parse(self.destination, said)
            said[key] = value
        raise self._problem(self._keeper.stderr.read())

    def _problem(self, said: bytes) -> EnvironmentProblem:
        lines = said.decode(errors="replace").strip().splitlines()
        return EnvironmentProblem(f"{self.destination}: {lines[-1] if lines else 'ssh ended without a word'}")


def _parse(destination: str, said: Mapping[str, str]) -> HostFacts:
    try:
        memory = 1024 * int(said["memory"])
        if not _FOLDER.fullmatch(said["dir"]):  # folders in it are removed
            raise ValueError(said["dir"])
        return HostFacts(said["dir"], said["cache"], said["machine"], int(said["cores"]), memory)
    except (KeyError, ValueError):
        raise EnvironmentProblem(f"{destination} is no Linux machine that tsharness knows: {said}") from None
