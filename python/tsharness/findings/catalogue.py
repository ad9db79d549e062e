"""All rules by code, and how a finding is made of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsharness.findings.exporting import EXPORT_RULES
from tsharness.findings.inspecting import INSPECT_RULES
from tsharness.findings.linting import LINT_RULES
from tsharness.findings.loading import LOAD_RULES
from tsharness.findings.migrating import MIGRATION_RULES
from tsharness.findings.rule import Rule, filled
from tsharness.findings.scripting import SCRIPTING_RULES
from tsharness.findings.verifying import VERIFY_RULES
from tsharness.report.model import Finding

_ALL = (
    *(*EXPORT_RULES, *SCRIPTING_RULES, *VERIFY_RULES),
    *(*INSPECT_RULES, *LINT_RULES, *LOAD_RULES, *MIGRATION_RULES),
)
RULES: Mapping[str, Rule] = {rule.code: rule for rule in _ALL}


def finding(
    code: str, seen: str, *, where: str | None = None, case: str | None = None, **facts: Any
) -> Finding:
    """What was seen, with the rule's reason and advice; ``facts`` fill the names in these."""
    rule = RULES[code]
    why, do = (filled(text, facts) if facts else text for text in (rule.why, rule.do))
    return Finding(code, rule.severity, seen, why, do, where, case)
