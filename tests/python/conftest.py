"""Everything is driven as a user would: the installed command in a process of its own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python" / "tsharness"
sys.path.insert(0, str(ROOT / "examples"))


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


def run(*command: str | Path, timeout: float = 120, **options: Any) -> Ran:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=timeout, check=False, **options
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def tsharness(*arguments: str | Path, **options: Any) -> Ran:
    return run(Path(sys.executable).parent / "tsharness", *arguments, **options)


def in_terminal(
    arguments: list[str], columns: int, cwd: Path | None = None, watched: bool = False
) -> list[str]:
    """Lines that the command prints to a terminal of that width, without colours; ``watched``: with its
    progress."""
    main_end, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "CI": "" if watched else "1"}
    environment.pop("COLUMNS", None)
    command = [str(Path(sys.executable).parent / "tsharness"), *arguments]
    talk = other if watched else subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=other, stderr=talk, env=environment, cwd=cwd)
    os.close(other)
    parts = []
    with contextlib.suppress(OSError):  # how a terminal says that its other end was closed
        while part := os.read(main_end, 65536):
            parts.append(part)
    process.wait()
    os.close(main_end)
    return [line.rstrip() for line in b"".join(parts).decode().splitlines()]


def verify_json(*arguments: str | Path) -> tuple[Ran, dict[str, Any]]:
    """``tsharness verify ... --json -`` and the first report."""
    ran = tsharness("verify", *arguments, "--json", "-")
    document = json.loads(ran.out)
    return ran, document["reports"][0]


def written_report(path: Path) -> dict[str, Any]:
    """The one report of what ``--json`` wrote."""
    (report,) = json.loads(path.read_text())["reports"]
    return dict(report)


def heed_interrupts() -> None:
    """For ``preexec_fn``: a shell starts its background jobs with SIGINT ignored, and they pass this on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def build_library(name: str, build: Path) -> Path:
    """Operators of tests/cpp/attacks, loaded into this process, too."""
    import torch

    folder, library = Path(torch.__file__).parent, build / f"lib{name}.so"
    command = ["c++", "-std=c++17", "-O1", "-fPIC", "-shared", "-o", library]
    command += [f"-I{folder}/include", f"-I{folder}/include/torch/csrc/api/include"]
    source = ROOT / "tests" / "cpp" / "attacks" / f"{name}.cpp"
    subprocess.run([*command, source, f"-L{folder}/lib", "-lc10", "-ltorch_cpu"], check=True)
    torch.ops.load_library(str(library))
    return library


def running_runners() -> list[str]:
    """Command lines of this environment's runners that run now."""
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(cmdline.read_text())
    return [text for text in found if "bin/tsharness-runner" in text and sys.prefix in text]


@pytest.fixture(scope="session")
def runner_path() -> Path:
    from tsharness.runner.find import find_runner

    return find_runner().path


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the artifacts of every example."""
    import conditional
    import linear
    import resnet
    import script_method
    import transformer
    import voice_activity

    import tsharness

    folder = tmp_path_factory.mktemp("models")
    tsharness.export(*linear.make(), folder / "linear.pt", families=())
    tsharness.export(*conditional.on_tensor(), folder / "conditional.pt", families=())
    tsharness.export(*conditional.on_bool(), folder / "conditional_bool.pt", families=())
    options: dict[str, Any] = {"method": "trace", "force": True, "families": ()}
    tsharness.export(*conditional.on_tensor(), folder / "conditional_traced.pt", **options)
    tsharness.export(*script_method.make(), folder / "script_method.pt", method="script", families=())
    tsharness.export(*resnet.make(), folder / "resnet.pt", method="trace", families="zeros")
    tsharness.export(*transformer.make(), folder / "transformer.pt", method="script", families=())
    tsharness.export(*voice_activity.make(), folder / "silero_vad.pt", families=())
    return folder


def with_case(path: Path, x: Any, expected: Any) -> Path:
    """Puts a case beside an artifact that somebody else made: one call, and what it must give."""
    from tsharness.cases import Call, Case, CaseFile, write_case_file
    from tsharness.exporting.torch_values import to_value

    calls = (Call((to_value(x),), to_value(expected.detach())),)
    write_case_file(CaseFile((Case("one", calls),)), path.with_name(f"{path.name}.cases.safetensors"))
    return path


@pytest.fixture
def artifact(tmp_path: Path) -> Callable[..., Path]:
    """Exports a module as it comes, whatever its self-check says: ``artifact(module, x)`` is the path."""
    import tsharness

    def make(module: Any, example: Any, name: str = "model.pt", **options: Any) -> Path:
        path = tmp_path / name
        settings: dict[str, Any] = {"method": "trace", "families": (), "force": True, "train": True}
        tsharness.export(module, example, path, **{**settings, **options})
        return path

    return make


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked ``cuda`` skip without a GPU; where one is required, they run and fail."""
    if not any(item.get_closest_marker("cuda") for item in items):
        return
    import torch

    if torch.cuda.is_available() or os.environ.get("TSHARNESS_REQUIRE_CUDA") == "1":
        return
    for item in items:
        if item.get_closest_marker("cuda"):
            item.add_marker(pytest.mark.skip(reason="no CUDA device here"))
