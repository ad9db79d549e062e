"""What the installed command says of one artifact, and whether that is right."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import BIN

from tsharness.errors import TsharnessError
from verdict_models.making import Defect, Files, Healthy, made, planted

_SECONDS = 600
_WORDS = ("PASS", "FAIL", "ERROR", "INCONCLUSIVE", "REFUSED")
_ITS_OWN = (1, 3, 5, 6)
"""Exit codes that say something of the artifact, with a report or without one: not usage, a refusal, or the
environment."""


@dataclass(frozen=True)
class Said:
    """One command's answer."""

    code: int
    line: str
    """The verdict line, or the first line of the error."""
    report: Mapping[str, Any]

    @property
    def failing(self) -> list[str]:
        """Checks that are not in order."""
        checks = self.report.get("checks", ())
        return [one["id"] for one in checks if one["verdict"] in ("fail", "error", "inconclusive")]

    @property
    def codes(self) -> list[str]:
        return sorted({one["code"] for one in self.report.get("findings", ())})


@dataclass(frozen=True)
class Outcome:
    """One row."""

    name: str
    kind: str
    verdict: str
    said: str
    """What spoke: checks, findings, or the error."""
    right: bool


Verify = Callable[[Path, Path | None], Said]


def verified(artifact: Path, cases: Path | None = None) -> Said:
    """``tsharness verify``, told nothing but where the cases are."""
    command: list[str | Path] = [
        BIN / "tsharness",
        "verify",
        artifact,
        "--json",
        artifact.parent / "said.json",
    ]
    command += ["--cases", cases] if cases is not None else []
    return answer(command, artifact.parent / "said.json")


def answer(command: Sequence[str | Path], json_file: Path) -> Said:
    """Runs a command that leaves its report in that file."""
    json_file.unlink(missing_ok=True)
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    lines = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
    told = [line for line in lines if line.split(" ", 1)[0] in _WORDS]
    reports = json.loads(json_file.read_text()).get("reports", ()) if json_file.exists() else ()
    return Said(done.returncode, (told or lines or [""])[0], reports[0] if reports else {})


def healthy_outcome(model: Healthy, folder: Path, verify: Verify = verified) -> tuple[Outcome, Files | None]:
    """A pass is right, whatever is noted besides."""
    try:
        files = made(model, folder)
    except TsharnessError as error:
        said = str(error).strip().splitlines()[0]
        return Outcome(model.name, model.kind, "not exported", said, False), None
    inside = model.how == "export"
    said = verify(files.artifact, None if inside else files.cases)
    right = said.code == 0 and said.report.get("verdict") == "pass"
    return Outcome(model.name, model.kind, _verdict(said), _noted(said), right), files


def defect_outcome(defect: Defect, model: Healthy, files: Files, verify: Verify = verified) -> Outcome:
    """Silence is wrong, but where it is explained."""
    said = verify(planted(defect, model, files.artifact.parent), files.cases)
    words = [word for word in defect.said if _has(said, word)]
    seen = said.code in _ITS_OWN or bool(said.failing) or (said.code == 0 and bool(words))
    told = _noted(said) if said.code else ", ".join(words)
    if not seen and defect.exception:
        told = f"cannot be seen: {defect.exception}"
    return Outcome(defect.name, defect.kind, _verdict(said), told, seen or bool(defect.exception))


def _verdict(said: Said) -> str:
    return str(said.report.get("verdict", f"exit code {said.code}")).upper()


def _noted(said: Said) -> str:
    """What speaks besides the verdict; of an error its own words."""
    if said.code and not said.failing and not said.codes:
        return said.line
    return ", ".join([*said.failing, *said.codes])


def _has(said: Said, word: str) -> bool:
    """Whether the report holds a code, or a check's message that has these words."""
    name, _, text = word.partition(": ")
    if not text:
        return name in said.codes
    return any(one["id"] == name and text in one["message"] for one in said.report.get("checks", ()))


def silent(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Names of those that were judged wrongly."""
    return (one.name for one in outcomes if not one.right)
