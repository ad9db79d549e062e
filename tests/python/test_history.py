"""Figures of earlier runs: kept, followed, and where they changed."""

from __future__ import annotations

import json
import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import run, tsharness
from tsharness.errors import UsageError
from tsharness.history.api import append, trends
from tsharness.history.changepoint import FEWEST, change_points
from tsharness.history.store import open_store
from tsharness.report.document import Run, read_run

DATA = Path(__file__).parent / "data"


def _bench(median: float, created: str) -> Run:
    """A stored run of ``bench`` with another median."""
    run = read_run(DATA / "bench-v1.json")
    (report,) = run.reports
    (latency,) = report.latencies  # type: ignore[union-attr]
    changed = replace(report, latencies=(replace(latency, median=median),))  # type: ignore[call-arg]
    return replace(run, reports=(changed,), created=created, tsharness="0.1.0")


def _fill(store: Path, medians: list[float]) -> None:
    for day, median in enumerate(medians):
        append(store, _bench(median, f"2026-01-{day + 1:02}T00:00:00Z"))


def _noisy(level: float, count: int, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [level * (1 + rng.gauss(0, 0.01)) for _ in range(count)]


def test_a_step_is_found_where_it_is() -> None:
    for seed in range(20):
        values = _noisy(1e-3, 12, seed) + _noisy(1.1e-3, 9, 100 + seed)
        (found,) = change_points(values)
        assert abs(found.index - 12) <= 1 and found.ratio == pytest.approx(1.1, abs=0.02)


def test_two_steps() -> None:
    values = _noisy(1.0, 15, 1) + _noisy(1.3, 15, 2) + _noisy(0.9, 15, 3)
    assert [abs(one.index - at) <= 1 for one, at in zip(change_points(values), (15, 30), strict=True)] == [
        True
    ] * 2


def test_noise_is_no_step() -> None:
    """At 1%: of 200 series without a change at most a few have one."""
    found = sum(bool(change_points(_noisy(1.0, 30, seed))) for seed in range(200))
    assert found <= 5


def test_an_outlier_is_no_step() -> None:
    values = _noisy(1.0, 20, 1)
    values[10] = 50.0
    assert not change_points(values)


def test_a_small_change_does_not_matter() -> None:
    assert not change_points([1.0 + 1e-6 * n for n in range(15)] + [1.01 + 1e-6 * n for n in range(15)])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(min_value=0, max_value=1e6), max_size=40))
def test_any_series_has_an_answer(values: list[float]) -> None:
    found = change_points(values)
    assert all(0 < one.index < len(values) for one in found)
    assert len(values) >= FEWEST or not found


def test_a_slowdown_is_named_with_its_run(tmp_path: Path) -> None:
    _fill(tmp_path, _noisy(1e-3, 12, 1) + _noisy(1.2e-3, 10, 2))
    ran = tsharness("history", tmp_path, "--json", tmp_path / "h.json", "--html", tmp_path / "h.html")
    assert ran.code == 0, ran.text
    (row,) = [line for line in ran.out.splitlines() if "latency median" in line]
    assert "since 2026-01-13T00:00:00Z" in row and "1.00 ms, then 1.19 ms" in row
    assert "1 of them with a change of level" in ran.out
    document = json.loads((tmp_path / "h.json").read_text())
    (median,) = [one for one in document["trends"] if "latency median" in one["series"]["name"]]
    assert [one["index"] for one in median["changes"]] == [12]
    assert (tmp_path / "h.html").read_text().count("<svg") >= 3
    only = tsharness("history", tmp_path, "--changed")
    assert len([line for line in only.out.splitlines() if "linear.pt" in line]) == 1


