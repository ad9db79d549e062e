"""Which entries of a suite a change touches."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tsharness.artifact.archive import cases_beside
from tsharness.errors import UsageError
from tsharness.suite.read import Entry, Suite

_FILES = ("cases", "base", "baseline", "load_library", "reference")


def changed_entries(suite: Suite, entries: list[Entry], revision: str) -> list[Entry]:
    """Those whose artifact, cases, base, libraries or reference differ from the revision, in the work tree;
    all of them if the suite file does. Raises UsageError if git cannot tell."""
    changed = _changed_files(suite.folder, revision)
    if suite.file.resolve() in changed:
        return entries
    return [entry for entry in entries if _files_of(suite.folder, entry) & changed]


def _files_of(folder: Path, entry: Entry) -> set[Path]:
    found = [entry.path, cases_beside(entry.path)]
    for key in _FILES:
        value = entry.settings.get(key, ())
        texts = (value,) if isinstance(value, str) else value
        found += [Path(str(text).split(":")[0]) for text in texts]
    return {(folder / path).resolve() for path in found}


def _changed_files(folder: Path, revision: str) -> set[Path]:
    """Tracked ones that differ, and those that git does not know yet."""
    top = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    names = _git(folder, "diff", "--name-only", "-z", "--end-of-options", revision, "--")
    names += _git(top, "ls-files", "--others", "--exclude-standard", "-z")
    return {(top / name).resolve() for name in names.split("\0") if name}


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise UsageError("--changed-since asks git, which is not installed") from None
    if done.returncode != 0:
        said = next(iter(done.stderr.strip().splitlines()), "no reason given")
        raise UsageError(f"--changed-since: git says: {said}")
    return done.stdout
