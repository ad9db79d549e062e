"""Runner processes on another machine."""

from __future__ import annotations

import contextlib
import itertools
import json
import platform
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from tsharness.bundling.runtime import runtime_files
from tsharness.errors import EnvironmentProblem
from tsharness.hosts.installation import Installation
from tsharness.hosts.ssh import Host
from tsharness.runner.cage import Sandbox, cage_of
from tsharness.runner.excess import Excess, PrintedExcess
from tsharness.runner.find import Runner
from tsharness.runner.job import Job
from tsharness.runner.launch import Launcher, Process
from tsharness.runner.paths import relocated
from tsharness.runner.steps import default_memory_limit

_SIGNALS = 128
"""What a shell adds to the number of the signal that ended a command."""
_LOST = 255
"""What ssh ends with if the connection has failed, and not the command."""

# Its input is the job, and then a lifeline: where it ends, because whoever asked is gone, so does the runner.
# Nothing is made above its own folder: that may be gone already, for good.
_SCRIPT = """
mkdir {folder} {folder}/scratch {folder}/out && cd {folder}/scratch || exit 126
head -c {bytes} > ../job.json
exec 3<&0
env -i HOME="$PWD" TMPDIR="$PWD" LD_LIBRARY_PATH="$LD_LIBRARY_PATH" {variables} \\
  {runner} --events-fd 1 ../job.json </dev/null 3<&- &
runner=$!
(cat <&3; kill -9 $runner) >/dev/null 2>&1 &
lifeline=$!
wait $runner
code=$?
kill $lifeline
exit $code
"""


class RemoteLauncher(Launcher):
    """Starts runner processes on a host. The runner and LibTorch's libraries are copied there once, and stay
    in the user's cache; whatever else is copied goes with the connection. ``say`` hears of what takes long.
    Raises UsageError, EnvironmentProblem."""

    def __init__(
        self,
        destination: str,
        runner: Runner,
        sandbox: Sandbox,
        environment: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(runner, sandbox, environment)
        self.place = destination
        self._host = Host(destination)
        self._uploads = _Uploads(self._host)
        self._numbers = itertools.count()
        try:
            self._executable = _install(self._host, runner, say)
        except BaseException:
            self._host.close()
            raise

    def start(self, environment: Mapping[str, str]) -> Process:
        return RemoteProcess(self._host, self._executable, environment, self._uploads, next(self._numbers))

    def texts(self, paths: Sequence[str]) -> dict[str, str]:
        return self._host.texts(paths)

    def close(self) -> None:
        super().close()
        self._host.close()


class RemoteProcess(Process):
    """A runner on a host; ssh is the near end of it."""

    def __init__(
        self, host: Host, executable: str, environment: Mapping[str, str], uploads: _Uploads, number: int
    ) -> None:
        self._host, self._executable, self._environment = host, executable, environment
        self._uploads = uploads
        self._folder = f"{host.facts.folder}/{number}"
        self._outputs: dict[str, str] = {}
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def events(self) -> IO[bytes]:
        assert self._popen is not None and self._popen.stdout is not None
        return self._popen.stdout

    @property
    def printed(self) -> IO[bytes]:
        assert self._popen is not None and self._popen.stderr is not None
        return self._popen.stderr

    @property
    def ended(self) -> bool:
        return self._popen is not None and self._popen.returncode is not None

    def excess(self, job: Job) -> Excess:  # noqa: ARG002
        return PrintedExcess()

    def send(self, job: Job, sandbox: Sandbox, timeout: float) -> None:
        """Copies what the job reads, and starts the process with it."""
        facts = self._host.facts
        if job.memory_limit == default_memory_limit():
            job = replace(job, memory_limit=facts.memory_bytes)
        cage = cage_of(job, sandbox, Path(self._folder, "scratch"), timeout, facts.cores)
        message = json.dumps(relocated({**job.to_dict(), "cage": cage}, self._place)).encode()
        variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in self._environment.items())
        script = _SCRIPT.format(
            folder=shlex.quote(self._folder),
            bytes=len(message),
            variables=variables,
            runner=shlex.quote(self._executable),
        )
        self._popen = self._host.popen(script)
        assert self._popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._popen.stdin.write(message)
            self._popen.stdin.flush()

    def _place(self, path: str, written: bool) -> str:
        if not written:
            return self._uploads.place(Path(path))
        return self._outputs.setdefault(path, f"{self._folder}/out/{len(self._outputs)}-{Path(path).name}")

    def wait(self, timeout: float | None) -> int:
        assert self._popen is not None
        code = self._popen.wait(timeout)
        if code == _LOST:
            raise EnvironmentProblem(f"{self._host.destination}: the connection was lost")
        if code in (_SIGNALS + number for number in signal.valid_signals()):
            return _SIGNALS - code
        return code

    def kill(self) -> None:
        if self._popen is not None:
            self._popen.kill()

    def close(self) -> None:
        """Fetches what it has written, and leaves nothing of it."""
        if self._popen is None:
            return
        self.kill()
        self._popen.wait()
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        for here, there in self._outputs.items():
            self._host.get(there, Path(here))
        self._host.run(f"rm -rf {shlex.quote(self._folder)}")


class _Uploads:
    """Files that were copied to the host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._places: dict[tuple[Path, int, int], str] = {}

    def place(self, path: Path) -> str:
        """Where it is there."""
        status = path.stat()
        key = (path, status.st_mtime_ns, status.st_size)
        if key not in self._places:
            there = f"{self._host.facts.folder}/file-{len(self._places)}-{path.name}"
            self._host.put(path, there)
            self._places[key] = there
        return self._places[key]


def _install(host: Host, runner: Runner, say: Callable[[str], None]) -> str:
    """The runner's path there. What is the same there already is not copied again."""
    if host.facts.machine != platform.machine():
        raise EnvironmentProblem(
            f"{host.destination} is {host.facts.machine}, and this runner is for {platform.machine()}"
        )
    return Installation(host, runtime_files(runner, with_libtorch=True), say).executable()
