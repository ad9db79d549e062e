"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from conftest import Ran, run


def _pytest(folder: Path, *arguments: str) -> Ran:
    return run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, cwd=folder)


@pytest.fixture
def folder(models: Path, tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    for name, source in (("good", "linear"), ("copy", "linear"), ("bad", "conditional_traced")):
        shutil.copy(models / f"{source}.pt", tmp_path / "models" / f"{name}.pt")
    ignored = "Module already imported so cannot be rewritten; _editable:pytest.PytestAssertRewriteWarning"
    (tmp_path / "pytest.ini").write_text(
        f"[pytest]\naddopts = --strict-markers\nfilterwarnings =\n  error\n  ignore:{ignored}\n"
    )
    return tmp_path


def _write(folder: Path, text: str) -> None:
    (folder / "test_models.py").write_text(text)


def test_nothing_happens_unasked(folder: Path) -> None:
    _write(folder, "import sys\ndef test():\n    assert 'tsharness.verification.api' not in sys.modules\n")
    ran = _pytest(folder, "-v")
    assert ran.code == 0 and "1 passed" in ran.out and ".pt" not in ran.out, ran.text


def test_artifacts_are_collected(folder: Path) -> None:
    (folder / "models" / "other.pt").write_bytes(b"no archive")
    (folder / "elsewhere.pt").write_bytes(b"not collected")
    ran = _pytest(folder, "--tsharness", "models", "-v")
    assert ran.code == 1, ran.text
    assert "models/good.pt::verify PASSED" in ran.out and "models/bad.pt::verify FAILED" in ran.out
    assert "elsewhere" not in ran.out
    # As good as the command's own: what, where, why, what to do.
    for part in ('case "condition=False": output differs', "TS203", "do     export with method"):
        assert part in ran.out
    assert "Traceback" not in ran.out and "verification/api.py" not in ran.out


def test_one_file_and_folders_that_are_not_there(folder: Path) -> None:
    assert "1 passed" in _pytest(folder, "--tsharness", "models/good.pt").out
    missing = _pytest(folder, "--tsharness", "nowhere")
    assert missing.code == 4 and "no such file or folder" in missing.text


def test_outside_of_the_tests_paths(folder: Path) -> None:
    (folder / "tests").mkdir()
    (folder / "tests" / "test_one.py").write_text("def test(): pass\n")
    ini = folder / "pytest.ini"
    ini.write_text(ini.read_text() + "testpaths = tests\n")
    ran = _pytest(folder, "--tsharness", "models/good.pt")
    assert ran.code == 0 and "2 passed" in ran.out, ran.text
    assert "1 passed" in _pytest(folder).out


def test_without_cases_it_is_skipped(folder: Path) -> None:
    from tsharness.packing.api import strip

    strip(folder / "models" / "good.pt", folder / "models" / "bare.pt")
    ran = _pytest(folder, "--tsharness", "models/bare.pt", "-rs")
    assert "1 skipped" in ran.out and "tsharness pack" in ran.out, ran.text


FIXTURES = """
def test_good(tsharness_verify):
    report = tsharness_verify("models/good.pt", level="quick")
    assert report.exit_code == 0

def test_bad(tsharness_verify):
    tsharness_verify("models/bad.pt", level="quick")

def test_same(tsharness_compare):
    tsharness_compare("models/good.pt", "models/copy.pt", max_time=3, max_regression=0.5)

def test_different(tsharness_compare):
    tsharness_compare("models/good.pt", "models/bad.pt", max_time=3)
"""


@pytest.mark.alone  # two artifacts are compared in it
def test_fixtures(folder: Path) -> None:
    _write(folder, FIXTURES)
    ran = _pytest(folder, "-v")
    assert "test_good PASSED" in ran.out and "test_bad FAILED" in ran.out and "test_same PASSED" in ran.out
    assert "test_different FAILED" in ran.out and "2 failed, 2 passed" in ran.out, ran.text
    assert "error: forward() is missing value for argument 'condition'" in ran.out
    assert "verification/api.py" not in ran.out and "bench/compare.py" not in ran.out


def test_the_marker_has_a_test_for_each(folder: Path) -> None:
    _write(
        folder,
        """
import pytest

@pytest.mark.tsharness("models/*.pt")
def test_one(artifact, tsharness_verify):
    tsharness_verify(artifact, level="quick")
""",
    )
    ran = _pytest(folder, "-v")
    assert "test_one[models/good.pt] PASSED" in ran.out and "test_one[models/bad.pt] FAILED" in ran.out
    _write(folder, "import pytest\n@pytest.mark.tsharness('no/*.pt')\ndef test_one(artifact): pass\n")
    ran = _pytest(folder)
    assert ran.code != 0 and "finds no file" in ran.text


@pytest.mark.alone  # two artifacts are compared in it
def test_with_xdist(folder: Path) -> None:
    _write(folder, FIXTURES)
    ran = _pytest(folder, "--tsharness", "models", "-n", "2")
    assert "3 failed, 4 passed" in ran.out, ran.text
