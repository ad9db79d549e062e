"""The suite file: artifacts, targets, settings, and the commands without arguments."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT, heed_interrupts, in_terminal, run, running_runners, tsharness
from tsharness.errors import UsageError
from tsharness.suite.check import check
from tsharness.suite.read import SETTINGS, read_suite
from tsharness.suite.schema_model import SuiteFile

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

QUICK = 'verify = { level = "quick", calls = 2 }\n'


@pytest.fixture
def folder(models: Path, tmp_path: Path) -> Path:
    """With two artifacts that pass and one that does not."""
    (tmp_path / "models").mkdir()
    for name, source in (("a", "linear"), ("b", "conditional"), ("bad", "conditional_traced")):
        shutil.copy(models / f"{source}.pt", tmp_path / "models" / f"{name}.pt")
    return tmp_path


@pytest.fixture
def suite(folder: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        (folder / "tsharness.toml").write_text(text)
        return folder

    return write


def _reports(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text())["reports"])


def _names(path: Path) -> list[str]:
    return [report["artifact"]["path"] for report in _reports(path)]


def test_a_suite_is_verified(suite: Callable[[str], Path]) -> None:
    where = suite(QUICK + '[[artifacts]]\npath = "models/*.pt"\n')
    ran = tsharness("verify", "--json", "run.json", "--junit", "run.xml", cwd=where)
    assert ran.code == 1, ran.text
    lines = ran.out.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith(("PASS", "FAIL"))] == [
        ["PASS", "models/a.pt"],
        ["PASS", "models/b.pt"],
        ["FAIL", "models/bad.pt"],
        ["FAIL", "verify:"],
    ]
    assert any("TS203" in line for line in lines) and "2 of 3 artifacts pass" in lines[-1]
    assert _names(where / "run.json") == ["models/a.pt", "models/b.pt", "models/bad.pt"]
    assert {len(case["seconds"]) for report in _reports(where / "run.json") for case in report["cases"]} == {
        2
    }


def test_from_a_folder_below_and_by_name(suite: Callable[[str], Path], tmp_path: Path) -> None:
    where = suite(QUICK + '[[artifacts]]\npath = "models/a.pt"\n')
    below = tsharness("verify", "--json", "here.json", cwd=where / "models")
    assert below.code == 0 and _names(where / "models" / "here.json") == ["models/a.pt"], below.text
    assert tsharness("verify", "--suite", where / "tsharness.toml", cwd="/").code == 0


def test_what_holds_for_one_wins_over_what_holds_for_all(suite: Callable[[str], Path]) -> None:
    where = suite("""
verify = { level = "quick", calls = 2, atol = 10 }
[[artifacts]]
path = "models/*.pt"
[[artifacts]]
path = "models/b.pt"
verify = { calls = 3, case = ["example"], rtol = { output = 0.5 } }
""")
    ran = tsharness("verify", "--json", "run.json", cwd=where)
    assert ran.code == 0, ran.text  # an atol of 10 lets everything pass
    by_name = {report["artifact"]["path"]: report for report in _reports(where / "run.json")}
    (case,) = by_name["models/b.pt"]["cases"]
    assert len(case["seconds"]) == 3 and case["outputs"][0]["rtol"] == 0.5
    assert len(by_name["models/a.pt"]["cases"][0]["seconds"]) == 2


def test_the_command_line_wins(suite: Callable[[str], Path]) -> None:
    where = suite('verify = { level = "quick", calls = 2 }\n[[artifacts]]\npath = "models/a.pt"\n')
    assert tsharness("verify", "--calls", "4", "--json", "run.json", cwd=where).code == 0
    (report,) = _reports(where / "run.json")
    assert len(report["cases"][0]["seconds"]) == 4


def test_targets(suite: Callable[[str], Path]) -> None:
    where = suite("""
