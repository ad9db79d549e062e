"""What ``tsharness migrate`` says of the healthy models, and whether a file that it calls SAFE is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import BIN

from tsharness.migration.options import SUFFIXES
from verdict_models.making import Files, Healthy
from verdict_models.trying import write_trials
from verdict_models.verifying import answer

TARGETS = tuple(SUFFIXES)


@dataclass(frozen=True)
class Migration:
    """One model to one target."""

    name: str
    to: str
    verdict: str
    """"safe", "differs", "unproved", "blocked", or the exit code."""
    said: str
    """Why it is not safe; of a safe one, by how many trials it was tried."""
    right: bool
    """False of one that is called safe, and then differs."""


def migration(model: Healthy, files: Files, to: str) -> Migration:
    """Converts, and tries what is called safe. Nobody needs views: AOTInductor's callers promise so."""
    new = files.artifact.with_suffix(SUFFIXES[to])
    report_file = files.artifact.with_name("migrated.json")
    command: list[str | Path] = [BIN / "tsharness", "migrate", files.artifact, "--to", to, "-o", new]
    command += ["--compare-time", "0", "--json", report_file]
    command += ["--contiguous"] if to == "aoti" else []
    command += ["--cases", files.cases] if model.how != "export" else []
    said = answer(command, report_file)
    verdict = str(said.report.get("verdict", f"exit code {said.code}"))
    if verdict != "safe" or said.code != 0:
        return Migration(model.name, to, verdict, str(said.report.get("reason") or said.line), True)
    wrong, tried = _tried(model, files, new, to)
    return Migration(model.name, to, "SAFE, but differs" if wrong else "safe", wrong or tried, not wrong)


def _tried(model: Healthy, files: Files, new: Path, to: str) -> tuple[str, str]:
    """How the new file differs from the old one; empty if it does not; and how often they were compared."""
    trials = files.artifact.with_name("trials.cases.safetensors")
    count = write_trials(files.artifact, model.examples(), trials, contiguous=to == "aoti")
    if not count:
        return "", "no trials"
    report_file = files.artifact.with_name("tried.json")
    command: list[str | Path] = [BIN / "tsharness", "verify", new, "--cases", trials, "--level", "quick"]
    said = answer([*command, "--json", report_file], report_file)
    failing = ", ".join(said.failing)
    return (f"{failing}: {said.line}" if said.code else ""), f"{count} trials"


def counts(migrations: Sequence[Migration]) -> Iterator[tuple[str, int, int, int, int]]:
    """By target: safe, not safe, cannot, and safe but differs."""
    for to in dict.fromkeys(one.to for one in migrations):
        found = Counter(_class(one) for one in migrations if one.to == to)
        yield to, found["safe"], found["not safe"], found["cannot"], found["wrong"]


def _class(one: Migration) -> str:
    if not one.right:
        return "wrong"
    if one.verdict == "safe":
        return "safe"
    return "not safe" if one.verdict in ("differs", "unproved") else "cannot"


def by_model(migrations: Sequence[Migration]) -> Mapping[str, Mapping[str, Migration]]:
    """For the rows of a table."""
    rows: dict[str, dict[str, Migration]] = {}
    for one in migrations:
        rows.setdefault(one.name, {})[one.to] = one
    return rows
