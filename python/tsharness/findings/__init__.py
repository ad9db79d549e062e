"""The catalogue of findings: every code that tsharness can print, as data."""

from tsharness.findings.catalogue import RULES, finding
from tsharness.findings.rule import Rule

__all__ = ["RULES", "Rule", "finding"]
