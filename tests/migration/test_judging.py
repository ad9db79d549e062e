"""What is said of a new file: one function, from what was seen. Nothing here converts anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tsharness.cases.dims import AT_ONCE
from tsharness.migration.domain import Domain, Free, declared_fixed
from tsharness.migration.judging import Evidence, Judgement, judge
from tsharness.migration.options import MigrateOptions
from tsharness.migration.stage import Baked, Construct, Conversion, Divergence, Stage
from tsharness.report.model import CaseError
from tsharness.verdict import ExitCode, Verdict
from tsharness.verification.report import ArtifactInfo, CaseResult, OutputResult, VerifyReport

FORWARD = Domain(("forward",), ("forward",))
PASSED = Stage("exported", Verdict.PASS)


def output(*failed: str) -> OutputResult:
    verdict = Verdict.FAIL if failed else Verdict.PASS
    return OutputResult(
        "output", verdict, "float32", (3,), 0.0, 0.0, False, 5, failed, "differs", "values", ""
    )


def case(name: str, *failed: str, family: str = "example", error: CaseError | None = None) -> CaseResult:
    verdict = Verdict.ERROR if error else Verdict.FAIL if failed else Verdict.PASS
    return CaseResult(name, family, "file", verdict, 5, (output(*failed),), (), (), error)


def report(*cases: CaseResult, verdict: Verdict | None = None) -> VerifyReport:
    wrong = any(one.verdict is not Verdict.PASS for one in cases)
    code = ExitCode.FAILED if wrong or verdict is Verdict.FAIL else ExitCode.PASS
    artifact = ArtifactInfo("new", "", 0, None, None, None, "aoti", {})
    found: dict[str, Any] = {"checks": (), "findings": (), "localized": None, "seconds": 0.0, "printed": ""}
    said = Verdict.FAIL if code else Verdict.PASS
    return VerifyReport(
        artifact=artifact,
        cases_from="",
        proves="",
        judged="",
        runner=None,
        cases=cases,
        verdict=said,
        exit_code=code,
        **found,
    )


def judged(
    *cases: CaseResult,
    to: str = "aoti",
    domain: Domain = FORWARD,
    stages: tuple[Stage, ...] = (PASSED,),
    carried: tuple[str, ...] = (),
    contiguous: bool = False,
    verification: VerifyReport | None = None,
    **conversion: Any,
) -> Judgement:
    found = Conversion(stages, written=True, **conversion)
    options = MigrateOptions(to, contiguous=contiguous)
    last = Stage("C++", Verdict.PASS, reason="it differs", failed=tuple(one.name for one in cases))
    seen = verification or report(*(cases or (case("example"),)))
    return judge(Evidence(options, found, (*stages, last), domain, seen, carried))


def test_safe_is_what_is_right_over_all_of_it() -> None:
    domain = Domain(("forward",), ("forward",), free=(Free("x dim 0", ("x dim 0=4",)),))
    assert judged(case("example"), case("x dim 0=4", family="tried"), domain=domain) == Judgement(
        "safe", "", ExitCode.PASS
    )


@pytest.mark.parametrize(
    "error", [None, CaseError("execution", "it does not take this: size 4", ExitCode.FAILED)]
)
def test_sizes_that_it_answers_wrongly_or_refuses(error: CaseError | None) -> None:
    domain = Domain(
        ("forward",), ("forward",), free=(Free("x dim 0", ("x dim 0=4",)), Free(AT_ONCE, (AT_ONCE,)))
    )
    failed = () if error else ("call 1",)
    bad = (case(name, *failed, family="tried", error=error) for name in ("x dim 0=4", AT_ONCE))
    found = judged(case("example"), *bad, domain=domain)
    assert (found.verdict, found.exit_code) == ("differs", ExitCode.FAILED)
    assert (
        found.reason.startswith("other sizes of x dim 0, which the old one takes")
        and "stage" not in found.reason
    )
    (told,) = found.findings
    assert told.code == "TS521" and "--dynamic" in told.do and "--fixed" in told.do


def test_declared_fixed_is_said_in_the_verdict() -> None:
    found = judged(domain=replace(FORWARD, fixed=("x dim 0",)))
    assert found.verdict == "safe" and found.scope == "for these sizes alone (x dim 0)"


def test_methods_that_the_target_has_not_and_that_no_case_calls() -> None:
    both = Domain(("encode", "forward"), ("forward",))
    lost = judged(domain=both)
    assert (lost.verdict, lost.exit_code) == ("differs", ExitCode.FAILED) and "encode" in lost.reason
    assert [one.code for one in lost.findings] == ["TS513"]
    kept = judged(domain=both, to="lite")
    assert (kept.verdict, kept.exit_code) == ("unproved", ExitCode.INCONCLUSIVE)
    assert "no case calls encode" in kept.reason
    assert judged(domain=replace(both, called=("encode", "forward")), to="lite").verdict == "safe"


def test_extra_files() -> None:
    holds = replace(FORWARD, extra_files=("labels.json", "r_max"))
    lost = judged(domain=holds, carried=("r_max",))
    assert lost.exit_code == ExitCode.FAILED and "labels.json" in lost.reason and "r_max" not in lost.reason
    assert judged(domain=holds, carried=("labels.json", "r_max")).verdict == "safe"


def test_a_constant_names_no_stage() -> None:
    baked = (Baked("constant", "k", "3", ("k=4",)),)
    stages = (replace(PASSED, verdict=Verdict.FAIL, failed=("other",), reason="wrong"),)
    crash = CaseError("execution", "wants 3", ExitCode.CANNOT_RUN)
    for bad in (case("k=4", "call 1"), case("k=4", error=crash)):
        found = judged(case("example"), bad, baked=baked, stages=stages)
        assert found.reason == "input k became the constant 3" and found.exit_code == ExitCode.FAILED


def test_a_constant_that_nobody_tried_is_said() -> None:
    assert judged(baked=(Baked("constant", "mask", "None", ()),)).scope == "for mask=None"
    other = (Baked("constant", "k", "3", ("k=4",)),)
    assert judged(case("example"), case("k=4"), baked=other) == Judgement("safe", "", ExitCode.PASS)


def test_strides_of_the_sample() -> None:
    baked = (Baked("strides", "x", "(16, 1)", ("zeros",)),)
    found = judged(case("example"), case("zeros", "call 1"), baked=baked)
    assert found.reason == "x is read with the sample's strides (16, 1)"
    assert [one.code for one in found.findings] == ["TS515"]
    assert judged(contiguous=True).scope == "for contiguous inputs"


def test_state_that_is_not_kept() -> None:
    wrong = case("example", "call 2 of round 1", "call 3 of round 1")
    found = judged(wrong, to="onnx", state=("h",))
    assert found.reason == "state that it does not keep: h" and found.exit_code == ExitCode.FAILED
    assert judged(case("example"), to="onnx", state=("h",)).verdict == "differs"
    assert judged(case("example"), to="aoti", state=("h",)).verdict == "safe"
    assert "at stage" in judged(case("example", "call 1 of round 1"), to="onnx", state=("h",)).reason


def test_a_stage_is_named_that_gets_the_same_case_wrong() -> None:
    other = Stage("decomposed", Verdict.FAIL, reason="other", failed=("zeros",))
    same = Stage(
        "compiled",
        Verdict.FAIL,
        reason="differs",
        failed=("example",),
        divergence=Divergence("aten.gelu", "m.py:3", "", 0, 2),
    )
    found = judged(case("example", "call 1"), case("zeros"), stages=(PASSED, other, same))
    assert found.reason == "at stage compiled, operator aten.gelu (m.py:3): differs"
    alone = judged(case("example", "call 1"), case("zeros"), stages=(PASSED, other))
    assert alone.reason == "at stage C++: it differs"


def test_a_check_that_failed_is_no_pass() -> None:
    found = judged(verification=report(case("example"), verdict=Verdict.FAIL))
    assert found.verdict == "differs" and found.exit_code == ExitCode.FAILED


def test_what_could_not_be_tried() -> None:
    died = judged(domain=replace(FORWARD, untried=("x dim 0=4",)))
    assert died.verdict == "unproved" and "died of x dim 0=4" in died.reason
    assert judged(domain=replace(FORWARD, unknown="took too long")).exit_code == ExitCode.INCONCLUSIVE


def test_blocked() -> None:
    construct = Construct("TS513 methods", "m.py:3", "", "", "")
    found = judge(Evidence(MigrateOptions("aoti"), Conversion((), (construct,)), (), FORWARD, None))
    assert (found.verdict, found.exit_code) == ("blocked", ExitCode.CANNOT_RUN)
    assert found.reason == "TS513 methods (m.py:3)"


def test_what_is_declared_fixed() -> None:
    assert declared_fixed(["x=N,*,*"], ["k"]) == {"x": [1, 2], "k": None}


@pytest.mark.parametrize(
    ("shape", "verdict"), [((0, 4), "safe"), ((3,), "differs")], ids=["empty", "too small to be judged"]
)
def test_a_case_of_empty_outputs_is_none_that_differs(shape: tuple[int, ...], verdict: str) -> None:
    """A filter that lets nothing pass, beside cases in which it does."""
    nothing = replace(output(), shape=shape, decisive=False)
    filtered = CaseResult("none", "example", "file", Verdict.INCONCLUSIVE, 5, (nothing,), ())
    assert (
        judged(verification=replace(report(case("some")), cases=(case("some"), filtered))).verdict == verdict
    )
