"""A short run of tests/fuzz/documents.py, that it would notice, and what a suite file cannot say."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

from conftest import ROOT, tsharness

sys.path.insert(0, str(ROOT / "tests" / "fuzz"))

from documents import SUBJECTS, Ended, Subject, called, fuzz, mutated, text_of, wrong

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
        (f"a = 1\nx = {'[' * 1000}{']' * 1000}", "tsharness.toml:2: brackets inside brackets"),
        (f"x = {'{a=' * 1000}1{'}' * 1000}", "tsharness.toml:1: brackets inside brackets"),
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
