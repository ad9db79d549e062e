"""Figures, or a function of the user's, that decide instead of the tolerance; how a difference looks."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from conftest import run, tsharness, verify_json, with_case
from tsharness.artifact.archive import cases_beside
from tsharness.cases.rules import STATISTICS, bound_problem
from tsharness.errors import UsageError
from tsharness.exporting import torch_jit
from tsharness.runner.find import find_runner
from tsharness.session import load_core
from tsharness.verification.accept import parse_accept

QUICK = ("--level", "quick")
X = torch.randn(6, 50, generator=torch.Generator().manual_seed(5))
X = X.sign() * (X.abs() + 0.01)


class Same(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 0


def saved(given: Tensor, expected: Tensor, path: Path, module: nn.Module | None = None) -> Path:
    torch_jit.save(torch_jit.script(module or Same()), path)
    return with_case(path, given, expected)


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """Its output is 1e-3 from the reference everywhere: 60 dB below values of about 1."""
    return saved(X + 1e-3, X, tmp_path / "noisy.pt")


EXPECTED = {
    "max_abs": 1e-3,
    "mean_abs": 1e-3,
    "l2": 1e-3 * 300**0.5,
    "snr": 10 * float((X.double() ** 2).mean().log10()) + 60,
    "psnr": 20 * float(X.abs().max().log10()) + 60,
    "relative_l2": 1e-3 / float((X.double() ** 2).mean().sqrt()),
    "mismatched": 1.0,
    "cosine": float(nn.functional.cosine_similarity((X + 1e-3).flatten(), X.flatten(), dim=0)),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_every_statistic_can_decide(name: str, noisy: Path) -> None:
    statistic = STATISTICS[name]
    easy, hard = (1e-9, min(1e9, statistic.most)) if statistic.larger_is_better else (0.999, 0)
    sense, easy = statistic.sense, 1e9 if name == "max_ulp" else easy
    looser = ("--atol", "2e-3") if name == "mismatched" else ()
    ran, report = verify_json(noisy, *QUICK, *looser, "--accept", f"{name}{sense}{easy}")
    assert ran.code == 0, ran.text
    (seen,) = report["cases"][0]["outputs"][0]["requirements"]
    assert seen["statistic"] == name
    if name in EXPECTED and not looser:
        assert seen["seen"] == pytest.approx(EXPECTED[name], rel=2e-3)
    ran, report = verify_json(noisy, *QUICK, "--accept", f"{name}{sense}{hard}")
    assert ran.code == 1
    assert f"is not accepted: {name}" in report["cases"][0]["outputs"][0]["reason"]


def test_accepted_outputs_are_told_so(noisy: Path) -> None:
    assert tsharness("verify", noisy, *QUICK).code == 1
    ran = tsharness("verify", noisy, *QUICK, "--accept", "psnr>=50", "--accept", "output:cosine>=0.999")
    assert ran.code == 0, ran.text
    assert "judged by cosine" in ran.out  # an output's own requirement wins over the one for all
    assert tsharness("verify", noisy, "--accept", "psnr>=50").code == 0


def test_a_nan_is_never_accepted(tmp_path: Path) -> None:
    given = X.clone()
    given[3, 3] = torch.nan
    path = saved(given, X, tmp_path / "nan.pt")
    assert tsharness("verify", path, *QUICK, "--accept", "mean_abs<=1", "--ignore", "finite").code == 1


def test_integers_stay_exact(tmp_path: Path) -> None:
    path = saved(torch.arange(5) + 1, torch.arange(5), tmp_path / "integers.pt")
    assert tsharness("verify", path, *QUICK, "--accept", "max_abs<=10").code == 1


@pytest.mark.parametrize("text", ["psnr", "psnr>40", "beauty>=1", "psnr>=high", ">=3"])
def test_what_is_no_requirement(text: str, noisy: Path) -> None:
    ran = tsharness("verify", noisy, "--accept", text)
    assert ran.code == 2
    assert ("is no number" if "high" in text else "statistics: max_abs") in ran.err


BOUNDS = [
    ("max_abs>=0", "state it with <="),
    ("psnr<=40", "state it with >="),
    ("cosine<=1", "state it with >="),
    ("psnr>=nan", "must be above 0"),
    ("psnr>=-1000", "must be above 0"),
    ("snr>=0", "must be above 0"),
    ("cosine>=1.5", "must be above 0 and at most 1"),
    ("max_abs<=inf", "must be at least 0"),
    ("l2<=-1", "must be at least 0"),
    ("mismatched<=1", "must be at least 0 and below 1"),
    ("output:relative_l2<=1", "must be at least 0 and below 1"),
]


@pytest.mark.parametrize(("text", "says"), BOUNDS)
def test_a_bound_that_judges_nothing_is_refused(text: str, says: str, noisy: Path, tmp_path: Path) -> None:
    ran = tsharness("verify", noisy, "--accept", text)
    assert ran.code == 2 and says in ran.err and "printed by the model" not in ran.text, ran.text


@hypothesis.given(
    st.sampled_from([*STATISTICS, "beauty"]),
    st.sampled_from([">=", "<=", "=>", "==", "<"]),
    st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, 1, -1, 0.5, 40]),
)
def test_python_and_cpp_refuse_the_same_bounds(name: str, sense: str, value: float) -> None:
    x = torch.ones(2)
    try:
        load_core().compare_json(x, x, json.dumps({"accept": [[name, sense, value]]}), "cpu")
    except UsageError:
        refused = True
    else:
        refused = False
    assert refused == bool(bound_problem(name, sense, value))


def with_rules(cases: Path, rules: dict[str, Any], target: Path) -> Path:
    """The case file with what every case of it states, right or not: our own writer would refuse some."""
    raw = cases.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    head = json.loads(raw[8 : 8 + length])
    document = json.loads(head["__metadata__"]["tsharness"])
    for case in document["cases"]:
        case["tolerance"] = rules
    head["__metadata__"]["tsharness"] = json.dumps(document)
    text = json.dumps(head).encode()
    target.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])
    return target


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Its output is thrice what it must be."""
    return saved(3 * X, X, tmp_path / "wrong.pt")


