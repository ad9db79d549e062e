"""What the gate judged, for whoever can ask LibTorch what it reads and compiles: both must be the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tsharness.artifact.script_archive import ScriptArchive


@dataclass(frozen=True)
class Judged:
    """The code that was judged, and the operators that it names."""

    records: Mapping[str, str] = field(default_factory=dict)
    """sha256 of every record of code, by its name below the archive's root: "code/__torch__.py"."""
    operators: frozenset[str] = frozenset()
    """ "aten::save": named in the code, or in the bytecode, whether a call reaches them or not. What the
    language itself stands for (``x + y``, ``len(x)``, an attribute of a tensor) is not among them."""


def judged_of(archive: ScriptArchive) -> Judged:
    """What there is to be judged in an archive."""
    code = {call.op for function in archive.code.functions.values() for call in function.operators}
    bytecode = archive.bytecode.operators.values() if archive.bytecode else ()
    return Judged(dict(archive.code_sha256), frozenset(code).union(*bytecode))
