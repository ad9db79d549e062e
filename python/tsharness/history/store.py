"""The file: SQLite, one table of runs and one of figures."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tsharness.errors import UsageError
from tsharness.printable import one_line

FILE = "history.sqlite"
"""In a folder, if a folder is named."""
_VERSION = 1
_TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, created TEXT NOT NULL, tsharness TEXT NOT NULL,
    command TEXT NOT NULL, exit_code INTEGER NOT NULL, revision TEXT NOT NULL, document TEXT NOT NULL
);
CREATE TABLE figures (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, artifact TEXT NOT NULL, machine TEXT NOT NULL,
    name TEXT NOT NULL, value REAL NOT NULL
);
CREATE INDEX figures_series ON figures (artifact, machine, name, run);
"""


@dataclass(frozen=True)
class Figure:
    """A number of a run."""

    artifact: str
    machine: str
    """Processor, device and threads: figures of different machines are never mixed."""
    name: str
    """"median of case one", "load", "verdict", ..."""
    value: float
    """Seconds or bytes; of a verdict, the exit code."""


@dataclass(frozen=True)
class Stored:
    """A run in the file, without its document."""

    created: str
    revision: str
    """Of the repository that it ran in; empty if there was none."""
    exit_code: int


@dataclass(frozen=True)
class Series:
    """A figure over time."""

    artifact: str
    machine: str
    name: str
    runs: tuple[Stored, ...]
    values: tuple[float, ...]


class Store:
    """An open file; see ``open_store``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(
        self, run: Stored, command: str, tsharness: str, document: str, figures: Sequence[Figure]
    ) -> bool:
        """False if the same document is in it already."""
        from hashlib import sha256

        digest = sha256(document.encode()).hexdigest()
        told = map(one_line, (run.created, tsharness, command))
        with self._connection as transaction:
            cursor = transaction.execute(
                "INSERT OR IGNORE INTO runs"
                " (sha256, created, tsharness, command, exit_code, revision, document)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (digest, *told, run.exit_code, one_line(run.revision), document),
            )
            if cursor.rowcount == 0:
                return False
            names = [map(one_line, (figure.artifact, figure.machine, figure.name)) for figure in figures]
            rows = [(cursor.lastrowid, *of, f.value) for of, f in zip(names, figures, strict=True)]
            transaction.executemany("INSERT INTO figures VALUES (?, ?, ?, ?, ?)", rows)
        return True

    def series(self) -> Iterator[Series]:
        """All of them, each in the order of time."""
        rows = self._connection.execute(
            "SELECT artifact, machine, name, created, revision, exit_code, value FROM figures"
            " JOIN runs ON runs.id = figures.run ORDER BY artifact, machine, name, created, runs.id"
        )
        found: dict[tuple[str, str, str], list[tuple[Stored, float]]] = {}
        for artifact, machine, name, created, revision, exit_code, value in rows:
            point = (Stored(created, revision, exit_code), value)
            found.setdefault((artifact, machine, name), []).append(point)
        for (artifact, machine, name), points in found.items():
            runs, values = zip(*points, strict=True)
            yield Series(artifact, machine, name, runs, values)

    def runs(self) -> int:
        """How many there are."""
        return int(self._connection.execute("SELECT count(*) FROM runs").fetchone()[0])

    def documents(self) -> Iterator[str]:
        """What was appended, oldest first."""
        rows = self._connection.execute("SELECT document FROM runs ORDER BY created, id")
        yield from (str(document) for (document,) in rows)


@contextmanager
def open_store(path: Path, *, create: bool) -> Iterator[Store]:
    """The file, or ``history.sqlite`` in the folder. Several may append at once: each waits for the other.
    Raises UsageError if there is none, or it is none."""
    file = path / FILE if path.is_dir() or (create and not path.suffix) else path
    if not create and not file.is_file():
        raise UsageError(f"there is no history at {file}; begin one with --add RUN.json, or bench --history")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=30)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            _prepare(connection, file)
            yield Store(connection)
    except (sqlite3.Error, OSError) as error:
        raise UsageError(f"cannot use {file} as a history: {error}") from None


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    with connection as transaction:
        transaction.execute("BEGIN IMMEDIATE")
        (version,) = transaction.execute("PRAGMA user_version").fetchone()
        (others,) = transaction.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version == 0 and others:
            raise UsageError(f"{file} is the database of another program; name a file for the history alone")
        if version == 0:
            for statement in filter(str.strip, _TABLES.split(";")):
                transaction.execute(statement)
            transaction.execute(f"PRAGMA user_version = {_VERSION}")
        elif version != _VERSION:
            raise UsageError(f"{file} was written by another tsharness (version {version} of the history)")


def as_text(document: dict[str, object]) -> str:
    """As it is kept."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True)