ACCEPTING = {"accept": [["psnr", ">=", 1e-3]]}


@pytest.mark.parametrize(
    "rules", [ACCEPTING, {"atol": 1e9}, {"rtol": 9.0}, {"outputs": {"output": ACCEPTING}}]
)
@pytest.mark.parametrize(
    "stated", [("--exact",), ("--rtol", "1e-6"), ("--accept", "psnr>=40"), ("--tolerance", "fp64")]
)
def test_the_users_word_beats_the_files(
    rules: dict[str, Any], stated: tuple[str, ...], wrong: Path, tmp_path: Path
) -> None:
    file = with_rules(cases_beside(wrong), rules, tmp_path / "asks.cases.safetensors")
    ran, report = verify_json(wrong, *QUICK, "--cases", file, *stated)
    assert ran.code == 1, ran.text
    assert report["cases"][0]["outputs"][0]["set_by"] == "user"


def test_whose_rule_it_was_is_said(wrong: Path, tmp_path: Path) -> None:
    file = with_rules(cases_beside(wrong), ACCEPTING, tmp_path / "asks.cases.safetensors")
    ran, report = verify_json(wrong, *QUICK, "--cases", file)
    assert report["cases"][0]["outputs"][0]["set_by"] == "file"
    assert "judged by psnr, as the case file asks" in ran.text.splitlines()[-1], ran.text
    assert verify_json(wrong, *QUICK)[1]["cases"][0]["outputs"][0]["set_by"] == "table"


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"accept": [["psnr", "=>", 40]]}, "the operators are >= (at least) and <= (at most)"),
        ({"accept": [["psnr", ">=", -1000]]}, "judges nothing"),
        ({"accept": [["psnr", ">=", "40"]]}, "judges nothing"),
        ({"accept": {"psnr": 40}}, "accept is no list"),
        ({"rtol": -1}, "rtol is no number of at least 0"),
        ({"exact": "no"}, "exact is neither true nor false"),
        ({"atoll": 1}, "there is no rule 'atoll'"),
        ({"outputs": {"output": {"atol": "much"}}}, "atol is no number"),
    ],
)
def test_rules_of_a_file_that_judge_nothing(
    rules: dict[str, Any], says: str, noisy: Path, tmp_path: Path
) -> None:
    file = with_rules(cases_beside(noisy), rules, tmp_path / "asks.cases.safetensors")
    ran = tsharness("verify", noisy, "--cases", file)
    assert ran.code == 2 and says in ran.err, ran.text
    file.rename(cases_beside(noisy))
    said = run(find_runner().path, "--verify", noisy)
    assert said.code == 2
    assert says in said.text, said.text


def test_output_names_with_colons_and_dots() -> None:
    assert parse_accept(["aux.logits[0]:psnr >= 3"]) == {"aux.logits[0]": [["psnr", ">=", 3.0]]}


def test_two_ways_to_judge(noisy: Path) -> None:
    ran = tsharness("verify", noisy, "--accept", "psnr>=1", "--tolerance", "fp64")
    assert ran.code == 2 and "two ways to judge" in ran.err


FUNCTIONS = """
import torch

def sorted_alike(actual, expected):
    torch.testing.assert_close(actual.sort().values, expected.sort().values)

def yes(actual, expected):
    print("what it prints is not the answer")
    return True

def no(actual, expected):
    return False

def because(actual, expected):
    return "boxes do not overlap" if actual.shape != expected.shape else None

def broken(actual, expected):
    return actual.nonsense

def number(actual, expected):
    return 3
"""


@pytest.fixture
def shuffled(tmp_path: Path) -> Path:
    (tmp_path / "judge.py").write_text(FUNCTIONS)
    given = torch.arange(10.0)
    return saved(given, given.flip(0), tmp_path / "shuffled.pt")


