"""Real networks, from their packages: exported by ``--method auto``, verified in C++ at several shapes.

A group of its own (``make test-networks``), because it installs transformers and monai."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / name) for name in ("docs", "examples", "tests/python")]

from second_libtorch import SECOND, debian, on_both  # noqa: E402, F401

pytest.importorskip("transformers", reason="transformers is missing (make test-networks installs it)")
pytest.importorskip("monai", reason="monai is missing (make test-networks installs it)")
pytestmark = pytest.mark.filterwarnings("ignore")  # what the packages have to say about torch and numpy

SLOW = "swin_unetr"
"""Minutes, a second for each call: it comes first, and one of two workers does the others meanwhile."""
WRONG = {"swin_unetr_of_another_size": ("trace", 'case "N=2": output differs')}


def names() -> list[str]:
    from networks import NETWORKS

    return sorted(NETWORKS, key=lambda name: name != SLOW)


@pytest.mark.parametrize("name", names())
def test_network(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
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
    if SECOND:
        request.getfixturevalue("debian")
        _on_an_old_libtorch(name, tmp_path)


@pytest.mark.skipif(not SECOND, reason="no second LibTorch here (Debian: apt-get install libtorch-dev)")
def test_an_old_libtorch_was_there() -> None:
    """So that a run without says so."""


def _on_an_old_libtorch(name: str, folder: Path) -> None:
    """It passes there, or is refused by name, and passes without the operator."""
    from generate_networks import export_network

    artifact = folder / f"{name}.pt"
    verify = ("verify", artifact, "--runner", "debian", "--level", "quick")
    ran = on_both(*verify)
    if ran.code == 5:
        assert "TS332 it needs aten::scaled_dot_product_attention" in ran.out
        before = on_both("inspect", artifact, "--runner", "debian")
        assert before.code == 5 and 'attn_implementation="eager"' in before.out, before.text
        artifact.unlink()
        assert export_network(name, folder, attention="eager").written
        ran = on_both(*verify)
    assert ran.code == 0, ran.text


def test_the_page_names_every_network() -> None:
    page = (ROOT / "docs" / "networks.md").read_text()
    assert all(f"| {name} |" in page for name in names())
