"""What to verify: the artifact, its cases and the options, all settled before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsharness.artifact.archive import BESIDE_SUFFIX, CASES_RECORD, cases_beside, embedded_cases, open_archive
from tsharness.cases.case_file import CaseDocument, CaseSummary
from tsharness.cases.input_spec import EXAMPLES
from tsharness.cases.safetensors_file import Location
from tsharness.cases.specs import InputCase
from tsharness.errors import ArtifactError, TsharnessError, UsageError
from tsharness.runner.cage import Sandbox
from tsharness.verification.accept import parse_accept
from tsharness.verification.checks.rule import CheckRule, Level

SELF_CHECK = ("integrity", "load", "no-python", "structure", "parity", "calls")
"""Checks that an artifact must pass before it gets its name; ``verify`` looks at more."""


@dataclass(frozen=True)
class VerifyOptions:
    """How to verify; the same for every artifact of one command."""

    cases: Path | None = None
    """A case file that wins over the artifact's own."""
    inputs: tuple[InputCase, ...] = ()
    """Inputs to be synthesized; the reference is then the artifact itself, run by Python."""
    method: str | None = None
    """For which inputs are sought where there are none; ``None``: ``forward``, or the first that there is."""
    reference: str | None = None
    """Whose outputs are right: ``MODULE:FACTORY`` of the eager model, another artifact (``.pt``), ``python``
    (the artifact, run by torch.jit), ``none``; ``None``: the cases' own, or ``python`` without cases."""
    only: tuple[str, ...] = ()
    """Names of the cases to run; all if empty."""
    kind: str | None = None
    """As what to run the artifact (docs/kinds.md); ``None``: as what it is."""
    device: str = "cpu"
    threads: int | None = None
    runner: str = "installed"
    """A name of the store of runners, or a path (docs/how-to/older-libtorch.md)."""
    host: str | None = None
    """A machine that ssh reaches, where the runner works (docs/how-to/bare-host.md); ``None``: here."""
    cpu_capability: str | None = None
    """The instructions that LibTorch may use: "default", "avx2" or "avx512"; ``None``: the best."""
    libraries: tuple[Path, ...] = ()
    """Of custom operators, loaded into the runner before the artifact."""
    calls: int = 5
    """How often each case is repeated, and compared."""
    calls_of: Mapping[str, int] = field(default_factory=dict)
    """By the name of a case, another number of repetitions."""
    allow_ops: tuple[str, ...] = ()
    """Dangerous operators that are meant (docs/security.md)."""
    sandbox: Sandbox = Sandbox.AUTO
    integrity: bool = True
    """Whether to read the file once more and check its bytes: not for one that was just written."""
    tolerance: Mapping[str, Any] = field(default_factory=dict)
    """``{"rtol", "atol", "exact", "outputs": {NAME: {...}}}``"""
    judged: str = ""
    """In words, why the tolerance is not that of the table; set by verification/environment.py."""
    level: Level = Level.STANDARD
    select: tuple[str, ...] = ()
    """Checks to run, by their ids; those of the level if empty."""
    ignore: tuple[str, ...] = ()
    """Checks to leave out."""
    revisit: bool = True
    """Whether to call each case again after all others (check "calls")."""
    cause: bool = True
    """Whether to look for the cause of a case's failure."""
    localize: bool = False
    """Whether to name the first operator that differs, when a case fails."""
    leak_limit: int = 1024
    """Bytes that a call may keep (check "memory")."""
    cold_start_limit: float = 10.0
    """Seconds that a call may take, the first one too (check "cold-start")."""
    save_outputs: Path | None = None
    """Where to keep the runner's outputs as cases."""
    compare_with: str | None = None
    """``MODULE:NAME`` of a function ``(actual, expected)`` that judges instead of the tolerance."""
    reduce: Path | None = None
    """Where to save the smallest part of the artifact that fails alike; asks for ``localize``."""
    float64: bool = False
    """Judge by a float64 run of the artifact instead of by the tolerance, where outputs have one."""
    float64_outputs: Path | None = None
    """The file of that run, once it was made."""
    timeout: float = 600.0
    """Seconds for the load, and for each case."""
    max_time: float | None = None
    """Seconds for cases and checks together; what does not fit is left out, and named."""
    memory_limit: int | None = None
    """Bytes of the runner's private memory; ``None``: what the machine has."""

    @property
    def caged(self) -> bool:
        """Whether the process may do nothing but its work (docs/security.md)."""
        return self.sandbox is not Sandbox.OFF

    @property
    def checks(self) -> tuple[CheckRule, ...]:
        """Raises UsageError for the name of a check that there is not."""
        from tsharness.verification.checks.catalogue import chosen_checks

        chosen = chosen_checks(self.level, self.select, self.ignore)
        asked = "topk" in self.tolerance or "decisions" in self.select
        return chosen if asked else tuple(rule for rule in chosen if rule.id != "decisions")