def test_a_function_of_the_users_decides(shuffled: Path) -> None:
    judge = shuffled.with_name("judge.py")
    assert tsharness("verify", shuffled, *QUICK).code == 1
    ran, report = verify_json(shuffled, "--compare-with", f"{judge}:sorted_alike")
    assert ran.code == 0, ran.text
    # Other environments are compared with the outputs here: no tolerance would pass against the case's.
    checks = {check["id"]: check["verdict"] for check in report["checks"]}
    assert checks["thread-count"] == checks["threads"] == checks["calls"] == "pass"
    assert tsharness("verify", shuffled, *QUICK, "--compare-with", f"{judge}:yes").code == 0


@pytest.mark.parametrize(("name", "said"), [("no", "is refused by"), ("sorted_alike", "Mismatched elements")])
def test_a_function_of_the_users_refuses(name: str, said: str, shuffled: Path) -> None:
    other = saved(torch.arange(10.0), torch.arange(10.0) * 2, shuffled)
    ran = tsharness("verify", other, *QUICK, "--compare-with", f"{shuffled.with_name('judge.py')}:{name}")
    assert ran.code == 1 and said in ran.out


def test_a_function_sees_outputs_of_other_shapes(shuffled: Path) -> None:
    other = saved(torch.arange(10.0), torch.arange(4.0), shuffled)
    judge = shuffled.with_name("judge.py")
    ran = tsharness("verify", other, *QUICK, "--compare-with", f"{judge}:because")
    assert ran.code == 1 and "boxes do not overlap" in ran.out
    assert tsharness("verify", other, *QUICK, "--compare-with", f"{judge}:yes").code == 0


@pytest.mark.parametrize(
    ("name", "said"), [("broken", "nonsense"), ("number", "returned a int"), ("absent", "has no 'absent'")]
)
def test_a_function_that_is_none(name: str, said: str, shuffled: Path) -> None:
    ran = tsharness("verify", shuffled, *QUICK, "--compare-with", f"{shuffled.with_name('judge.py')}:{name}")
    assert ran.code == 2 and said in ran.err
    assert "Traceback" not in ran.err or name == "broken"


def test_where_an_output_differs(tmp_path: Path) -> None:
    expected = torch.ones(4, 8, 6)
    given = expected.clone()
    given[:, 2:4, :] += 0.5
    given[0, 0, 0] = 1 + 1e-7
    path = saved(given, expected, tmp_path / "channel.pt")
    ran, report = verify_json(path, *QUICK)
    profile = report["cases"][0]["outputs"][0]["profile"]
    assert profile["dims"][1] == {"size": 8, "touched": 2, "first": 2, "last": 3}
    assert profile["errors"] == [{"decade": -7, "count": 1}, {"decade": -1, "count": 48}]
    assert profile["equal"] == 4 * 8 * 6 - 49
    (magnitude,) = profile["magnitudes"]
    assert (magnitude["decade"], magnitude["count"], magnitude["mismatched"]) == (0, 192, 48)
    assert profile["actual"]["max"] == 1.5 and profile["expected"]["std"] == 0
    ran = tsharness("verify", path, *QUICK, "--verbose")
    assert "where  only 2 of 8 indices of dim 1 (2 to 3)" in ran.out
    assert "elements by absolute error" in ran.out and "█" in ran.out
    assert "psnr" in ran.out


def test_repeated_runs_agree_or_not(noisy: Path, tmp_path: Path) -> None:
    ran = tsharness("verify", noisy, *QUICK, "--repeat", "3", "--accept", "psnr>=50")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "PASS  3 runs of noisy.pt, all alike"
    assert ran.out.startswith("PASS  run 1 of 3: ")
    ran = tsharness("verify", noisy, "--repeat", "2", "--save-outputs", tmp_path / "o.safetensors")
    assert ran.code == 2 and "one run of one artifact" in ran.err


def test_what_is_not_steady_is_counted() -> None:

    from tsharness.report.model import Check
    from tsharness.report.steadiness import steadiness_lines
    from tsharness.verdict import ExitCode, Verdict
    from tsharness.verification.report import ArtifactInfo, VerifyReport

    check = Check("threads", Verdict.PASS, "")
    good = VerifyReport(
        ArtifactInfo("a/m.pt", "", 0, None, None, None),
        "",
        "",
        None,
        (check,),
        (),
        (),
        Verdict.PASS,
        ExitCode.PASS,
        0.0,
    )
    bad = replace(good, checks=(replace(check, verdict=Verdict.FAIL),), verdict=Verdict.FAIL)
    assert steadiness_lines([good, bad, good, good]) == [
        "FAIL  4 runs of m.pt, not alike: pass in 3, fail in 1 (runs 2)",
        "      check threads: pass in 3, fail in 1 (runs 2)",
    ]
