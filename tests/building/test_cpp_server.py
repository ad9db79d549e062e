"""examples/cpp_server, built as an outside project against what is installed."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "python"), str(ROOT / "examples")]

from conftest import Ran, models, run, tsharness  # noqa: E402, F401

pytestmark = pytest.mark.skipif(
    not shutil.which("c++"), reason="no C++ compiler here (Debian: apt-get install g++)"
)
TOOLS = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def configure(build: Path, *options: str) -> Ran:
    prefix = tsharness("runner", "prefix").out.strip()
    source = ROOT / "examples" / "cpp_server"
    return run("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", *options, env=TOOLS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("outside")
    ran = configure(build)
    assert ran.code == 0, ran.text
    ran = run("cmake", "--build", build, env=TOOLS, timeout=300)
    assert ran.code == 0, ran.text
    return build / "server"


def serve(server: Path, artifact: Path, requests: str = "") -> Ran:
    return run(server, artifact, input=requests, env={})


def test_it_serves_what_proves_itself(server: Path, models: Path) -> None:  # noqa: F811
    ran = serve(server, models / "linear.pt", "1 2 3 4 5 6 7 8 9 10\n1 2\n")
    assert ran.code == 0 and ran.err.startswith("PASS  "), ran.text
    assert "[ CPUFloatType{1,2} ]" in ran.out and "refused: " in ran.out


def test_a_flipped_bit_keeps_it_from_starting(server: Path, models: Path, tmp_path: Path) -> None:  # noqa: F811
    original = models / "linear.pt"
    content = bytearray(original.read_bytes())
    with zipfile.ZipFile(original) as archive:
        entry = next(one for one in archive.infolist() if one.filename.endswith("/data/0"))
        weights = archive.read(entry)
    content[content.index(weights)] ^= 1
    tampered = tmp_path / "tampered.pt"
    tampered.write_bytes(content)
    ran = serve(server, tampered, "1 2 3 4 5 6 7 8 9 10\n")
    assert ran.code == 1 and not ran.out and "data/0 is not what was saved" in ran.err


def test_other_weights_with_a_right_checksum_do_too(server: Path, models: Path, tmp_path: Path) -> None:  # noqa: F811
    tampered = tmp_path / "tampered.pt"
    with zipfile.ZipFile(models / "linear.pt") as archive, zipfile.ZipFile(tampered, "w") as other:
        for entry in archive.infolist():
            content = bytearray(archive.read(entry))
            if entry.filename.endswith("/data/0"):
                content[3] ^= 1  # a sign or an exponent's highest bits: little-endian float32
            other.writestr(entry.filename, bytes(content))
    ran = serve(server, tampered, "1 2 3 4 5 6 7 8 9 10\n")
    assert (
        ran.code == 1 and not ran.out and "its content is not what its cases were recorded with" in ran.err
    ), ran.text


def test_what_has_no_cases_proves_nothing(server: Path, models: Path, tmp_path: Path) -> None:  # noqa: F811
    with zipfile.ZipFile(models / "linear.pt") as archive, zipfile.ZipFile(tmp_path / "bare.pt", "w") as bare:
        for entry in archive.infolist():
            if "extra/" not in entry.filename:
                bare.writestr(entry.filename, archive.read(entry))
    ran = serve(server, tmp_path / "bare.pt")
    assert ran.code == 1 and "nothing to compare" in ran.err


@pytest.mark.skipif(
    not Path("/usr/include/torch").is_dir(),
    reason="no second LibTorch here (Debian: apt-get install libtorch-dev)",
)
def test_another_libtorch_is_refused_by_cmake(tmp_path: Path) -> None:
    ran = configure(tmp_path / "build", "-DTSHARNESS_LIBTORCH=/usr")
    assert ran.code != 0 and "/usr is 1.13." in " ".join(ran.err.split()), ran.text
