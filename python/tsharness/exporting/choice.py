"""Which candidate becomes the artifact: the policy of ``--method auto`` (docs/export.md)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tsharness.exporting.report import CandidateResult
from tsharness.findings import RULES
from tsharness.report.model import Finding
from tsharness.verdict import Verdict

BAKED = ("TS101", "TS102", "TS103", "TS104", "TS105", "TS111", "TS133", "TS193")
"""Findings that make a trace that passed less than certain: it follows one run on one device."""


def choose(candidates: Sequence[CandidateResult]) -> tuple[CandidateResult, str]:
    """The candidate and, in words, why.

    1. What passes on every family goes before what does not.
    2. Of two that pass, the trace: its graph holds nothing but operators; unless it has something baked in
       (a branch, a number, a length, a loop, a device, the structure of the outputs) that the script has not
       at the same place.
    3. If none passes, the one that passes on most families; it is written under --force alone.
    """
    if len(candidates) == 1:
        return candidates[0], "the only one that applies"
    by_method = {candidate.method: candidate for candidate in candidates}
    trace, script = by_method["trace"], by_method["script"]
    passed = [c for c in candidates if c.verdict is Verdict.PASS]
    if len(passed) == 1:
        (only,) = passed
        other = script if only is trace else trace
        return only, f"{other.method} {_why_not(other)}"
    if not passed:
        return max(
            candidates, key=lambda c: (c.check is not None, c.passed)
        ), "neither passes; this is nearer"
    kept = {(f.code, f.where, f.seen) for f in script.findings}
    baked = [f for f in trace.findings if f.code in BAKED and (f.code, f.where, f.seen) not in kept]
    if baked:
        return script, f"both pass, but the trace has {baked[0].code}: {RULES[baked[0].code].title}"
    return trace, "both pass, and the tracer followed everything: the simpler graph"


def without_circles(candidates: Sequence[CandidateResult]) -> list[CandidateResult]:
    """The same, where no finding of one advises the other, which has failed, too."""
    failed = [one.method for one in candidates if one.verdict is not Verdict.PASS]
    return [
        replace(one, findings=tuple(_without(found, failed) for found in one.findings)) for one in candidates
    ]


def _without(found: Finding, methods: Sequence[str]) -> Finding:
    do = found.do
    for method in methods:
        advice = f"export with method {method}"
        do = re.sub(rf"[;,] or {advice}(?: where it does)?|{advice}, ", "", do)
    return replace(found, do=do)


def _why_not(candidate: CandidateResult) -> str:
    if candidate.check is None:
        return "cannot be made"
    return f"is wrong on {candidate.families - candidate.passed} of {candidate.families} families"
