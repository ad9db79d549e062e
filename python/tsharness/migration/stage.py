"""What is known of one stage of a conversion; written by the process that converts, read by the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tsharness.report.model import Finding
from tsharness.verdict import Verdict


@dataclass(frozen=True)
class Divergence:
    """The first operator whose values a stage does not have any more."""

    operator: str
    """As the stage before calls it: "aten.gelu.default"."""
    source: str
    """File and line of the user's code, or of the archive's; empty if unknown."""
    became: str
    """What computes from the same inputs in the stage that differs; empty where it cannot be looked into."""
    number: int
    """Its place among the operators of the stage before, from 0."""
    operators: int
    """That the stage before has."""
    max_abs: float | None = None
    """Difference of its value, where there is one that can be compared."""


@dataclass(frozen=True)
class Stage:
    """A form of the model on its way, with all cases run on it."""

    name: str
    verdict: Verdict
    """ERROR: it could not be made, or does not run."""
    max_abs: float | None = None
    """Largest difference from the reference, over all cases."""
    where: str = ""
    """Output and case of it."""
    reason: str = ""
    """Why it is not in order; empty if it is."""
    failed: tuple[str, ...] = ()
    """Cases that differ or do not run."""
    seconds: float = 0.0
    """Of making it and running the cases."""
    divergence: Divergence | None = None


@dataclass(frozen=True)
class Construct:
    """Something that cannot be converted."""

    what: str
    """The operator or the statement."""
    where: str
    """File and line; empty if unknown."""
    text: str
    """The line itself."""
    why: str
    do: str
    """The change that helps."""


@dataclass(frozen=True)
class Baked:
    """Something of the sample that became part of the new file."""

    what: str
    """ "constant": a value that is no tensor; "strides": how a tensor lies in memory."""
    input: str
    value: str
    """In words: "3", "(16, 1)"."""
    cases: tuple[str, ...]
    """That have another."""


@dataclass(frozen=True)
class Conversion:
    """What the converting process found."""

    stages: tuple[Stage, ...]
    constructs: tuple[Construct, ...] = ()
    written: bool = False
    """Whether there is a file."""
    notes: tuple[Finding, ...] = ()
    """What a reader should know: dims that became fixed, cases that were left out."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Of the conversion, in words: the converter, the dims that stayed dynamic."""
    baked: tuple[Baked, ...] = ()
    state: tuple[str, ...] = ()
    """Buffers that forward writes to."""
    uncaged: str = ""
    """What the cage of the converting process lacked, in words."""
