"""Checks of the artifact itself, and of its outputs against the reference."""

from __future__ import annotations

import re

from tsharness.report.model import Check
from tsharness.report.units import many
from tsharness.verdict import Verdict
from tsharness.verification.checks.context import Context, listed
from tsharness.verification.report import CaseResult, OutputResult

_FIRST_ROUND = re.compile(r"call 1(?!\d)(?! of)|call \d+ of round 1(?!\d)")


def integrity(context: Context) -> Check:
    found, recorded = context.integrity, context.plan.document.provenance.get("content_sha256")
    if not found.sha256:
        return Check("integrity", Verdict.SKIPPED, "the file was written a moment ago")
    if found.damaged:
        more = f" (and {len(found.damaged) - 1} more)" if len(found.damaged) > 1 else ""
        message = f"damaged record {found.damaged[0]}{more}; copy or export the file again"
        return Check("integrity", Verdict.FAIL, message)
    if None not in (recorded, found.content_sha256) and found.content_sha256 != recorded:
        message = (
            "the content is not what the cases were recorded with "
            f"(sha256 {str(found.content_sha256)[:12]}…, recorded {str(recorded)[:12]}…); export again"
        )
        return Check("integrity", Verdict.FAIL, message)
    if found.content_sha256 == found.sha256:
        if recorded is not None:
            return Check("integrity", Verdict.PASS, "the file's hash is the recorded one")
        return Check("integrity", Verdict.SKIPPED, "the file is no archive: it has no checksums to compare")
    if found.content_sha256 is None:
        return Check("integrity", Verdict.SKIPPED, "the file is no archive: it has no checksums to compare")
    known = "and equal to the recorded content" if recorded else "(no recorded hash to compare with)"
    return Check("integrity", Verdict.PASS, f"every record's CRC is right {known}")


def load(context: Context) -> Check:
    result = context.result
    if result.loaded is not None:
        return Check("load", Verdict.PASS, f"loaded in {result.loaded['seconds']:.3f} s")
    error = result.load_error
    return Check("load", Verdict.ERROR, error.message if error else "the artifact was not loaded")


def no_python(context: Context) -> Check:
    info = context.info
    if info is None:
        return Check("no-python", Verdict.SKIPPED, "the runner did not start")
    if info.python_libraries:
        return Check("no-python", Verdict.FAIL, f"mapped: {', '.join(info.python_libraries)}")
    count = len(info.mapped_libraries)
    return Check("no-python", Verdict.PASS, f"none of the {count} mapped libraries is Python's")


def _compared(context: Context) -> list[CaseResult]:
    return [case for case in context.cases if case.outputs]


def structure(context: Context) -> Check:
    cases = _compared(context)
    bad = [case.name for case in cases if any(_other_structure(output) for output in case.outputs)]
    if bad:
        return Check("structure", Verdict.FAIL, f"another type, dtype, shape or key in: {listed(bad)}")
    if not cases:
        return Check("structure", Verdict.SKIPPED, "no case ran to its end")
    outputs = {output.name for case in cases for output in case.outputs}
    return Check("structure", Verdict.PASS, f"{many(len(outputs), 'output')} as the reference has them")


def _other_structure(output: OutputResult) -> bool:
    return output.verdict is Verdict.FAIL and output.aspect != "values"


def parity(context: Context) -> Check:
    errors = [case.name for case in context.cases if case.error is not None]
    if not errors and all(case.origin == "runner" for case in context.cases):
        return Check("parity", Verdict.SKIPPED, "no reference: the outputs are the artifact's own")
    bad = [case.name for case in _compared(context) if any(map(_wrong_at_first, case.outputs))]
    if bad or errors:
        verdict = Verdict.FAIL if bad else Verdict.ERROR
        return Check("parity", verdict, f"not in order: {listed(bad + errors)}")
    return Check("parity", Verdict.PASS, f"{many(len(context.cases), 'case')} compared with the reference")


def _wrong_at_first(output: OutputResult) -> bool:
    return any(_FIRST_ROUND.match(label) for label in output.failed)


def decisions(context: Context) -> Check:
    outputs = [
        (case.name, o.name, o.decisions) for case in context.cases for o in case.outputs if o.decisions
    ]
    if context.options.tolerance.get("topk") is None:
        return Check("decisions", Verdict.SKIPPED, "not asked for (--topk K)")
    if not outputs:
        return Check("decisions", Verdict.SKIPPED, "no output has more values in its last dim than --topk")
    k, rows = outputs[0][2].k, sum(found.rows for _, _, found in outputs)
    changed = [(case, name, found.changed) for case, name, found in outputs if found.changed]
    if changed:
        case, name, count = changed[0]
        total = sum(count for *_, count in changed)
        message = f"top {k} changed in {total} of {rows} rows; {name} in case {case}: {count}"
        return Check("decisions", Verdict.FAIL, message)
    return Check("decisions", Verdict.PASS, f"top {k} is the reference's in {many(rows, 'row')}")


def calls(context: Context) -> Check:
    cases = _compared(context)
    later = [case.name for case in cases if any(map(_wrong_later, case.outputs))]
    if later:
        return Check("calls", Verdict.FAIL, f"right at first, wrong in a later call: {listed(later)}")
    again = [name for name, event in context.result.revisited.items() if not event["passed"]]
    wrong_before = {case.name for case in cases if case.verdict is not Verdict.PASS}
    changed = [name for name in again if name not in wrong_before]
    if changed:
        return Check("calls", Verdict.FAIL, f"wrong when called again after other shapes: {listed(changed)}")
    if not cases:
        return Check("calls", Verdict.SKIPPED, "no case ran to its end")
    most = max(case.calls for case in cases)
    if most == 1:
        return Check("calls", Verdict.SKIPPED, "each case was called once")
    then = ", and again after the other cases" if context.result.revisited else ""
    return Check("calls", Verdict.PASS, f"{many(sum(c.calls for c in cases), 'call')} compared{then}")


def _wrong_later(output: OutputResult) -> bool:
    return bool(output.failed) and not _wrong_at_first(output)
