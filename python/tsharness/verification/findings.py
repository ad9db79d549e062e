"""Why a case failed, where the evidence says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tsharness.findings import finding
from tsharness.report.model import Finding
from tsharness.report.units import many
from tsharness.verdict import Verdict
from tsharness.verification.report import CaseResult

_ROUNDING = 1e-4
"""Of the norm of the expected values: what rounding alone may make of a float32 network."""
SUFFICIENT = ("TS202", "TS203", "TS204")
"""Findings after which no switch of LibTorch needs to be looked for."""


def explain(cases: Sequence[CaseResult], provenance: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Findings for the cases that failed."""
    findings: list[Finding] = []
    failed = [case for case in cases if case.verdict is Verdict.FAIL]
    for case in failed:
        findings += filter(None, (_later_calls(case), _swapped_outputs(case)))
    if provenance.get("method") == "trace":
        findings.extend(_baked_branches(list(filter(_more_than_rounding, failed)), provenance))
    findings += _missing_library(cases)
    recorded = provenance.get("self_check", {}).get("verdict", "pass")
    if recorded != "pass":
        findings.append(finding("TS205", f"its exporter's own check in C++ said: {recorded}"))
    return tuple(findings)


def how_it_was_called(facts: Mapping[str, Any]) -> list[Finding]:
    """What a server must know to call it as it was called here."""
    found = []
    if facts.get("autograd"):
        found.append(finding("TS210", "it was run with gradients, in whatever mode it was called"))
    if facts.get("hooks"):
        found.append(finding("TS211", f"{many(facts['hooks'], 'hook')} of the module itself ran"))
    return found


def _missing_library(cases: Sequence[CaseResult]) -> list[Finding]:
    """The loader's own words for an operator or a class that nobody has registered; PyTorch's own ones are
    of another version."""
    messages = [case.error.message for case in cases if case.error is not None]
    for message in messages:
        match = re.search(
            r"Unknown builtin op: (\S+?)\.?\s|Unknown type name '(__torch__\.torch\.classes\S+)'", message
        )
        if match and (match[1] or "").startswith("aten::"):
            from tsharness.inspection.compatibility import since, what_to_do

            return [finding("TS332", f"it needs {match[1]}{since(match[1])}", do=what_to_do([match[1]]))]
        if match:
            return [finding("TS209", f"it needs {match[1] or match[2]}")]
    return []


def _swapped_outputs(case: CaseResult) -> Finding | None:
    """Outputs that hold what another one should."""
    swapped = [output for output in case.outputs if output.resembles]
    if not swapped:
        return None
    told = ", ".join(f"{output.name} holds what {output.resembles} should" for output in swapped)
    return finding("TS204", f"outputs are in another order than the reference's: {told}", case=case.name)


def _later_calls(case: CaseResult) -> Finding | None:
    """The first call is right, a later one is not."""
    for output in case.outputs:
        if not output.failed or len(output.failed) == output.compared:
            continue
        first = output.failed[0]
        if re.match(r"call 1(?!\d)(?! of)|call \d+ of round 1(?!\d)", first):
            continue
        seen = f"{first} differs from the reference, earlier calls do not"
        if case.changed_state:
            return finding("TS202", f"{seen}; the model changed its own state", case=case.name)
        return finding("TS201", seen, case=case.name)
    return None


def _more_than_rounding(case: CaseResult) -> bool:
    """Another branch gives another result, and not the same one but for its last digits."""
    failed = [output for output in case.outputs if output.verdict is Verdict.FAIL]
    return any(output.relative_l2 is None or output.relative_l2 > _ROUNDING for output in failed)


def _baked_branches(failed: Sequence[CaseResult], provenance: Mapping[str, Any]) -> list[Finding]:
    """What the tracer warned of when the artifact was made."""
    for warning in provenance.get("warnings", []) if failed else []:
        if "Converting a tensor to a Python" not in warning.get("message", ""):
            continue
        where = f"{warning.get('file', '?')}:{warning.get('line', '?')}"
        code = f": {warning['code']}" if warning.get("code") else ""
        kind = _python_type(warning["message"])
        seen = f"the trace kept what it saw at {where}{code}"
        return [finding("TS203", seen, where=where, case=failed[0].name, kind=kind)]
    return []


def _python_type(message: str) -> str:
    match = re.search(r"to a Python (\w+)", message)
    return match[1] if match else "value"
