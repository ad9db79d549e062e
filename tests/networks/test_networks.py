"""Real networks, from their packages: exported by ``--method auto``, verified in C++ at several shapes.

A group of its own (``make test-networks``), because it installs transformers and monai."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "examples")]

pytest.importorskip("transformers")
pytest.importorskip("monai")
pytestmark = pytest.mark.filterwarnings("ignore")  # what the packages have to say about torch and numpy

WRONG = {"swin_unetr_of_another_size": ("trace", 'case "N=2": output differs')}


def names() -> list[str]:
    from networks import NETWORKS

    return list(NETWORKS)


@pytest.mark.parametrize("name", names())
def test_network(name: str, tmp_path: Path) -> None:
    from generate_networks import export_network

    import tsharness
    from tsharness.verdict import Verdict

    report = export_network(name, tmp_path)
    if name in WRONG:
        method, reason = WRONG[name]
        assert report.verdict is Verdict.FAIL and report.method == method
        assert report.candidates[0].reason.startswith(reason)
        assert not list(tmp_path.iterdir())
        return
    assert report.verdict is Verdict.PASS
    assert report.method == "trace"
    assert len(report.cases) >= 8
    verified = tsharness.verify(tmp_path / f"{name}.pt")
    inspected = tsharness.inspect(tmp_path / f"{name}.pt")
    assert not [one for one in inspected.findings if one.severity == "error"]
    assert verified.verdict is Verdict.PASS and len(verified.cases) == len(report.cases)


def test_the_page_names_every_network() -> None:
    page = (ROOT / "docs" / "networks.md").read_text()
    assert all(f"| {name} |" in page for name in names())
