"""What was skipped is named in the closing lines of a run, and fails where everything was installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from conftest import ROOT, Ran, run

SKIP = "import pytest\n{mark}@pytest.mark.skip(reason='{reason}')\ndef test_{name}(): ...\n"
TESTS = {
    "passes": "def test_passes(): pass\n",
    "tool": SKIP.format(name="tool", mark="", reason="a is missing (Debian: apt-get install a)"),
    "inside": "import pytest\ndef test_inside(): pytest.skip('b is missing: pip install b')\n",
    "module": "import pytest\npytest.importorskip('no_such_package')\ndef test_module(): ...\n",
    "cuda": SKIP.format(name="cuda", mark="@pytest.mark.cuda\n", reason="no CUDA device here"),
    "expected": "import pytest\n@pytest.mark.xfail\ndef test_expected(): assert False\n",
    "fails": "def test_fails(): assert False\n",
}


def ran(folder: Path, *names: str, workers: bool = False, **variables: str) -> Ran:
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = cuda: needs one\n")
    for name in names:
        (folder / f"test_{name}.py").write_text(TESTS[name])
    options = ["--numprocesses", "2"] if workers else []
    files = [folder / f"test_{name}.py" for name in names]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "TSHARNESS_"))}
    return run(sys.executable, ROOT / "tests" / "run.py", *options, *files, env={**environment, **variables})


@pytest.mark.parametrize("workers", [False, True])
def test_each_reason_is_named_once_with_its_number(tmp_path: Path, workers: bool) -> None:
    done = ran(tmp_path, "passes", "tool", "inside", "module", "cuda", "expected", workers=workers)
    assert done.code == 0, done.text
    closing = done.out[done.out.index("skipped here") :].splitlines()
    assert "   1  a is missing (Debian: apt-get install a)" in closing
    assert "   1  b is missing: pip install b" in closing
    assert "   1  no CUDA device here" in closing
    assert any("no_such_package" in line for line in closing)
    assert len([line for line in closing if line.startswith("   1  ")]) == 4
    assert "passed" in closing[-1], "the runner's own line is the last one"


def test_nothing_is_said_where_nothing_was_skipped(tmp_path: Path) -> None:
    done = ran(tmp_path, "passes", TSHARNESS_REQUIRE_TOOLS="1")
    assert done.code == 0 and "skipped" not in done.out


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("passes", "cuda", "expected"), 0),
        (("passes", "tool"), 1),
        (("passes", "inside"), 1),
        (("passes", "module"), 1),
        (("fails", "cuda"), 1),
    ],
)
@pytest.mark.parametrize("workers", [False, True])
def test_only_cuda_excuses_where_everything_was_installed(
    tmp_path: Path, names: tuple[str, ...], code: int, workers: bool
) -> None:
    done = ran(tmp_path, *names, workers=workers, TSHARNESS_REQUIRE_TOOLS="1")
    assert done.code == code, done.text
    assert ("FAILED: 1 skipped" in done.out) == (code == 1 and names[0] == "passes")


def test_a_run_names_those_of_the_runs_before_it(tmp_path: Path) -> None:
    kept = tmp_path / "skipped.txt"
    kept.write_text("C++\tthe C++ tests: GoogleTest is not installed\n")
    for names in (("passes", "tool"), ("passes", "tool", "inside")):
        done = ran(tmp_path, *names, TSHARNESS_SKIPPED=str(kept))
        assert done.code == 0, done.text
    closing = done.out[done.out.index("skipped here") :].splitlines()
    assert "   1  the C++ tests: GoogleTest is not installed" in closing
    assert "   1  a is missing (Debian: apt-get install a)" in closing, "a test that is skipped twice is one"
    assert "   1  b is missing: pip install b" in closing
