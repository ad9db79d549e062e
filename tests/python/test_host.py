"""``tsharness verify --host``, against a real sshd on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Ran, heed_interrupts, run, tsharness, written_report
from test_bundle import comparable
from test_hostile import Loop, Segfault, make

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(
    SSHD is None or os.geteuid() != 0, reason="needs sshd and root (Debian: apt-get install openssh-server)"
)


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which "box" is a machine that ssh reaches: this one."""
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "key"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/key.pub\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
    )
    (folder / "config").write_text(
        f"Host box\n  HostName 127.0.0.1\n  Port {port}\n  User root\n  IdentityFile {folder}/key\n"
        f"  StrictHostKeyChecking no\n  UserKnownHostsFile {folder}/known\n  LogLevel ERROR\n"
        f"  SetEnv XDG_CACHE_HOME={folder}/cache\n"
    )
    with (folder / "sshd_config").open("a") as config:
        config.write("AcceptEnv XDG_CACHE_HOME\n")
    Path("/run/sshd").mkdir(exist_ok=True)
    assert SSHD is not None
    server = subprocess.Popen([SSHD, "-D", "-f", folder / "sshd_config", "-E", folder / "log"])
    try:
        deadline = time.monotonic() + 20
        while run("ssh", "-F", folder / "config", "box", "true").code != 0:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield {**os.environ, "TSHARNESS_SSH": f"ssh -F {folder}/config"}
    finally:
        server.terminate()
        server.wait()


def verify(ssh: dict[str, str], artifact: Path, *options: str | Path) -> Ran:
    return tsharness("verify", artifact, "--host", "box", *options, env=ssh)


def left_behind() -> list[Path]:
    return list(Path("/tmp").glob("tsharness-host.*"))


def processes_there() -> list[str]:
    """Runners that were copied to the host, and run now."""
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(cmdline.read_text())
    return [text for text in found if "/cache/tsharness/runtime-" in text and "--events-fd" in text]


def test_the_report_is_the_one_from_here(ssh: dict[str, str], models: Path, tmp_path: Path) -> None:
    first = verify(ssh, models / "linear.pt", "--json", tmp_path / "there.json")
    assert first.code == 0, first.text
    assert "copying the runner" in first.err and " · on box (" in first.out
    again = verify(ssh, models / "linear.pt", "-q")
    assert again.code == 0 and "copying" not in again.err
    assert tsharness("verify", models / "linear.pt", "--json", tmp_path / "here.json").code == 0
    there, here = (written_report(tmp_path / f"{name}.json") for name in ("there", "here"))
    assert comparable(there) == comparable(here)
    assert there["runner"]["place"] == "box" and there["runner"]["host"]["cores"] == os.cpu_count()
    assert all("/site-packages/" not in name for name in there["runner"]["mapped_libraries"])
    assert not left_behind()


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flipped(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("tsharness-runner", truncated),
        ("libtorch_cpu.so", truncated),
        ("libc10.so", flipped),
        ("libc10.so", Path.unlink),
        ("SHA256SUMS", truncated),
        ("SHA256SUMS", Path.unlink),
    ],
)
def test_what_is_damaged_there_is_sent_again(
    ssh: dict[str, str], models: Path, name: str, damage: Callable[[Path], None]
) -> None:
    assert verify(ssh, models / "linear.pt", "-q").code == 0
    cache = Path(ssh["TSHARNESS_SSH"].split()[-1]).parent / "cache" / "tsharness"
    (one,) = cache.glob(f"runtime-*/**/{name}")
    damage(one)
    ran = verify(ssh, models / "linear.pt", "-q")
    assert ran.code == 0 and "are damaged; copying them again" in ran.err, ran.text
    again = verify(ssh, models / "linear.pt", "-q")
    assert again.code == 0 and "copying" not in again.err
    assert not list(cache.glob(".unfinished*"))


