"""Why a case failed, where the evidence says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tsharness.report.model import Finding
from tsharness.verdict import Verdict
from tsharness.verification.report import CaseResult


def explain(cases: Sequence[CaseResult], provenance: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Findings for the cases that failed."""
    findings: list[Finding] = []
    failed = [case for case in cases if case.verdict is Verdict.FAIL]
    for case in failed:
        findings += filter(None, (_later_calls(case), _swapped_outputs(case)))
    if failed and provenance.get("method") == "trace":
        findings.extend(_baked_branches(failed, provenance.get("warnings", [])))
    return tuple(findings)


def _swapped_outputs(case: CaseResult) -> Finding | None:
    """Outputs that hold what another one should."""
    swapped = [output for output in case.outputs if output.resembles]
    if not swapped:
        return None
    told = ", ".join(f"{output.name} holds what {output.resembles} should" for output in swapped)
    return Finding(
        "TS204",
        "error",
        f"outputs are in another order than the reference's: {told}",
        "the values are right, their places are not; a caller that goes by position reads the wrong ones",
        "return the outputs in the reference's order, or by name (a dict, a named tuple)",
        case=case.name,
    )


def _later_calls(case: CaseResult) -> Finding | None:
    """The first call is right, a later one is not."""
    for output in case.outputs:
        if not output.failed or len(output.failed) == output.compared:
            continue
        first = output.failed[0]
        if re.match(r"call 1(?!\d)(?! of)|call \d+ of round 1(?!\d)", first):
            continue
        if case.state_changed:
            return Finding(
                "TS202",
                "error",
                f"{first} differs from the reference, earlier calls do not; the model changed its own state",
                "the model keeps state from call to call, and the case was recorded as a single call",
                "record the calls as one sequence (tsharness.Inputs in a list), or reset the state",
                case=case.name,
            )
        return Finding(
            "TS201",
            "error",
            f"{first} differs from the reference, earlier calls do not",
            "TorchScript's executor rewrites the graph between the first calls, and random operators "
            "draw new numbers in each",
            "export in eval mode; then compare with the fuser off",
            case=case.name,
        )
    return None


def _baked_branches(failed: Sequence[CaseResult], warnings: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What the tracer warned of when the artifact was made."""
    for warning in warnings:
        if "Converting a tensor to a Python" not in warning.get("message", ""):
            continue
        where = f"{warning.get('file', '?')}:{warning.get('line', '?')}"
        code = f": {warning['code']}" if warning.get("code") else ""
        kind = _python_type(warning["message"])
        return [
            Finding(
                "TS203",
                "error",
                f"the trace kept what it saw at {where}{code}",
                f"a tensor became a Python {kind} there, so the trace holds one path or one value for "
                "every input",
                'export with method="script", or keep the decision in tensors (torch.where)',
                where,
                failed[0].name,
            )
        ]
    return []


def _python_type(message: str) -> str:
    match = re.search(r"to a Python (\w+)", message)
    return match[1] if match else "value"
