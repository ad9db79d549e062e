"""A short run of tests/fuzz/fuzz.py, and that it would notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

FUZZ = ROOT / "tests" / "fuzz" / "fuzz.py"


def test_mutations_get_an_answer() -> None:
    command = [sys.executable, FUZZ, "--inspect", "400", "--verify", "15", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS 0 broke a rule" in done.stdout


def test_the_same_seed_makes_the_same_file() -> None:
    sys.path.insert(0, str(FUZZ.parent))
    from fuzz import mutation

    seeds = [b"PK\x03\x04" + bytes(range(200)), b"x" * 50]
    made = [mutation(seeds, number) for number in range(50)]
    assert made == [mutation(seeds, number) for number in range(50)]
    assert len(set(made)) > 40


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'Traceback (most recent call last)' >&2; exit 1", "a traceback"),
        ("exit 77", "exit code 77"),
        ("touch $TMPDIR/left; exit 1", "left behind"),
    ],
)
def test_broken_rules_are_noticed(script: str, said: str, tmp_path: Path) -> None:
    sys.path.insert(0, str(FUZZ.parent))
    from fuzz import _run

    (tmp_path / "tmp").mkdir()
    assert said in _run(["/bin/sh", "-c", script], tmp_path / "tmp")
    assert _run(["/bin/sh", "-c", "rm -f $TMPDIR/left; exit 5"], tmp_path / "tmp") == "5"
