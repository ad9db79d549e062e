"""What the gate judged, for whoever can ask LibTorch what it reads and compiles: both must be the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tsharness.inspection.compatibility import native_classes
from tsharness.inspection.lints import randomness
from tsharness.inspection.operators import harmless_operators
from tsharness.inspection.subject import Subject
from tsharness.report.model import Finding


@dataclass(frozen=True)
class Judged:
    """The code that was judged, and the operators that it names."""

    records: Mapping[str, str] = field(default_factory=dict)
    """sha256 of every record of code, by its name below the archive's root: "code/__torch__.py"."""
    operators: frozenset[str] = frozenset()
    """ "aten::save": named in the code, or in the bytecode, whether a call reaches them or not. What the
    language itself stands for (``x + y``, ``len(x)``, an attribute of a tensor) is not among them. Classes of
    native code are: "torch.classes.ns.Name"."""
    random: tuple[Finding, ...] = ()
    """Random numbers that the code draws, also behind branches that no call may ever take (TS345)."""

    def for_job(self) -> dict[str, Any]:
        """As a job carries it (docs/protocol.md), with what LibTorch may compile besides: what it makes of
        the language itself is harmless by the same tables that judged the rest."""
        harmless: dict[str, list[str]] = {}
        for op in harmless_operators():
            space, _, name = op.partition("::")
            harmless.setdefault(space, []).append(name)
        return {"records": dict(self.records), "operators": sorted(self.operators), "harmless": harmless}


def judged_of(subject: Subject) -> Judged:
    """What there is to be judged in an archive."""
    archive = subject.archive
    code = {call.op for function in archive.code.functions.values() for call in function.operators}
    native = {f"torch.classes.{namespace}.{name}" for namespace, name in native_classes(subject)}
    bytecode = archive.bytecode.operators.values() if archive.bytecode else ()
    operators = frozenset(code | native).union(*bytecode)
    return Judged(dict(archive.code_sha256), operators, tuple(randomness(subject)))
