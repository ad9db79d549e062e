"""Recipes for CI services: their files are valid, and their steps run as they stand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT, Ran, run

pytestmark = pytest.mark.alone

ACTION = ROOT / "action.yml"
CI = ROOT / "examples" / "ci"
RECIPES = [
    ("vendor.github-actions", ACTION),
    ("vendor.github-workflows", CI / "github.yml"),
    ("vendor.gitlab-ci", CI / "gitlab.yml"),
]
BIN = Path(sys.executable).parent


def _check(schema: str, file: Path) -> Ran:
    return run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file)


@pytest.mark.parametrize(("schema", "file"), RECIPES, ids=lambda value: getattr(value, "name", value))
def test_it_is_what_the_service_reads(schema: str, file: Path) -> None:
    ran = _check(schema, file)
    assert ran.code == 0, ran.text


@pytest.mark.parametrize(
    ("schema", "file", "right", "wrong"),
    [
        (*RECIPES[0], "using: composite", "using: [composite]"),
        (*RECIPES[1], "runs-on:", "runs_on:"),
        (*RECIPES[2], "when: always", "when: sometimes"),
    ],
)
def test_what_it_does_not_read_is_seen(
    schema: str, file: Path, right: str, wrong: str, tmp_path: Path
) -> None:
    text = file.read_text()
    assert right in text
    (tmp_path / "wrong.yml").write_text(text.replace(right, wrong, 1))
    assert _check(schema, tmp_path / "wrong.yml").code != 0


@pytest.fixture
def project(models: Path, tmp_path: Path) -> Path:
    """A repository with a suite, of which one artifact has changed since the last commit."""
    suite = 'verify = { level = "quick" }\ncompare = { base = "released/{name}", max_time = 3 }\n'
    suite += '[[artifacts]]\npath = "models/*.pt"\ncompare = { max_regression = "50%" }\n'
    (tmp_path / "tsharness.toml").write_text(suite)
    for folder in ("models", "released"):
        (tmp_path / folder).mkdir()
        for name in ("a", "b"):
            shutil.copy(models / "linear.pt", tmp_path / folder / f"{name}.pt")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "x")):
        assert run(*git, *arguments, cwd=tmp_path).code == 0
    shutil.copy(models / "script_method.pt", tmp_path / "models" / "a.pt")
    shutil.copy(models / "script_method.pt", tmp_path / "released" / "a.pt")
    return tmp_path


def _shell(script: str, folder: Path, **variables: str) -> Ran:
    """As GitHub runs a step whose shell is bash."""
    file = folder.parent / "step.sh"
    file.write_text(script)
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **variables}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(file)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def _step(name: str) -> dict[str, Any]:
    steps = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    return next(step for step in steps if step["name"] == name)


def _inputs(**stated: str) -> dict[str, str]:
    """The step's variables, with the inputs in the place of their expressions."""
    known = yaml.safe_load(ACTION.read_text())["inputs"]
    values = {name: stated.get(name.replace("-", "_"), one["default"]) for name, one in known.items()}
    found = {}
    for name, expression in _step("Gate")["env"].items():
        found[name] = values[expression.removeprefix("${{ inputs.").removesuffix(" }}")]
    return found


def _gate(project: Path, **stated: str) -> tuple[Ran, str, str]:
    summary, output = project.parent / "summary.md", project.parent / "output.txt"
    for file in (summary, output):
        file.write_text("")
    files = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output), "GITHUB_ACTIONS": "true"}
    ran = _shell(_step("Gate")["run"], project, **files, **_inputs(**stated))
    return ran, summary.read_text(), output.read_text()


def test_the_actions_gate_is_green(project: Path) -> None:
    ran, summary, output = _gate(project, commands="verify compare")
    assert ran.code == 0, ran.text
    assert output == "exit-code=0\n" and summary.count("2 of 2 pass") == 2
    names = {path.name for path in (project / "tsharness-reports").iterdir()}
    assert names == {f"{one}.{end}" for one in ("verify", "compare") for end in ("json", "xml", "md", "html")}


def test_the_actions_gate_is_red(project: Path, models: Path) -> None:
    shutil.copy(models / "conditional_traced.pt", project / "models" / "b.pt")
    ran, summary, output = _gate(project, commands="verify bench", options="--quiet")
    assert ran.code == 1 and output == "exit-code=1\n", ran.text
    assert "1 of 2 pass" in summary and "TS203" in summary
    assert "::error title=TS203,file=conditional.py" in ran.out


def test_the_actions_gate_looks_at_what_has_changed(project: Path) -> None:
    ran, _, _ = _gate(project, commands="verify", changed_since="HEAD", suite="tsharness.toml")
    assert ran.code == 0 and "1 of 2 artifacts have changed" in ran.err, ran.text
    (report,) = json.loads((project / "tsharness-reports" / "verify.json").read_text())["reports"]
    assert report["artifact"]["path"] == "models/a.pt"


def test_inputs_of_the_action_are_all_used() -> None:
    text = ACTION.read_text()
    for name in yaml.safe_load(text)["inputs"]:
        assert f"${{{{ inputs.{name} }}}}" in text


def test_the_gitlab_job_runs(project: Path) -> None:
    job = yaml.safe_load((CI / "gitlab.yml").read_text())["artifacts"]
    script = "\n".join(job["script"])
    ran = _shell(script, project, CI_MERGE_REQUEST_DIFF_BASE_SHA="HEAD")
    assert ran.code == 0, ran.text
    assert "1 of 2 artifacts have changed since HEAD" in ran.err
    assert {path.name for path in (project / "reports").glob("*.xml")} == {"verify.xml", "compare.xml"}


def test_the_shell_gate_runs_both_and_ends_red(project: Path, models: Path) -> None:
    shutil.copy(models / "conditional_traced.pt", project / "models" / "b.pt")
    ran = _shell((CI / "gate.sh").read_text(), project)
    assert ran.code == 1, ran.text
    assert (project / "reports" / "compare.html").exists() and (project / "reports" / "verify.md").exists()


def _pre_commit(project: Path, *files: str) -> Ran:
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(project.parent / "pre-commit"),
    }
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(ROOT), "tsharness-inspect", "--verbose"]
    return run(*command, "--files", *files, cwd=project, env=environment)


def test_the_pre_commit_hook_inspects(project: Path) -> None:
    ran = _pre_commit(project, "models/a.pt", "tsharness.toml")
    assert ran.code == 0 and "models/a.pt: " in ran.out and "tsharness.toml" not in ran.out, ran.text
    (project / "models" / "damaged.pt").write_bytes((project / "models" / "a.pt").read_bytes()[:-100])
    ran = _pre_commit(project, "models/damaged.pt")
    assert ran.code == 1 and "Failed" in ran.out, ran.text
