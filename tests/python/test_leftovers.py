"""Nothing is lost and nothing is left: scratch folders, targets that cannot be written, full disks."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, heed_interrupts, run, running_runners, tsharness
from tsharness.atomic import atomic_write
from tsharness.errors import UsageError
from tsharness.runners.store import BuiltRunner, keep
from tsharness.scratch import ScratchFolder, private_folder, remove_leftovers

OLD = time.time() - 3600


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the temporary folder, for this process and for those that it starts."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def aged(folder: Path) -> Path:
    """That nobody has changed anything in it for an hour."""
    for entry in (folder, *folder.rglob("*")):
        os.utime(entry, (OLD, OLD), follow_symlinks=False)
    return folder


def project_of_a_user(folder: Path, mode: int = 0o755) -> Path:
    (folder / "clone").mkdir(parents=True)
    (folder / "clone" / "work.py").write_text("a week of it")
    folder.chmod(mode)
    return aged(folder)


def whole(folder: Path) -> bool:
    return (folder / "clone" / "work.py").read_text() == "a week of it"


@pytest.mark.alone
def test_what_a_killed_process_has_left_is_removed(temporary: Path, models: Path) -> None:
    command = [Path(sys.executable).parent / "tsharness", "verify", models / "resnet.pt", "--calls", "10000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(temporary.glob("*/scratch-*/")):
        assert time.monotonic() < deadline, "it has no scratch folder"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(temporary.iterdir()), "it was killed after it had removed its scratch folder"
    assert tsharness("verify", models / "linear.pt", "--level", "quick").code == 0
    assert not list(temporary.iterdir())
    assert not running_runners()


def test_folders_that_are_only_called_like_ours_stay(temporary: Path, models: Path) -> None:
    private = temporary / f"tsharness-{os.geteuid()}"
    private.mkdir(mode=0o700)
    elsewhere = project_of_a_user(temporary / "elsewhere")
    mine = [
        project_of_a_user(temporary / name, 0o700)
        for name in ("tsharness-a", "tsharness-runner.x", "tsharness-host.abcdef", "tsharness.abcdef")
    ]
    inside = [project_of_a_user(private / name, 0o700) for name in ("scratch-abc", "scratch-def", "other")]
    for name, text in (("abc", ""), ("link", ""), ("gone", ""), ("words", "my notes")):
        (private / f"scratch-{name}.mark").write_text(text)
    (private / "scratch-def.mark").write_text(f"tsharness made {inside[1]}\ndevice 1, inode 2\n")
    (private / "scratch-other.mark").write_text(f"tsharness made {inside[2]}\n")  # never identified
    for link in (temporary / "tsharness-link", private / "scratch-link"):
        link.symlink_to(elsewhere)
    (private / "scratch-linked.mark").symlink_to(private / "scratch-def.mark")
    os.mkfifo(private / "scratch-fifo.mark")
    (private / "scratch-folder.mark").mkdir()
    before = sorted(temporary.rglob("*"))
    with ScratchFolder() as name:
        assert Path(name).parent == private, "there was something to look through"
    assert tsharness("verify", models / "linear.pt", "--level", "quick").code == 0
    assert all(whole(folder) for folder in (elsewhere, *mine, *inside))
    assert sorted(temporary.rglob("*")) == before


def folder_for_others(private: Path, temporary: Path) -> None:
    project_of_a_user(private, 0o755)


def link_of_somebody(private: Path, temporary: Path) -> None:
    private.symlink_to(project_of_a_user(temporary / "elsewhere", 0o700))


def folder_of_somebody_else(private: Path, temporary: Path) -> None:
    project_of_a_user(private, 0o700)
    if os.geteuid() != 0:
        pytest.skip("needs root, which can give a folder away")
    os.chown(private, 65534, 65534)


def plain_file(private: Path, temporary: Path) -> None:
    private.write_text("mine")


@pytest.mark.parametrize("taken", [folder_for_others, link_of_somebody, folder_of_somebody_else, plain_file])
def test_a_private_folder_that_is_not_private_is_not_used(
    taken: Callable[[Path, Path], None], temporary: Path, models: Path
) -> None:
    taken(temporary / f"tsharness-{os.geteuid()}", temporary)
    before = sorted(temporary.rglob("*"))
    assert private_folder() is None
    with ScratchFolder() as name:
        assert Path(name).parent == temporary and stat.S_IMODE(Path(name).stat().st_mode) == 0o700
    assert tsharness("verify", models / "linear.pt", "--level", "quick").code == 0
    assert sorted(temporary.rglob("*")) == before


def test_a_folder_that_is_in_use_stays_however_old_it_is(temporary: Path) -> None:
    with ScratchFolder() as name:
        aged(Path(name).parent)
        remove_leftovers(Path(name).parent)
        with ScratchFolder():
            assert Path(name).is_dir()


def test_a_build_is_in_use_while_another_command_runs(
    temporary: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CMake is another command here: it waits until it is told to end."""
    tools = temporary.parent / "tools"
    tools.mkdir()
    for tool in ("cmake", "c++"):
        (tools / tool).write_text('#!/bin/sh\necho "$4" > "$0.asked"\nexec /bin/cat\n')
        (tools / tool).chmod(0o755)
    build = "from pathlib import Path; from tsharness.runners import build; build._path = lambda: %r; "
    build += "build.build_runner(Path('/usr'), None, lambda *_: None)"
    command = [sys.executable, "-c", build % str(tools)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not (tools / "cmake.asked").exists():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        (folder,) = temporary.glob("*/scratch-*/")
        aged(folder)
        ran = tsharness("verify", models / "linear.pt", "--level", "quick")
        there = folder.is_dir()
        process.kill()
    assert ran.code == 0 and there, ran.text
    with ScratchFolder():
        assert not folder.exists()


def as_ordinary_user(work: Callable[[], None]) -> bool:
    """Whether it ends well in a process of a user whom permissions keep out (root is another one there)."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def test_what_a_model_made_hard_to_remove_goes_and_links_are_not_followed() -> None:
    """A mode that is set by a link's name is set on what the link leads to."""
    parent = Path(tempfile.mkdtemp(dir="/tmp"))
    parent.chmod(0o777)
    elsewhere = parent / "elsewhere"

    def work() -> None:
        project_of_a_user(elsewhere)
        os.environ["TMPDIR"], tempfile.tempdir = str(parent), None
        with ScratchFolder() as name:
            deeper = Path(name, "closed", "deeper")
            deeper.mkdir(parents=True)
            for folder in (deeper, deeper.parent):
                (folder / "link").symlink_to(elsewhere)
                folder.chmod(0)
        assert not Path(name).exists()

    try:
        assert as_ordinary_user(work)
        assert [entry.name for entry in parent.iterdir()] == ["elsewhere"]
        assert whole(elsewhere) and stat.S_IMODE(elsewhere.stat().st_mode) == 0o755
    finally:
        shutil.rmtree(parent)


KILLED = """
import os, signal, sys
from pathlib import Path
from tsharness import scratch
made, ends = [], iter(range(1, 100))
def sometimes(name, function):
    def call(*arguments, **options):
        if next(ends) == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call
for owner, names in ((os, ["write"]), (scratch.fcntl, ["flock"]), (Path, ["rename", "mkdir", "touch"])):
    for name in names:
        setattr(owner, name, sometimes(name, getattr(owner, name)))
with scratch.ScratchFolder(Path(sys.argv[2]) if sys.argv[2:] else None) as folder:
    Path(folder, "file").write_text("x")
    sometimes("", lambda: None)()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", range(1, 10))
@pytest.mark.parametrize("elsewhere", [False, True])
def test_whenever_a_process_is_killed_the_next_one_understands(
    temporary: Path, moment: int, elsewhere: bool
) -> None:
    beside = temporary.parent / "outputs"
    beside.mkdir()
    command = [sys.executable, "-c", KILLED, str(moment), *([str(beside)] if elsewhere else [])]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    with ScratchFolder():
        pass
    assert not list(beside.iterdir())
    left = [entry.name for entry in temporary.rglob("*") if entry.is_file() and entry.stat().st_size]
    folders = [entry for entry in temporary.rglob("scratch-*") if entry.is_dir()]
    assert not left and not folders
    if moment > 4:  # before that it had no words yet
        assert not list(temporary.iterdir())


def test_a_killed_export_leaves_nothing_beside_its_target(temporary: Path, tmp_path: Path) -> None:
    target = tmp_path / "outputs" / "model.pt"
    target.parent.mkdir()
    command = [Path(sys.executable).parent / "tsharness", "export", ROOT / "examples/linear.py:make"]
    process = subprocess.Popen([*command, "-o", target], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(target.parent.iterdir()):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    with ScratchFolder():
        assert not list(target.parent.iterdir())


def test_what_is_deeper_than_python_recurses_goes(temporary: Path) -> None:
    with ScratchFolder() as name:
        here = os.open(name, os.O_RDONLY)
        for _ in range(1200):
            os.mkdir("d", dir_fd=here)
            deeper = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
        os.close(here)
    assert not Path(name).exists()


def test_without_any_room_for_temporary_files_it_is_said(models: Path, tmp_path: Path) -> None:
    hindered = (
        "import sys, tempfile; from tsharness.cli.main import main\n"
        "def nowhere(): raise FileNotFoundError(2, 'No usable temporary directory found')\n"
        "tempfile.gettempdir = nowhere; sys.exit(main())"
    )
    ran = run(sys.executable, "-c", hindered, "verify", models / "linear.pt")
    assert ran.code == 8 and "set TMPDIR" in ran.err and "Traceback" not in ran.text, ran.text


def built_as(name: str) -> BuiltRunner:
    return BuiltRunner(name, "2.13.0", True, "g++", "/", "key", ("cpu",), "AVX2", "0.1.0")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "build.log"
    path.write_text("built")
    return path


def test_a_runner_is_removed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner_path: Path, log: Path
) -> None:
    monkeypatch.setenv("TSHARNESS_RUNNERS", str(tmp_path / "store"))
    built = built_as("mine")
    for _ in range(2):
        keep(built, runner_path, log, {})
    assert len(list((tmp_path / "store").rglob("*"))) == 5
    assert tsharness("runner", "remove", "mine").code == 0
    assert not (tmp_path / "store" / "mine").exists()

    keep(built, runner_path, log, {})
    (built.folder / "notes").write_text("mine")
    (built.folder / "build.log").unlink()
    (built.folder / "build.log").mkdir()
    assert tsharness("runner", "remove", "mine").code == 0
    assert sorted(one.name for one in built.folder.iterdir()) == ["build.log", "notes"]
    shutil.rmtree(built.folder)

    keep(built, runner_path, log, {})
    built.folder.rename(tmp_path / "away")
    built.folder.symlink_to(tmp_path / "away")
    assert tsharness("runner", "remove", "mine").code == 0
    assert not built.folder.is_symlink() and len(list((tmp_path / "away").iterdir())) == 4


@pytest.mark.parametrize("taken", ["folder", "link", "file", "folder with our names"])
def test_a_runner_is_put_where_nothing_of_the_users_is(
    taken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner_path: Path, log: Path
) -> None:
    monkeypatch.setenv("TSHARNESS_RUNNERS", str(tmp_path / "store"))
    place = tmp_path / "store" / "mine"
    place.parent.mkdir()
    if taken == "file":
        place.write_text("mine")
    elif taken == "link":
        place.symlink_to(project_of_a_user(tmp_path / "elsewhere"))
    else:
        project_of_a_user(place)
        for name in ("runner.json", "build.log") if taken != "folder" else ():
            (place / name).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="is no runner that was built"):
        keep(built_as("mine"), runner_path, log, {})
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["..", "../../elsewhere", "other", "/"])
def test_a_name_in_a_file_of_the_store_removes_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner_path: Path, log: Path
) -> None:
    monkeypatch.setenv("TSHARNESS_RUNNERS", str(tmp_path / "store" / "runners"))
    elsewhere = project_of_a_user(tmp_path / "elsewhere")
    built = built_as("mine")
    keep(built, runner_path, log, {})
    facts = built.folder / "runner.json"
    facts.write_text(facts.read_text().replace('"mine"', json.dumps(name)))
    for file in ("tsharness-runner", "runner.json"):
        shutil.copy(built.folder / file, elsewhere / file)
    for known in ("mine", name):
        assert tsharness("runner", "remove", known).code == 2
    assert whole(elsewhere) and (elsewhere / "runner.json").is_file()


def test_a_scratch_folder_goes_with_its_block() -> None:
    with ScratchFolder() as name:
        assert Path(name).is_dir()
    assert not Path(name).exists()


def test_concurrent_runs_do_not_disturb_each_other(models: Path) -> None:
    command = [Path(sys.executable).parent / "tsharness", "verify", "--level", "quick", models / "linear.pt"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        out, _ = process.communicate(timeout=100)
        assert process.returncode == 0, out


def test_special_targets(models: Path, tmp_path: Path) -> None:
    assert tsharness("inspect", models / "linear.pt", "--json", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()
    ran = tsharness("inspect", models / "linear.pt", "--json", tmp_path)
    assert ran.code == 2 and "cannot write" in ran.err and "Traceback" not in ran.err
    ran = tsharness(
        "verify", models / "linear.pt", "--level", "quick", "--json", tmp_path / "no" / "report.json"
    )
    assert ran.code == 2 and "cannot write" in ran.err and "PASS" in ran.out


@pytest.fixture
def devices(tmp_path: Path) -> dict[str, Path]:
    """What is no regular file, as the system has it: a test must not replace the system's own."""
    if os.geteuid() != 0:
        pytest.skip("needs root, which can make device files")
    sink = tmp_path / "sink"
    os.mknod(sink, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (tmp_path / "link to sink").symlink_to(sink)
    return {"device": sink, "link": tmp_path / "link to sink"}


@pytest.mark.parametrize("which", ["device", "link"])
@pytest.mark.parametrize(
    "command",
    [("inspect", "--json"), ("pack", "--strip", "-o"), ("export", "-o"), ("migrate", "--to", "lite", "-o")],
)
def test_a_device_stays_a_device(
    command: tuple[str, ...], which: str, devices: dict[str, Path], models: Path
) -> None:
    name, *options = command
    what = ROOT / "examples/linear.py:make" if name == "export" else models / "linear.pt"
    ran = tsharness(name, what, *options, devices[which])
    assert "Traceback" not in ran.text
    assert devices["device"].is_char_device() and devices["link"].is_symlink(), ran.text


def test_standard_output_by_its_name(models: Path, tmp_path: Path) -> None:
    stdout = tmp_path / "stdout"
    stdout.symlink_to("/proc/self/fd/1")
    with (tmp_path / "out").open("wb") as out:
        command = [Path(sys.executable).parent / "tsharness", "inspect", "-q", "--json", stdout]
        assert subprocess.run([*command, models / "linear.pt"], stdout=out, check=False).returncode == 0
    assert stdout.is_symlink()
    assert json.loads((tmp_path / "out").read_text())["reports"]


def test_links_and_modes_stay(models: Path, tmp_path: Path) -> None:
    real, link, dangling = (tmp_path / name for name in ("real", "link", "dangling"))
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to("real")
    dangling.symlink_to("not yet")
    for target in (link, dangling):
        assert tsharness("inspect", models / "linear.pt", "--json", target).code == 0
        assert target.is_symlink() and json.loads(target.read_text())["reports"]
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_cases_stay_where_their_artifact_cannot_be_written(models: Path, tmp_path: Path) -> None:
    (tmp_path / "m.ptl").mkdir()
    cases = tmp_path / "m.ptl.cases.safetensors"
    cases.write_text("mine")
    ran = tsharness("migrate", models / "linear.pt", "--to", "lite", "-o", tmp_path / "m.ptl")
    assert ran.code == 2 and cases.read_text() == "mine", ran.text


def test_a_long_name_can_be_written(models: Path, tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250)
    assert tsharness("inspect", models / "linear.pt", "--json", target).code == 0
    assert target.is_file()


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("the old one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(UsageError, match="cannot write"):
            atomic_write(target, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert target.read_text() == "the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_fifos_and_devices_as_cases(models: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for cases in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        ran = tsharness("verify", models / "linear.pt", "--cases", cases, timeout=60)
        assert ran.code == 2 and "Traceback" not in ran.err, ran.text


def test_an_interrupted_inspection_keeps_what_it_has_found(tmp_path: Path, models: Path) -> None:
    large, found = tmp_path / "large.bin", tmp_path / "found.json"
    large.touch()
    os.truncate(large, 1 << 36)  # sparse: hashing it would take half a minute
    command = [Path(sys.executable).parent / "tsharness", "inspect", models / "linear.pt", large, large]
    with subprocess.Popen(
        [*command, "--quiet", "--json", found],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        assert b"PASS" in process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said.decode().strip() == "INCOMPLETE  interrupted after 1 of 3 files"
    document = json.loads(found.read_text())
    assert document["incomplete"] and document["exit_code"] == 130
    assert [report["verdict"] for report in document["reports"]] == ["pass"]
