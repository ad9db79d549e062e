"""The lists of benchmarks/verdicts.py: long enough, of every kind, and judged as they should be."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import ROOT

sys.path.append(str(ROOT / "benchmarks"))

from verdict_models.defects import DEFECTS
from verdict_models.healthy import MODELS
from verdict_models.making import Defect, Files, Healthy, made
from verdict_models.migrating import Migration, counts
from verdict_models.page import defect_table, healthy_table, migration_tables
from verdict_models.trying import write_trials
from verdict_models.verifying import defect_outcome, healthy_outcome
from verdicts import LEAST

from tsharness.cases import read_case_file

HEALTHY_KINDS = (
    *("detection with anchors", "keepdim", "-1e9", "autograd inside", "hook", "views"),
    *("state declared as sequences", "tiny scale", "huge scale", "empty outputs", "several methods"),
)
DEFECT_KINDS = (
    *("row leak", "wrong at one size", "wrong after call", "sentinels", "one method alone"),
    *("random rarely", "state"),
)


def _healthy(name: str) -> Healthy:
    (found,) = [model for model in MODELS if model.name == name]
    return found


def _defect(name: str) -> Defect:
    (found,) = [defect for defect in DEFECTS if defect.name == name]
    return found


def _scripted(name: str, folder: Path) -> tuple[Healthy, Files]:
    """Without the families of an export, which take their time."""
    model = replace(_healthy(name), how="script", options={})
    return model, made(model, folder)


def test_the_lists_are_long_and_name_each_once() -> None:
    assert min(len(MODELS), len(DEFECTS)) >= LEAST
    names = [one.name for one in (*MODELS, *DEFECTS)]
    assert len({*names}) == len(names)
    assert {defect.of for defect in DEFECTS} <= {model.name for model in MODELS}


@pytest.mark.parametrize("kind", HEALTHY_KINDS)
def test_healthy_models_of_every_kind(kind: str) -> None:
    assert any(kind in model.kind for model in MODELS)


@pytest.mark.parametrize("kind", DEFECT_KINDS)
def test_defects_of_every_kind(kind: str) -> None:
    assert any(kind in defect.kind for defect in DEFECTS)


def test_exceptions_are_few_and_explained() -> None:
    explained = [defect.exception for defect in DEFECTS if defect.exception]
    assert len(explained) <= 5 and all(len(text) > 20 for text in explained)


@pytest.mark.parametrize("name", ["keepdim", "chosen", "counter", "hooked_before"])
def test_a_healthy_model_passes(name: str, tmp_path: Path) -> None:
    outcome, files = healthy_outcome(replace(_healthy(name), how="script", options={}), tmp_path)
    assert outcome.right and outcome.verdict == "PASS" and files is not None, outcome


@pytest.mark.parametrize(
    ("name", "said"),
    [("logits_leak", "batch"), ("second_call", "calls"), ("encodes_wrong", "parity"), ("remembers", "state")],
)
def test_a_defect_is_said(name: str, said: str, tmp_path: Path) -> None:
    defect = _defect(name)
    model, files = _scripted(defect.of, tmp_path)
    outcome = defect_outcome(defect, model, files)
    assert outcome.right and said in outcome.said, outcome


def test_silence_counts_as_wrong_and_an_explanation_as_right(tmp_path: Path) -> None:
    model, files = _scripted("keepdim", tmp_path)
    silent = Defect("silent", "none at all", model.name, lambda module: module)
    outcome = defect_outcome(silent, model, files)
    assert not outcome.right and outcome.verdict == "PASS"
    explained = defect_outcome(replace(silent, exception="it is no defect"), model, files)
    assert explained.right and "it is no defect" in explained.said
    assert "**PASS**" in defect_table([outcome]) and "**PASS**" not in defect_table([explained])


def test_a_healthy_model_that_fails_counts_as_wrong(tmp_path: Path) -> None:
    defect, model = _defect("writes_input"), _healthy("keepdim")
    wrong = replace(model, make=lambda: defect.change(model.make()), how="script")
    outcome, _ = healthy_outcome(wrong, tmp_path)
    assert not outcome.right and "inputs-unchanged" in outcome.said
    assert "**FAIL**" in healthy_table([outcome])


def test_trials_are_other_sizes_methods_and_sequences(tmp_path: Path) -> None:
    model, files = _scripted("autoencoder", tmp_path)
    target = tmp_path / "trials.safetensors"
    count = write_trials(files.artifact, model.examples(), target, contiguous=False)
    cases = read_case_file(target).cases
    assert count == len(cases) > 10
    calls = [call for case in cases for call in case.calls]
    assert {call.method for call in calls} == {"forward", "encode", "decode"}
    assert {call.args[0].shape[0] for call in calls} >= {1, 2, 7, 9}
    assert max(len(case.calls) for case in cases) > 3


def test_migrations_are_counted_by_what_they_came_to() -> None:
    found = [
        Migration("a", "lite", "safe", "", True),
        Migration("b", "lite", "SAFE, but differs", "parity: x", False),
        Migration("c", "lite", "differs", "y", True),
        Migration("d", "lite", "blocked", "z", True),
    ]
    assert list(counts(found)) == [("lite", 1, 1, 1, 1)]
    assert "**SAFE, but differs**" in migration_tables(found)
