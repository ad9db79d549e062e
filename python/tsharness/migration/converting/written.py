"""What goes along with a new file, and what cannot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from tsharness.artifact.archive import cases_beside
from tsharness.artifact.reading import Reading
from tsharness.cases.case_file import CaseDocument, CaseFile, write_case_file
from tsharness.findings import RULES
from tsharness.migration.converting.cases import Example
from tsharness.migration.stage import Construct


def write_cases(output: Path, document: CaseDocument, examples: Sequence[Example], source: str) -> None:
    """Beside the new artifact: every argument in its place, and the hash of what was written. Sizes that the
    old one was found to take are among them, so that ``verify`` tries them from then on."""
    provenance = {
        **document.provenance,
        "content_sha256": Reading(output, hashes=True).result().content_sha256,
        "migrated_from": source,
        "torch": str(torch.__version__),
    }
    provenance.pop("self_check", None)
    file = CaseFile(tuple(example.case for example in examples), document.signature, provenance)
    write_case_file(file, cases_beside(output))


def other_methods(document: CaseDocument) -> Construct:
    """What blocks the way of a model whose forward no case calls."""
    names = sorted({call.method for case in document.cases() for call in case.calls} - {"forward"})
    rule = RULES["TS513"]
    return Construct(f"TS513 {rule.title}: its cases call {', '.join(names)}", "", "", rule.why, rule.do)