verify = { level = "quick" }
targets = { one = { threads = 1 }, two = { threads = 2 } }
[[artifacts]]
path = "models/a.pt"
[[artifacts]]
path = "models/b.pt"
targets = "two"
""")
    ran = tsharness("verify", "--json", "run.json", cwd=where)
    assert ran.code == 0, ran.text
    seen = [(r["artifact"]["path"], r["runner"]["threads"]) for r in _reports(where / "run.json")]
    assert seen == [("models/a.pt", 1), ("models/a.pt", 2), ("models/b.pt", 2)]
    assert "models/a.pt on one" in ran.out
    again = tsharness("report", "run.json", "--junit", "-", cwd=where)
    assert 'name="verify models/a.pt on cpu, 1 thread, ' in again.out
    assert 'name="verify models/b.pt"' in again.out


def test_several_at_once_say_the_same_in_the_same_order(suite: Callable[[str], Path]) -> None:
    where = suite(QUICK + '[[artifacts]]\npath = "models/*.pt"\n')
    ran = tsharness("verify", "-j", "3", "--json", "run.json", cwd=where)
    assert ran.code == 1, ran.text
    assert _names(where / "run.json") == ["models/a.pt", "models/b.pt", "models/bad.pt"]
    assert [report["exit_code"] for report in _reports(where / "run.json")] == [0, 0, 1]


@pytest.mark.alone
@pytest.mark.parametrize("jobs", ["1", "3"])
def test_an_interrupt_leaves_what_there_is(suite: Callable[[str], Path], jobs: str) -> None:
    where = suite('verify = { level = "quick", calls = 2000000 }\n[[artifacts]]\npath = "models/*.pt"\n')
    process = subprocess.Popen(
        [Path(sys.executable).parent / "tsharness", "verify", "-j", jobs, "--json", "run.json"],
        cwd=where,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    )
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err and "INCOMPLETE" in out
    document = json.loads((where / "run.json").read_text())
    assert document["incomplete"] and document["exit_code"] == 130
    assert len(document["reports"]) == int(jobs)
    assert not running_runners()


@pytest.mark.alone
def test_bench_of_a_suite(suite: Callable[[str], Path]) -> None:
    where = suite("""
bench = { min_time = 0.1, processes = 2, case = "example", budget = { p50 = "1s", size = "1GB" } }
[[artifacts]]
path = "models/a.pt"
bench = { sweep = ["threads=1,2"] }
[[artifacts]]
path = "models/b.pt"
bench = { budget = "size=10B" }
[[artifacts]]
path = "models/bad.pt"
commands = ["verify"]
""")
    ran = tsharness("bench", "--json", "run.json", cwd=where)
    assert ran.code == 4, ran.text
    first, second = _reports(where / "run.json")
    assert [one["parameters"] for one in first["latencies"]] == [{"threads": 1}, {"threads": 2}]
    assert first["exit_code"] == 0 and second["exit_code"] == 4
    assert tsharness("bench", "--plot", "x.png", cwd=where).code == 2


@pytest.mark.alone
def test_compare_of_a_suite(suite: Callable[[str], Path]) -> None:
    where = suite("""
compare = { base = "released/{name}", max_time = 6, max_regression = "50%" }
[[artifacts]]
path = ["models/a.pt", "models/b.pt"]
""")
    (where / "released").mkdir()
    shutil.copy(where / "models" / "a.pt", where / "released" / "a.pt")
    ran = tsharness("compare", "--json", "run.json", cwd=where)
    assert ran.code == 5, ran.text  # b has never been released
    document = json.loads((where / "run.json").read_text())
    (report,), (error,) = document["reports"], document["errors"]
    assert report["base"]["path"] == "released/a.pt" and report["exit_code"] == 0
    assert "released/b.pt" in error["message"]


@pytest.mark.alone
@pytest.mark.parametrize(
    "command", [("verify",), ("verify", "-j", "2"), ("bench",), ("compare", "--max-time", "6")], ids=" ".join
)
def test_a_bar_says_where_it_is(suite: Callable[[str], Path], command: tuple[str, ...]) -> None:
    where = suite("""
