"""Reads a suite file into what is to be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from tsharness.errors import UsageError
from tsharness.suite.check import check, known
from tsharness.suite.schema_model import BenchSettings, CompareSettings, SuiteFile, VerifySettings
from tsharness.suite.toml import line_of, own_table, read_toml, wrong_pattern

NAME = "tsharness.toml"
SETTINGS: Mapping[str, type] = {
    "verify": VerifySettings,
    "bench": BenchSettings,
    "compare": CompareSettings,
}
_PATHS = ("cases", "load_library", "baseline", "base")


@dataclass(frozen=True)
class Entry:
    """One artifact on one target, for one command."""

    path: Path
    """Relative to the suite's folder."""
    target: str
    """Its name; empty if the suite has none."""
    settings: Mapping[str, Any]
    """By the name of the option."""

    @property
    def name(self) -> str:
        return f"{self.path} on {self.target}" if self.target else str(self.path)


@dataclass(frozen=True)
class Suite:
    """A suite file that was found in order."""

    file: Path
    document: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        return self.file.parent

    def entries(self, command: str) -> list[Entry]:
        """What the command has to do, in the order of the file; an artifact that two globs find counts
        once, with the settings of the last. Raises UsageError if nothing is found."""
        found: dict[tuple[Path, str], Entry] = {}
        for stated in self.document["artifacts"]:
            if command not in _texts(stated.get("commands", tuple(SETTINGS))):
                continue
            for path in self._paths(stated):
                for entry in self._on_targets(command, path, stated):
                    found[entry.path, entry.target] = entry
        entries = list(found.values())
        if command == "compare":
            entries = [entry for entry in entries if "base" in entry.settings]
        if not entries:
            hint = '; compare needs base, such as base = "released/{name}"' if command == "compare" else ""
            raise UsageError(f"{self.file}: no artifact for {command}{hint}")
        return entries

    def _paths(self, stated: Mapping[str, Any]) -> Iterator[Path]:
        excluded = {path for pattern in _texts(stated.get("exclude", ())) for path in self._found(pattern)}
        for pattern in _texts(stated["path"]):
            matches = self._found(pattern)
            if not matches:
                raise UsageError(f"{self.file}: '{pattern}' finds no file in {self.folder}")
            yield from (path.relative_to(self.folder) for path in matches if path not in excluded)

    def _found(self, pattern: str) -> list[Path]:
        try:
            return sorted(path for path in self.folder.glob(pattern) if path.is_file())
        except OSError as error:
            raise UsageError(f"{self.file}: '{pattern}': {error.strerror}") from None

    def _on_targets(self, command: str, path: Path, stated: Mapping[str, Any]) -> Iterator[Entry]:
        targets = self.document.get("targets", {})
        names = _texts(stated.get("targets", tuple(targets))) or ("",)
        for name in names:
            settings = {
                **self.document.get(command, {}),
                **targets.get(name, {}),
                **stated.get(command, {}),
            }
            places = {"name": path.name, "stem": path.stem, "target": name or "cpu"}
            for key in set(_PATHS) & set(settings):
                settings[key] = [_filled(one, places, self.file) for one in _texts(settings[key])]
                settings[key] = settings[key] if key == "load_library" else settings[key][0]
            yield Entry(path, name, settings)


def find_suite(start: Path) -> Suite:
    """The nearest suite file in the folder or above. Raises UsageError if there is none."""
    for folder in (start, *start.parents):
        if (folder / NAME).is_file():
            return read_suite(folder / NAME)
        project = folder / "pyproject.toml"
        if project.is_file() and own_table(read_toml(project)[1]):
            return read_suite(project)
    raise UsageError(
        f"no artifact was named, and there is no {NAME} here or above.\n"
        "Name a file, or let `tsharness init` write a suite file"
    )


def read_suite(file: Path) -> Suite:
    """Raises UsageError for what a suite file cannot say, with what was probably meant."""
    text, document = read_toml(file)
    if file.name == "pyproject.toml":
        document = own_table(document)
    check(document, SuiteFile, str(file))
    for number, artifact in enumerate(document["artifacts"], 1):
        where = f"artifacts {number}"
        for name in _texts(artifact.get("commands", ())):
            known(name, SETTINGS, f"{file}: {where}: commands")
        for name in _texts(artifact.get("targets", ())):
            known(name, document.get("targets", {}), f"{file}: {where}: targets")
        for key in ("path", "exclude"):
            for pattern in _texts(artifact.get(key, ())):
                wrong = wrong_pattern(pattern)
                if wrong:
                    at = f"{file}{line_of(text, number, key)}: {where}"
                    raise UsageError(f"{at}: {key} = {pattern!r:.80}: {wrong}")
    return Suite(file, document)


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _filled(text: str, places: Mapping[str, str], file: Path) -> str:
    """Names alone: a format could ask for their attributes, or for a million blanks."""
    try:
        parts = list(Formatter().parse(text))
        if any(name is not None and (name not in places or spec or way) for _, name, spec, way in parts):
            raise ValueError(text)
    except ValueError:
        raise UsageError(f"{file}: '{text}': expected only {{name}}, {{stem}} and {{target}}") from None
    return "".join(literal + (places[name] if name else "") for literal, name, _, _ in parts)
