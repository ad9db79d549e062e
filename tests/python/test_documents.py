"""A short run of tests/fuzz/documents.py, that it would notice, and what a suite file cannot say."""

from __future__ import annotations

import contextlib
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, tsharness
from tsharness.printable import error_lines
from tsharness.runner.event_shape import check_event
from tsharness.runner.job import Job
from tsharness.runner.steps import run_steps

sys.path.insert(0, str(ROOT / "tests" / "fuzz"))

from documents import SUBJECTS, Ended, Results, Subject, called, fuzz, mutated, text_of, wrong
from said_events import Repeating

_FEWER = {"html": 4, "runner": 4, "events": 12, "bundle": 12}
_DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("kind", SUBJECTS, ids=lambda kind: kind.name)
def test_mutations_get_an_answer(kind: type[Subject], tmp_path: Path) -> None:
    count = _FEWER.get(kind.name, 40)
    ends, failures = fuzz(kind(tmp_path), range(count))
    assert not failures
    assert sum(ends.values()) == count


def test_the_same_number_makes_the_same_document() -> None:
    document = json.loads((_DATA / "verify-v1.json").read_text())
    made = [text_of(mutated(document, random.Random(n))) for n in range(60)]
    assert made == [text_of(mutated(document, random.Random(n))) for n in range(60)]
    assert len(set(made)) > 50


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (called(lambda: 1 / 0), "ZeroDivisionError"),
        (Ended(1, "error: x"), "exit code 1"),
        (Ended(2, ""), "a message of 0 lines"),
        (Ended(2, "error: a\n  | b\n  | c"), "a message of 3 lines"),
        (Ended(2, "error: " + "x" * 9000), "a message of 1 lines"),
    ],
)
def test_broken_rules_are_noticed(ended: Ended, said: str) -> None:
    assert said in wrong(ended, {0, 2})
    assert not wrong(Ended(2, "error: a\n  | b"), {0, 2})


def test_the_command_answers_as_its_function(tmp_path: Path) -> None:
    """A sample through the installed command."""
    document = json.loads((_DATA / "bench-v1.json").read_text())
    for number in range(8):
        path = tmp_path / f"{number}.json"
        path.write_text(text_of(mutated(document, random.Random(number))))
        ran = tsharness("report", path)
        assert ran.code in (2, document["exit_code"]) and "Traceback" not in ran.text, ran.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[artifacts]]\npath = ""', "tsharness.toml:2: artifacts 1: path = ''"),
        ('[[artifacts]]\npath = "*.pt"\nexclude = ""', "tsharness.toml:3: artifacts 1: exclude = ''"),
        ('[[artifacts]]\npath = "*.pt"\n\n[[artifacts]]\npath = [""]', "tsharness.toml:5: artifacts 2: path"),
        ('[[artifacts]]\npath = "/etc/*"', "relative to the suite file"),
        ('[[artifacts]]\npath = "a**/b"', "** stands for folders"),
        ('[[artifacts]]\npath = "a\\u0000b"', "expected a file or a glob"),
        (f"a = 1\nx = {'[' * 1000}{']' * 1000}", "tsharness.toml:2: brackets or keys inside each other"),
        (f"x = {'{a=' * 1000}1{'}' * 1000}", "tsharness.toml:1: brackets or keys inside each other"),
        (f"x = {'9' * 5000}", "tsharness.toml: "),
        ("x = \ny = 1", "line 1"),
    ],
)
def test_what_a_suite_file_cannot_say(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "tsharness.toml").write_text(text)
    (tmp_path / "a.pt").write_bytes(b"")
    for command in ("verify", "bench", "compare"):
        ran = tsharness(command, cwd=tmp_path)
        assert ran.code == 2 and said in ran.err and "Traceback" not in ran.text, ran.text
        assert len(ran.err.splitlines()) <= 2


@pytest.mark.parametrize("text", ["{name.__class__}", "{name:>9}", "{name!r}", "{other}", "{", "{0}"])
def test_a_path_of_a_suite_has_names_alone(text: str, tmp_path: Path) -> None:
    from tsharness.errors import UsageError
    from tsharness.suite.read import _filled

    with pytest.raises(UsageError, match="expected only"):
        _filled(text, {"name": "a", "stem": "b", "target": "c"}, tmp_path)
    assert _filled("{{x}}/{stem}-{name}", {"name": "a", "stem": "b"}, tmp_path) == "{x}/b-a"


def test_every_finding_has_its_page() -> None:
    from tsharness.findings import RULES

    ran = tsharness("explain", *sorted(RULES), "TS1", "ts")
    assert ran.code == 0 and "Traceback" not in ran.text
    assert {line.split()[0] for line in ran.out.splitlines() if line.startswith("TS")} == set(RULES)
    assert "{kind}" not in ran.out and "{tiny" not in ran.out
    assert tsharness("explain", "TS9").code == 2


_HELLO = {
    **dict.fromkeys(("libtorch", "runner_version", "cpu_capability"), "x"),
    "event": "hello",
    "devices": ["cpu"],
    "mapped_libraries": [],
    "threads": {"intra_op": 2},
    "build": {"compiler": "x"},
}


@pytest.mark.parametrize(
    "event",
    [
        {"event": "result", "step": "soak", "calls": 1, "calls_per_round": 1, "heap_bytes": ["inf"]},
        {"event": "result", "step": "resize", "case": "c", "id": 1 << 70},
        {"event": "result", "step": "batch", "case": "c", "rows": 10**400, "rows_differ": True},
        {"event": "hello", "host": {"name": "x"}},
        {"event": "hello", "cage": {"landlock": "7"}},
    ],
)
def test_shapes_that_no_runner_gives_its_events(event: dict[str, Any]) -> None:
    """Native code in an artifact can write to the event stream."""
    with pytest.raises(ValueError, match=r"expected|it has no"):
        check_event({**_HELLO, "resident_bytes": [], "relations": [], **event})


def test_a_step_that_nobody_asked_for() -> None:
    """It began, and the process ended: that is no end of any step of the job."""
    said = {"events": [_HELLO, {"event": "step-begin", "step": "run", "id": "another"}]}
    launcher = Repeating([said])
    job = Job(Path("m.pt"), ({"step": "run", "id": "asked", "cases": ["c"]},))
    with contextlib.closing(launcher):
        found = run_steps(job, launcher, 5.0)
    assert found.load_error is not None and not found.steps["asked"].results


def test_long_values_are_cut_in_messages() -> None:
    lines = error_lines("no check " + "x" * 5000 + "\n" + "y" * 5000)
    assert len(lines) == 2 and all(len(line) < 1000 and line.endswith("…") for line in lines)


def test_results_of_a_bundle_in_which_no_process_says_what_it_is(tmp_path: Path) -> None:
    subject = Results(tmp_path)
    (document,) = subject.seeds
    for outcome in document["outcomes"]:
        for process in outcome["processes"]:
            process["events"] = [event for event in process["events"] if event["event"] != "hello"]
    ended = subject.ask(document)
    assert ended.code == 2 and "says what it is" in ended.err, ended
