"""How to export: all settled before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsharness.cases.dims import Dynamic
from tsharness.errors import UsageError
from tsharness.exporting.convert import METHODS
from tsharness.exporting.families import KINDS

DTYPES = ("float16", "bfloat16")
FORMATS = ("torchscript", "lite")
MAX_CASE_BYTES = 64_000_000


@dataclass(frozen=True)
class ExportOptions:
    """See ``tsharness.export`` for what each means to a user."""

    method: str = "auto"
    dynamic: Dynamic | None = None
    """``None``: dims that differ between the examples."""
    fixed: tuple[str, ...] = ()
    """Names of inputs whose sizes never change. Others that nobody declared are tried at other sizes."""
    families: tuple[str, ...] = ("all",)
    """"all", or kinds and names of families; empty for none."""
    format: str = "torchscript"
    """Or "lite": with bytecode for the lite interpreter, which then verifies it."""
    train: bool = False
    dtype: str | None = None
    device: str | None = None
    freeze: bool = False
    optimize_for_inference: bool = False
    stages: bool = False
    """Compare after every stage, not only where one was asked for or the self-check failed."""
    tolerance: Mapping[str, Any] = field(default_factory=dict)
    calls: int = 2
    """Of each example in the self-check: the second runs what the executor made of the first. Families come
    after the examples, and are called once, by what the executor has made by then."""
    max_case_bytes: int = MAX_CASE_BYTES
    extra_files: Mapping[str, bytes] = field(default_factory=dict)
    """By name, what goes into the archive besides (torch's ``_extra_files``)."""
    force: bool = False
    timeout: float = 600.0
    memory_limit: int | None = None

    def __post_init__(self) -> None:
        if self.method not in ("auto", *METHODS):
            raise UsageError(f"method '{self.method}' is not one of auto, {', '.join(METHODS)}")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise UsageError(f"dtype '{self.dtype}' is not one of {', '.join(DTYPES)}")
        if self.format not in FORMATS:
            raise UsageError(f"format '{self.format}' is not one of {', '.join(FORMATS)}")
        if self.max_case_bytes < 0:
            raise UsageError(f"max_case_bytes must be at least 0, got {self.max_case_bytes}")
        for name in self.extra_files:
            check_extra_name(name)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods to try."""
        return METHODS if self.method == "auto" else (self.method,)

    def wants(self, family: str, kind: str) -> bool:
        """Whether a family was chosen: by its kind, its name, or what stands before "="."""
        own = family.rpartition("/")[2]
        return any(wanted in ("all", kind, family, own, own.partition("=")[0]) for wanted in self.families)


def check_extra_name(name: str) -> None:
    """Raises UsageError for what cannot be the name of an extra file, or is one of our own."""
    parts = name.split("/")
    if not name or not name.isprintable() or "\\" in name or any(part in ("", ".", "..") for part in parts):
        raise UsageError(f"extra file {name!r}: expected a plain relative name, such as labels.json")
    if parts[0] == "tsharness":
        raise UsageError(f"extra file '{name}': names that begin with tsharness/ are this program's own")


def read_extra_files(texts: Sequence[str]) -> dict[str, bytes]:
    """Reads ``--extra-file NAME=PATH``, each with what the file holds. Raises UsageError."""
    found: dict[str, bytes] = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not name or not path:
            raise UsageError(
                f"--extra-file '{text}': expected NAME=PATH, such as labels.json=data/labels.json"
            )
        if name in found:
            raise UsageError(f"--extra-file: '{name}' is stated twice")
        try:
            found[name] = Path(path).read_bytes()
        except OSError as error:
            raise UsageError(f"--extra-file '{text}': {path} cannot be read: {error.strerror}") from None
    return found


def parse_families(text: str) -> tuple[str, ...]:
    """Reads ``--families``: "all", "none", or names and kinds between commas. Raises UsageError."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names:
        raise UsageError(f"--families needs all, none, or some of {', '.join(KINDS)}, zeros, ones, ...")
    return () if names == ("none",) else names