def test_what_is_written_there_comes_back(ssh: dict[str, str], models: Path, tmp_path: Path) -> None:
    kept = tmp_path / "outputs.safetensors"
    ran = verify(ssh, models / "linear.pt", "--level", "quick", "--save-outputs", kept, "--tolerance", "fp64")
    assert ran.code == 0, ran.text
    assert tsharness("verify", models / "linear.pt", "--cases", kept, "--level", "quick").code == 0


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [(Segfault, (), "crashed (SIGSEGV)"), (Loop, ("--timeout", "3"), "took longer than 3 s")],
)
def test_a_death_there_is_a_result(
    ssh: dict[str, str], module: type, options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    ran = verify(ssh, make(module(), tmp_path), "--level", "quick", "--json", tmp_path / "r.json", *options)
    assert ran.code == 6, ran.text
    before, bad, after = written_report(tmp_path / "r.json")["cases"]
    assert (before["verdict"], bad["verdict"], after["verdict"]) == ("pass", "error", "pass")
    assert message in bad["error"]["message"]
    assert not left_behind() and not processes_there()


@pytest.mark.parametrize(
    ("end", "to_all"), [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGKILL, False)]
)
def test_nothing_stays_there_when_the_near_end_goes(
    ssh: dict[str, str], end: signal.Signals, to_all: bool, tmp_path: Path
) -> None:
    """``to_all``: a terminal tells every process of a command of Ctrl-C, ssh too."""
    command = [Path(sys.executable).parent / "tsharness", "verify", make(Loop(), tmp_path), "--host", "box"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command,
        env=ssh,
        stdout=quiet,
        stderr=quiet,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not processes_there() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_there() and left_behind()
    os.killpg(process.pid, end) if to_all else process.send_signal(end)
    assert process.wait(timeout=30) == (130 if end == signal.SIGINT else -end)
    while (processes_there() or left_behind()) and time.monotonic() < deadline + 10:
        time.sleep(0.1)
    assert not processes_there() and not left_behind()


def test_hosts_that_cannot_be(ssh: dict[str, str], models: Path, tmp_path: Path) -> None:
    ran = tsharness("verify", models / "linear.pt", "--host", "no.such.host.invalid", env=ssh)
    assert ran.code == 8 and "no.such.host.invalid" in ran.err and "Traceback" not in ran.err
    ran = tsharness("verify", models / "linear.pt", "--host", "-oProxyCommand=x", env=ssh)
    assert ran.code == 2 and "expected user@machine" in ran.err
    ran = tsharness("verify", models / "linear.pt", "--host", "x", env={**ssh, "TSHARNESS_SSH": "/no/ssh"})
    assert ran.code == 8 and "no such command" in ran.err
    ran = verify(ssh, tmp_path / "none.pt")
    assert ran.code == 5 and not left_behind()


def test_latency_there(ssh: dict[str, str], models: Path, tmp_path: Path) -> None:
    options = ("--min-time", "0.3", "--case", "example", "--profile", "--json", tmp_path / "r.json")
    ran = tsharness("bench", models / "linear.pt", "--host", "box", *options, env=ssh)
    assert ran.code == 0 and " · on box (" in ran.out, ran.text
    report = written_report(tmp_path / "r.json")
    assert report["machine"]["cores"] == os.cpu_count() and report["machine"]["cpu"]
    assert report["latencies"][0]["median"] > 0 and report["extras"]["operators"]
    ran = tsharness("bench", models / "linear.pt", "--host", "box", "--against", "python", env=ssh)
    assert ran.code == 2 and "measures both here" in ran.err


def test_several_artifacts_share_one_connection(ssh: dict[str, str], models: Path, tmp_path: Path) -> None:
    ran = verify(
        ssh, models / "linear.pt", models / "script_method.pt", "--level", "quick", "--json", tmp_path / "r"
    )
    assert ran.code == 0
    assert len(json.loads((tmp_path / "r").read_text())["reports"]) == 2
