"""``tsharness verify`` on the examples, and every option of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import tsharness, verify_json
from tsharness.verification.plan import SELF_CHECK

PASSING = (
    "linear",
    "conditional",
    "conditional_bool",
    "script_method",
    "resnet",
    "transformer",
    "silero_vad",
)


@pytest.mark.parametrize("name", PASSING)
def test_example_passes(models: Path, name: str) -> None:
    ran, report = verify_json(models / f"{name}.pt")
    assert ran.code == 0, ran.err
    assert report["verdict"] == "pass"
    assert {check["verdict"] for check in report["checks"]} <= {"pass", "skipped"}
    quick = [check["verdict"] for check in report["checks"] if check["id"] in SELF_CHECK]
    assert quick == ["pass"] * len(SELF_CHECK)
    for case in report["cases"]:
        assert case["calls"] >= 5
        assert case["outputs"]


def test_linear_is_verified_at_several_batch_sizes(models: Path) -> None:
    _, report = verify_json(models / "linear.pt")
    shapes = [case["outputs"][0]["shape"] for case in report["cases"]]
    assert shapes == [[1, 2], [2, 2], [7, 2]]


def test_traced_conditional_fails_and_is_explained(models: Path) -> None:
    ran = tsharness("verify", models / "conditional_traced.pt")
    assert ran.code == 1
    assert 'FAIL  case "condition=False": output differs in 12 of 12 elements' in ran.out
    assert "TS203" in ran.out and "conditional.py:21" in ran.out and "if condition:" in ran.out
    assert 'do     export with method="script"' in ran.out
    assert "passes from atol" in ran.out


def test_sequences_are_compared_call_by_call(models: Path) -> None:
    _, report = verify_json(models / "silero_vad.pt", "--case", "2 s at 8000 Hz", "--calls", "2")
    (case,) = report["cases"]
    chunks = 2 * 8000 // 256
    assert case["calls"] == 2 * (chunks + 1)
    assert case["outputs"][0]["compared"] == case["calls"]
    assert case["outputs"][0]["worst"] is not None


def test_several_artifacts_are_judged_each_and_the_worst_code_counts(models: Path) -> None:
    ran = tsharness("verify", "-q", models / "conditional_traced.pt", models / "linear.pt")
    assert ran.code == 1
    assert "conditional_traced.pt: case " in ran.out and ran.out.startswith("FAIL")
    assert "linear.pt: 3 cases, 15 calls" in ran.out


def test_json_file_holds_the_whole_report(models: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    ran = tsharness("verify", models / "linear.pt", "--json", target)
    assert ran.code == 0 and "PASS" in ran.out
    document = json.loads(target.read_text())
    assert document["exit_code"] == 0
    runner = document["reports"][0]["runner"]
    assert runner["libtorch"] and runner["mapped_libraries"] and runner["threads"] >= 1


def test_unwritable_json_is_an_error_in_words(models: Path, tmp_path: Path) -> None:
    ran = tsharness("verify", models / "linear.pt", "--json", tmp_path / "nowhere" / "r.json")
    assert ran.code == 2
    assert "cannot write" in ran.err and "Traceback" not in ran.text


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--atol", "1"), 0),
        (("--atol", "output=1"), 0),
        (("--atol", "0.01"), 1),
        (("--rtol", "output=1e-3", "--atol", "1"), 0),
    ],
)
def test_tolerances(models: Path, options: tuple[str, ...], code: int) -> None:
    assert tsharness("verify", models / "conditional_traced.pt", *options).code == code


def test_smallest_passing_tolerance_passes(models: Path) -> None:
    _, report = verify_json(models / "conditional_traced.pt")
    enough = report["cases"][1]["outputs"][0]["min_atol"]
    path = models / "conditional_traced.pt"
    assert tsharness("verify", path, "--atol", repr(enough * (1 + 1e-9))).code == 0
    assert tsharness("verify", path, "--atol", repr(enough * 0.999)).code == 1


def test_tolerance_for_an_output_that_does_not_exist_is_an_error(models: Path) -> None:
    ran = tsharness("verify", models / "transformer.pt", "--atol", "logits=1")
    assert ran.code == 2
    assert "no output is named 'logits'; there are: hidden, pooled" in ran.err


def test_case_selects(models: Path) -> None:
    _, report = verify_json(models / "linear.pt", "--case", "batch=2", "--case", "batch=7")
    assert [case["name"] for case in report["cases"]] == ["batch=2", "batch=7"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--case", "nope"), "no case 'nope' in linear.pt; there are: example, batch=2, batch=7"),
        (("--rtol", "x"), "--rtol needs a number, or NAME=number"),
        (("--atol", "-1"), "atol must be a number of at least 0"),
        (("--atol", "inf"), "atol must be a number of at least 0"),
        (("--exact", "--rtol", "1"), "exact compares bits"),
        (("--dim", "N=1"), "there is no --input"),
        (("--memory-limit", "lots"), "for example 4GB"),
    ],
)
def test_usage_errors(models: Path, arguments: tuple[str, ...], message: str) -> None:
    ran = tsharness("verify", models / "linear.pt", *arguments)
    assert ran.code == 2
    assert message in ran.err and "Traceback" not in ran.text


def test_exact_passes_where_bits_are_equal(models: Path) -> None:
    ran, report = verify_json(models / "linear.pt", "--exact")
    assert ran.code == 0
    assert all(output["exact"] for case in report["cases"] for output in case["outputs"])


def test_device_that_is_not_there(models: Path) -> None:
    ran = tsharness("verify", models / "linear.pt", "--device", "cuda:63")
    assert ran.code == 8
    assert "device 'cuda:63' is not available to this runner; it sees: cpu" in ran.err


def test_device_that_does_not_exist(models: Path) -> None:
    ran = tsharness("verify", models / "linear.pt", "--device", "toaster")
    assert ran.code == 2
    assert "toaster" in ran.err and "Traceback" not in ran.text


@pytest.mark.cuda
@pytest.mark.parametrize("name", PASSING)
def test_example_passes_on_cuda(models: Path, name: str) -> None:
    ran, report = verify_json(models / f"{name}.pt", "--device", "cuda")
    assert ran.code == 0, ran.text
    assert report["runner"]["device"] == "cuda"
    assert any("libtorch_cuda" in path for path in report["runner"]["mapped_libraries"])


def test_report_states_from_evidence_that_there_was_no_python(models: Path) -> None:
    ran, report = verify_json(models / "linear.pt")
    libraries = report["runner"]["mapped_libraries"]
    assert any(path.endswith("libtorch_cpu.so") for path in libraries)
    assert not any("python" in Path(path).name for path in libraries)
    assert "no Python in the process" in ran.err


def test_quiet_prints_one_line(models: Path) -> None:
    ran = tsharness("verify", models / "linear.pt", "--quiet")
    assert len(ran.out.splitlines()) == 1


def test_pipes_get_plain_text(models: Path) -> None:
    ran = tsharness("verify", models / "conditional_traced.pt", models / "linear.pt")
    assert "\x1b" not in ran.text


def test_missing_file(tmp_path: Path) -> None:
    ran = tsharness("verify", tmp_path / "no.pt")
    assert ran.code == 5
    assert "no.pt does not exist" in ran.err and "Traceback" not in ran.text


def test_folder(tmp_path: Path) -> None:
    ran = tsharness("verify", tmp_path)
    assert ran.code == 5
    assert "is a folder" in ran.err