verify = { level = "quick", calls = 4000 }
bench = { min_time = 0.2, processes = 2, case = "example" }
compare = { base = "released/{name}", max_regression = "50%" }
[[artifacts]]
path = "models/[ab].pt"
""")
    shutil.copytree(where / "models", where / "released")
    text = "\n".join(in_terminal(list(command), 100, cwd=where, watched=True))
    assert "Traceback" not in text and "2 of 2 artifacts pass" in text, text
    assert "0/2 artifacts" in text and "1/2 artifacts" in text
    assert re.search(r"models/[ab]\.pt: example", text), text  # of two at once, the one that spoke last


def test_only_what_has_changed(suite: Callable[[str], Path]) -> None:
    where = suite(QUICK + '[[artifacts]]\npath = "models/*.pt"\n')

    def git(*arguments: str) -> None:
        done = run("git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments, cwd=where)
        assert done.code == 0, done.text

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    options = ("--changed-since", "HEAD", "--json", "run.json")
    ran = tsharness("verify", *options, cwd=where)
    assert ran.code == 0 and "0 of 3 artifacts have changed since HEAD" in ran.err, ran.text
    shutil.copy(where / "models" / "a.pt", where / "models" / "b.pt")
    shutil.copy(where / "models" / "a.pt", where / "models" / "new.pt")
    assert tsharness("verify", *options, cwd=where).code == 0
    assert _names(where / "run.json") == ["models/b.pt", "models/new.pt"]
    (where / "tsharness.toml").write_text((where / "tsharness.toml").read_text() + "# more\n")
    ran = tsharness("verify", *options, cwd=where)
    assert ran.code == 1 and "4 of 4 artifacts" in ran.err
    wrong = tsharness("verify", "--changed-since", "--output=x", cwd=where)
    assert wrong.code == 2 and "git says" in wrong.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("artifacts = 3", "expected tables"),
        ("artifacts = [3]", "artifacts 1: expected a table"),
        ("[verify]", "'artifacts' is missing"),
        ('[[artifact]]\npath = "a.pt"', "did you mean 'artifacts'?"),
        ('[[artifacts]]\npaht = "a.pt"', "did you mean 'path'?"),
        ('[[artifacts]]\npath = "a.pt"\nverify = { levle = "quick" }', "did you mean 'level'?"),
        ('[[artifacts]]\npath = "nothing*.pt"', "finds no file"),
        ('[[artifacts]]\npath = "models/a.pt"\ncommands = ["verfy"]', "did you mean 'verify'?"),
        ('[[artifacts]]\npath = "models/a.pt"\ntargets = ["gpu"]', "no 'gpu'"),
        (
            '[[artifacts]]\npath = "models/a.pt"\nverify = { calls = "many" }',
            "calls = 'many': expected a whole number",
        ),
        ('[[artifacts]]\npath = "models/a.pt"\nverify = { level = "slow" }', "level 'slow'"),
        ('verify = { calls = true }\n[[artifacts]]\npath = "models/a.pt"', "expected a whole number"),
        ("[[artifacts]]\npath = 3", "path = 3: expected a text or a list"),
        ('targets = 1\n[[artifacts]]\npath = "models/a.pt"', "targets: expected a table"),
        ('[[artifacts]]\npath = "models/a.pt"\nverify = { calls = 0 }', "calls = 0"),
        ('[[artifacts]]\npath = "models/a.pt"\nverify = { cases = "{nmae}.s" }', "expected only {name}"),
        ("verify = ", "tsharness.toml"),
    ],
)
def test_what_a_suite_cannot_say(suite: Callable[[str], Path], text: str, said: str) -> None:
    ran = tsharness("verify", cwd=suite(text))
    assert ran.code == 2, ran.text
    assert any(part in ran.text for part in said.split("|")) and "Traceback" not in ran.text


_MANY = 1_000
_DEEP = ("[" * _MANY + "]" * _MANY, "{a = " * _MANY + "1" + "}" * _MANY)
_ARTIFACT = '[[artifacts]]\npath = "a.pt"\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        *(
            (f"{_ARTIFACT}{key} = {deep}", 3)
            for key in ("exclude", "targets", "verify", "x")
            for deep in _DEEP
        ),
        *((f"{_ARTIFACT}[verify]\nrtol = {deep}", 4) for deep in _DEEP),
        *((f"[[artifacts]]\npath = {deep}", 2) for deep in _DEEP),
        (f"{_ARTIFACT}exclude{'.a' * _MANY} = 1", 3),
        (f"{_ARTIFACT}[verify]\nrtol{'.a' * _MANY} = 1", 4),
        (f"{_ARTIFACT}[verify{'.a' * _MANY}]\nb = 1", 3),
        (f'[[artifacts]]\npath = "{"a/" * _MANY}"', 2),
        (f'[[artifacts]]\npath = "{"*/" * _MANY}"', 2),
        ('[[artifacts]]\npath = ""', 2),
        ('[[artifacts]]\npath = ["a.pt", ""]', 2),
        ('artifacts = [\n  {path = "a.pt"},\n  {path = ""},\n]', 3),
        (f'{_ARTIFACT}exclude = ""', 3),
        (f'{_ARTIFACT}exclude = ["."]', 3),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"")
    (tmp_path / "tsharness.toml").write_text(text)
    with pytest.raises(UsageError, match=rf"tsharness\.toml:{line}: "):
        read_suite(tmp_path / "tsharness.toml")


def test_no_suite_at_all(tmp_path: Path) -> None:
    ran = tsharness("verify", cwd=tmp_path)
    assert ran.code == 2 and "tsharness init" in ran.err
    ran = tsharness("compare", cwd=tmp_path)
    assert ran.code == 2 and "tsharness init" in ran.err


def test_a_project_file_holds_it_too(folder: Path) -> None:
    text = (
        '[tool.tsharness]\nverify = { level = "quick" }\n[[tool.tsharness.artifacts]]\npath = "models/a.pt"\n'
    )
    (folder / "pyproject.toml").write_text(text)
    ran = tsharness("verify", cwd=folder)
    assert ran.code == 0 and "1 of 1 artifacts pass" in ran.out, ran.text


def test_init_writes_what_is_there(folder: Path) -> None:
    (folder / "released").mkdir()
    for name in ("a", "b", "bad"):
        shutil.copy(folder / "models" / "a.pt", folder / "released" / f"{name}.pt")
    (folder / "models" / "weights.pt").write_bytes(b"no archive")
    (folder / ".hidden").mkdir()
    shutil.copy(folder / "models" / "a.pt", folder / ".hidden" / "x.pt")
    ran = tsharness("init", cwd=folder)
    assert ran.code == 0, ran.text
    document = tomllib.loads((folder / "tsharness.toml").read_text())
    schema = json.loads((ROOT / "docs" / "suite.schema.json").read_text())
    jsonschema.validate(document, schema)
    (artifacts,) = document["artifacts"]
    assert artifacts["path"] == "models/*.pt" and artifacts["compare"]["base"] == "released/{name}"
    again = tsharness("init", cwd=folder)
    assert again.code == 2 and "--force" in again.err
    assert tsharness("init", "--force", cwd=folder).code == 0


def test_init_without_artifacts(tmp_path: Path) -> None:
    ran = tsharness("init", cwd=tmp_path)
    assert ran.code == 2 and "tsharness export" in ran.err and not list(tmp_path.iterdir())


_NOT_OF_A_SUITE = {
    "artifacts", "artifact", "base", "new", "suite", "changed_since", "jobs", "json", "junit", "markdown",
    "html", "sarif", "history", "quiet", "verbose", "no_color", "help", "save_outputs", "reduce", "repeat",
    "save_baseline", "plot", "samples", "trace", "runner_a", "runner_b",  # other spellings, the last
}  # fmt: skip


@pytest.mark.parametrize("command", SETTINGS)
def test_the_keys_are_the_commands_options(command: str) -> None:
    import typer

    from tsharness.cli.app import app

    group = typer.main.get_command(app)
    params = group.commands[command].params  # type: ignore[attr-defined]
    options = {
        name.lstrip("-").replace("-", "_") for param in params for name in param.opts if name[:2] != "-j"
    }
    options |= {"base"} if command == "compare" else set()
    keys = {field.name for field in fields(SETTINGS[command])}
    assert keys == (options - _NOT_OF_A_SUITE - {"q"}) | ({"base"} if command == "compare" else set())


def test_the_schema_refuses_what_the_reader_refuses(tmp_path: Path) -> None:
    schema = json.loads((ROOT / "docs" / "suite.schema.json").read_text())
    good = {"artifacts": [{"path": "a.pt", "verify": {"rtol": {"y": 0.1}, "case": ["a"]}}]}
    jsonschema.validate(good, schema)
    for bad in ({}, {"artifacts": [{}]}, {"artifacts": [{"path": "a.pt", "verify": {"levle": "quick"}}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
    with pytest.raises(UsageError):
        read_suite(tmp_path / "none.toml")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(["artifacts", "targets", "verify", "bench", "compare", "path", "rtol", "case", "x"])


@settings(derandomize=True, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES | st.lists(st.dictionaries(_KEYS, _VALUES, max_size=3), max_size=2)))
def test_any_document_is_right_or_refused(document: dict[str, Any]) -> None:
    """And the schema, which editors use, agrees with the reader."""
    schema = json.loads((ROOT / "docs" / "suite.schema.json").read_text())
    try:
        check(document, SuiteFile, "here")
    except UsageError:
        assert not jsonschema.Draft202012Validator(schema).is_valid(document)
    else:
        jsonschema.validate(document, schema)