def test_a_command_appends_and_the_page_shows_it(models: Path, tmp_path: Path) -> None:
    store = tmp_path / "kept" / "history.sqlite"
    quick = ("bench", models / "linear.pt", "--case", "example", "--min-time", "0.05", "--history", store)
    for number in range(2):
        ran = tsharness(*quick, "--html", tmp_path / f"{number}.html")
        assert ran.code == 0, ran.text
    assert 'id="history"' not in (tmp_path / "0.html").read_text()
    assert 'id="history"' in (tmp_path / "1.html").read_text()
    names = {one.series.name for one in trends(store)}
    assert names >= {"load", "peak memory", "size", "latency median of case example"}
    assert {len(one.series.values) for one in trends(store) if "p99.9" not in one.series.name} == {2}


def test_other_reports_have_figures_too(tmp_path: Path) -> None:
    for name in ("verify", "compare", "inspections"):
        assert tsharness("history", tmp_path, "--add", DATA / f"{name}-v1.json").code == 0
    names = {one.series.name for one in trends(tmp_path)}
    assert names >= {
        "verify exit code",
        "largest error",
        "ratio to base of case example",
        "inspect exit code",
    }


def test_a_document_is_kept_once_and_whole(tmp_path: Path) -> None:
    first = _bench(1.0, "2026-01-01T00:00:00Z")
    append(tmp_path, first)
    append(tmp_path, first)
    with open_store(tmp_path, create=False) as store:
        assert store.runs() == 1
        (text,) = store.documents()
    assert Run.from_dict(json.loads(text)) == first


def test_several_may_append_at_once(tmp_path: Path) -> None:
    runs = [_bench(1.0 + n, f"2026-01-01T00:00:{n:02}Z") for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: append(tmp_path, one), runs))
    with open_store(tmp_path, create=False) as store:
        assert store.runs() == 20


def test_machines_are_not_mixed(tmp_path: Path) -> None:
    one = _bench(1.0, "2026-01-01T00:00:00Z")
    (report,) = one.reports
    other = replace(report, machine=replace(report.machine, cpu="Z80"))  # type: ignore[union-attr, call-arg]
    append(tmp_path, one)
    append(tmp_path, replace(one, reports=(other,)))
    medians = [t.series for t in trends(tmp_path) if "latency median" in t.series.name]
    assert len(medians) == 2 and {len(one.values) for one in medians} == {1}


def test_a_sweep_over_threads_is_one_series_a_point(tmp_path: Path) -> None:
    """Whichever of its processes came first."""
    for day, threads in ((1, 1), (2, 2)):
        run = _bench(1.0, f"2026-01-0{day}T00:00:00Z")
        (report,) = run.reports
        (latency,) = report.latencies  # type: ignore[union-attr]
        points = tuple(replace(latency, parameters={"threads": n}) for n in (1, 2))
        runner = replace(report.runner, threads=threads)  # type: ignore[union-attr, arg-type]
        changed = replace(report, latencies=points, runner=runner)  # type: ignore[call-arg]
        append(tmp_path, replace(run, reports=(changed,)))
    medians = [one.series for one in trends(tmp_path) if "latency median" in one.series.name]
    assert [len(one.values) for one in medians] == [2, 2]


def test_the_revision_is_kept(models: Path, tmp_path: Path) -> None:
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "x")):
        assert run(*git, *arguments, cwd=tmp_path).code == 0
    ran = tsharness("inspect", models / "linear.pt", "--json", "run.json", cwd=tmp_path)
    assert ran.code == 0 and tsharness("history", "h", "--add", "run.json", cwd=tmp_path).code == 0
    head = run("git", "rev-parse", "--short=12", "HEAD", cwd=tmp_path).out.strip()
    assert {one.series.runs[0].revision for one in trends(tmp_path / "h")} == {head}


def test_what_is_no_history(tmp_path: Path) -> None:
    ran = tsharness("history", tmp_path)
    assert ran.code == 2 and "--add RUN.json" in ran.err and not list(tmp_path.iterdir())
    (tmp_path / "text.sqlite").write_text("no database, and long enough to be seen not to be one" * 20)
    ran = tsharness("history", tmp_path / "text.sqlite")
    assert ran.code == 2 and "as a history" in ran.err
    with sqlite3.connect(tmp_path / "new.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UsageError, match="another tsharness"):
        trends(tmp_path / "new.sqlite")