def tolerance_layer(
    rtol: float | Mapping[str, float] | None,
    atol: float | Mapping[str, float] | None,
    exact: bool,
    topk: int | None = None,
    accept: Sequence[str] = (),
) -> dict[str, Any]:
    """Tolerances as jobs carry them (docs/protocol.md): a number holds for all outputs, a mapping for
    those that it names; the name "" stands for all others. ``topk``: how many of the largest values are a
    classifier's decision; ``accept``: figures that decide instead (verification/accept.py). Raises
    UsageError."""
    if exact and (rtol is not None or atol is not None):
        raise UsageError("exact compares bits; it takes no rtol or atol")
    layer: dict[str, Any] = {"exact": True} if exact else {}
    if topk is not None:
        layer["topk"] = topk
    for key, stated in (("rtol", rtol), ("atol", atol)):
        by_name = stated if isinstance(stated, Mapping) else {} if stated is None else {"": stated}
        for name, value in by_name.items():
            if not 0 <= value < float("inf"):
                raise UsageError(f"{key} must be a number of at least 0, got {value}")
            target = layer.setdefault("outputs", {}).setdefault(name, {}) if name else layer
            target[key] = value
    for name, required in parse_accept(accept).items():
        target = layer.setdefault("outputs", {}).setdefault(name, {}) if name else layer
        target["accept"] = required
    return layer


@dataclass(frozen=True)
class Plan:
    """A verification that can be run."""

    artifact: Path
    document: CaseDocument
    cases: tuple[CaseSummary, ...]
    cases_from: str
    proves: str

    @property
    def names(self) -> list[str]:
        """Of the cases."""
        return [summary.name for summary in self.cases]


def find_cases(artifact: Path, stated: Path | None) -> tuple[Location, str] | None:
    """Where an artifact's cases are, and in words whence: ``--cases`` wins, then inside, then beside."""
    if stated is not None:
        return Location(stated), f"{stated} (--cases)"
    inside = embedded_cases(artifact)
    if inside is not None:
        return inside, "inside the artifact"
    beside = cases_beside(artifact)
    if beside.is_file():
        return Location(beside), f"beside the artifact, in {beside.name}"
    return None


def plan_cases(artifact: Path, location: Location, whence: str, only: tuple[str, ...]) -> Plan:
    """Reads the cases' header. Raises CaseFileError, or UsageError for a name that there is not."""
    document = CaseDocument(location)
    known = [summary.name for summary in document.summaries]
    unknown = [name for name in only if name not in known]
    if unknown:
        raise UsageError(f"no case '{unknown[0]}' in {artifact.name}; there are: {', '.join(known)}")
    chosen = tuple(s for s in document.summaries if not only or s.name in only)
    if not chosen:
        raise UsageError(f"{location.path}: the case file is empty; there is nothing to compare")
    return Plan(artifact, document, chosen, whence, _meaning(artifact, location, chosen))


def _meaning(artifact: Path, location: Location, cases: tuple[CaseSummary, ...]) -> str:
    origins = {summary.origin for summary in cases}
    if origins == {"runner"}:
        return "only what needs no reference: the outputs are those of the artifact's own first calls"
    if origins == {"torchscript-python"}:
        return "C++ and Python run the artifact alike; the eager model was not consulted"
    if location.path == artifact:
        return "the artifact computes what it computed where its cases were recorded"
    return "the artifact computes what the case file says"


def no_archive_error(artifact: Path) -> TsharnessError | None:
    """For a file that is no archive at all. Raises ArtifactError if there is no such file."""
    archive = open_archive(artifact)
    if archive is None:
        return ArtifactError(
            f"{artifact} is no TorchScript archive: it has no zip directory, so it is cut off or of "
            "another format.\nCopy it again, or save the model with tsharness.export or torch.jit.save"
        )
    archive.close()
    return None


def no_cases_error(artifact: Path) -> TsharnessError:
    return no_archive_error(artifact) or UsageError(
        f"{artifact}: no cases inside it ({CASES_RECORD}) or beside it "
        f"({artifact.name}{BESIDE_SUFFIX}), so there is nothing to compare.\n"
        f"Export with tsharness.export(model, example_inputs, path), name a file with --cases, "
        f"or describe inputs with --input, for example {EXAMPLES}"
    )
