"""The package as a type checker sees it from outside."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conftest import Ran, run

USE = """
from pathlib import Path

import torch
import tsharness
from tsharness.errors import TsharnessError

def gate(path: Path) -> bool:
    report = tsharness.verify(path, level="quick", rtol={"logits": 1e-3})
    report.raise_for_verdict()
    worst: float = max(one.max_abs or 0.0 for case in report.cases for one in case.outputs)
    measured = tsharness.benchmark(path, sweep={"threads": [1, 2]}, budget={"p99": 0.02})
    p99: float = measured.latencies[0].quantiles["p99"].seconds
    compared = tsharness.compare(path, b_options) if False else None
    session = tsharness.load(path)
    found: tsharness.Inspection = tsharness.inspect(path)
    try:
        tsharness.export(torch.nn.Linear(2, 2), torch.ones(1, 2), path)
    except TsharnessError as error:
        print(error.exit_code + 1)
    return report.exit_code == 0 and measured.verdict.value == "pass" and worst < p99 and found.dangerous

b_options: Path | None = None
"""

WRONG = {
    "tsharness.verify(1)": "arg-type",
    "tsharness.verify('a.pt', levle='quick')": "call-arg",
    "tsharness.verify('a.pt').verdicts": "attr-defined",
    "tsharness.benchmark('a.pt').latencies[0].median + 'ms'": "operator",
    "tsharness.compare('a.pt', max_time='10 s')": "arg-type",
    "tsharness.no_such_name": "attr-defined",
}


def _mypy(folder: Path, text: str) -> Ran:
    (folder / "use.py").write_text(text)
    options = ("--strict", "--no-error-summary", "--cache-dir", str(folder / "cache"))
    return run(sys.executable, "-m", "mypy", *options, "use.py", cwd=folder, timeout=300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("typing")


def test_a_user_is_typed(folder: Path) -> None:
    ran = _mypy(folder, USE)
    assert ran.code == 0, ran.text


def test_what_is_wrong_is_seen(folder: Path) -> None:
    """All in one run, because the checker reads all of torch first."""
    lines = ["import tsharness", *(f"print({one})" for one in WRONG)]
    ran = _mypy(folder, "\n".join(lines) + "\n")
    for number, (text, code) in enumerate(WRONG.items(), 2):
        assert any(f"use.py:{number}:" in line and f"[{code}]" in line for line in ran.out.splitlines()), (
            f"{text}\n{ran.text}"
        )
