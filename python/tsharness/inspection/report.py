"""What ``inspect`` found, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tsharness.errors import VerificationFailed
from tsharness.report.model import SCHEMA_VERSION, Finding, from_dict, to_dict
from tsharness.report.notebook import repr_html
from tsharness.verdict import ExitCode, Verdict


@dataclass(frozen=True)
class OperatorUse:
    """An operator in the code."""

    name: str
    calls: int
    """Places in the code, not calls at run time."""
    kind: str
    """"pure", "random", "stateful", "prints", "file", "process", "unknown"."""


@dataclass(frozen=True)
class Method:
    """A method of the saved module."""

    name: str
    schema: str
    """As the code declares it."""


@dataclass(frozen=True)
class Module:
    """A module of the tree."""

    path: str
    """Empty for the saved one."""
    kind: str
    """Its class, without the package."""
    parameters: int
    """Elements of its own tensors."""
    bytes: Mapping[str, int]
    """Of its own tensors, by dtype."""


@dataclass(frozen=True)
class AskedLibTorch:
    """One whose operators the code was compared with."""

    name: str
    """As --runner has it; empty of the newest one that is known, which is taken where nothing is named."""
    libtorch: str


@dataclass(frozen=True)
class Inspection:
    """Everything that one ``inspect`` of one file found."""

    path: str
    size: int
    """Bytes."""
    kind: str
    """A name of artifact/kind.py."""
    what: str
    """In words."""
    sha256: str
    content_sha256: str | None
    """Of the logical content: records by name, without the cases. Renaming the file does not change it."""
    format_version: int | None
    readable_since: str | None
    """The first PyTorch that reads this format."""
    lowest_libtorch: str | None
    """The oldest of the known LibTorches that has every operator it uses."""
    methods: tuple[Method, ...]
    modules: tuple[Module, ...]
    operators: tuple[OperatorUse, ...]
    weights: Mapping[str, int]
    """Bytes of all storages, by dtype."""
    constants: int
    """Bytes of constants."""
    extra_files: Mapping[str, int]
    """Bytes, by name."""
    debug_lines: bool
    """Whether it keeps the lines of its source."""
    cases: bool
    """Whether it carries cases for ``verify``."""
    findings: tuple[Finding, ...]
    verdict: Verdict
    exit_code: ExitCode
    seconds: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What only files of another runtime than TorchScript's say of themselves (docs/kinds.md)."""
    triton: str | None = None
    """A config.pbtxt, if it was asked for."""
    asked: tuple[AskedLibTorch, ...] = ()
    """Whose operators it must do with; empty of a file that no LibTorch loads."""
    schema_version: int = SCHEMA_VERSION
    document: str = "inspection"

    @property
    def dangerous(self) -> bool:
        """Whether it was refused."""
        return self.exit_code is ExitCode.REFUSED

    def to_dict(self) -> dict[str, Any]:
        return dict(to_dict(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Inspection:
        return from_dict(cls, data)

    def _repr_html_(self) -> str:
        return repr_html(self)

    def raise_for_verdict(self) -> None:
        """Raises VerificationFailed, with the reason, unless the verdict is a pass."""
        if self.verdict is not Verdict.PASS:
            from tsharness.report.inspect_text import verdict_line

            raise VerificationFailed(verdict_line(self))
