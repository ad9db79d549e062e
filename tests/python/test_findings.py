"""Every rule of the catalogue is earned by a model, and the page that shows them is the one in docs/."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from conftest import ROOT, run
from tsharness.exporting.pitfalls import version_findings
from tsharness.findings import RULES, finding
from tsharness.findings.scripting import SCRIPTING_RULES, rule_for
from tsharness.findings.sources import SOURCES
from tsharness.report.model import Finding
from without import OPTIONAL, without

sys.path.insert(0, str(ROOT / "docs"))

EXPORT_CODES = sorted(code for code in RULES if code.startswith("TS1"))


@pytest.fixture(scope="module")
def findings() -> Mapping[str, Finding | None]:
    from generate_findings import all_findings

    return all_findings()


@pytest.mark.parametrize("code", EXPORT_CODES)
def test_a_model_earns_the_finding(code: str, findings: Mapping[str, Finding | None]) -> None:
    found = findings[code]
    assert found is not None, f"the model of {code} did not earn it"
    assert found.severity == RULES[code].severity
    assert found.seen and found.why and found.do


@pytest.mark.parametrize("code", ["TS101", "TS102", "TS103", "TS104", "TS105", "TS107", "TS111", "TS121"])
def test_the_line_is_named(code: str, findings: Mapping[str, Finding | None]) -> None:
    found = findings[code]
    assert found is not None and re.fullmatch(r"(tracing|model)\.py:\d+", str(found.where))
    assert "`" in found.seen


def test_what_was_baked_is_told(findings: Mapping[str, Finding | None]) -> None:
    assert "which was True" in str(findings["TS101"])
    assert "which was 1.0" in str(findings["TS102"])


@pytest.mark.skipif(not torch.__version__.startswith("2.13."), reason="the pages quote torch 2.13")
def test_the_pages_are_up_to_date(findings: Mapping[str, Finding | None]) -> None:
    from generate_findings import PAGES, examples, render

    wanted = render(examples(findings))
    assert sorted(page.name for page in PAGES.glob("*.md")) == sorted(wanted), "make docs"
    for name, text in wanted.items():
        assert (PAGES / name).read_text() == text, f"{name}: make docs"


_RENDERED = """
import json, sys
sys.path.insert(0, sys.argv[1])
from generate_findings import all_findings, examples, render
print(json.dumps(render(examples(all_findings()))))
"""


@pytest.mark.skipif(not torch.__version__.startswith("2.13."), reason="the pages quote torch 2.13")
def test_the_pages_are_the_same_where_nothing_optional_is_installed(tmp_path: Path) -> None:
    from generate_findings import PAGES

    environment = without(OPTIONAL, tmp_path)
    gone = "; ".join(f"assert importlib.util.find_spec('{name}') is None" for name in OPTIONAL)
    assert run(sys.executable, "-c", f"import importlib.util; {gone}", env=environment).code == 0
    ran = run(sys.executable, "-W", "ignore", "-c", _RENDERED, ROOT / "docs", env=environment, timeout=600)
    assert ran.code == 0, ran.text
    for name, text in json.loads(ran.out.splitlines()[-1]).items():
        assert (PAGES / name).read_text() == text, f"{name} depends on a package that is optional"


def test_sources_are_of_findings() -> None:
    assert set(SOURCES) <= set(RULES)


def test_a_healthy_model_earns_nothing_loud() -> None:
    from generate_findings import export_pitfall
    from pitfalls import Pitfall

    class Healthy(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x) + x.shape[0]

    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        model = Healthy().eval()
        report = export_pitfall(Pitfall("", lambda: model, lambda: torch.ones(2, 3)), Path(folder))
    assert [found.code for found in report.findings if found.severity != "note"] == []


def test_codes_are_unique_and_well_formed() -> None:
    assert all(re.fullmatch(r"TS[1235]\d\d", code) for code in RULES)
    assert {rule.severity for rule in RULES.values()} <= {"error", "warning", "note"}
    assert SCRIPTING_RULES[-1].pattern == "" and all(rule.pattern for rule in SCRIPTING_RULES[:-1])


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            "Expected a value of type 'Tensor' but instead found type 'Optional[Tensor]'.",
            "TS186",
        ),
        ("Could not cast value of type Optional[Tensor] to bool:", "TS186"),
        ("NamedExpr aren't supported:", "TS173"),
        ("y is not defined in the true branch:", "TS176"),
        ("nobody has seen this before", "TS199"),
    ],
)
def test_scripting_messages_find_their_rule(message: str, code: str) -> None:
    assert rule_for(message).code == code


def test_facts_fill_the_names() -> None:
    assert "on cuda:0" in finding("TS111", "x", device="cuda:0").why


@pytest.mark.parametrize(("python", "codes"), [((3, 13), []), ((3, 14), ["TS162"])])
def test_python_versions(python: tuple[int, int], codes: list[str]) -> None:
    assert [found.code for found in version_findings(python)] == codes
