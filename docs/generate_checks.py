"""Writes docs/checks.md from the catalogue of checks. Run by ``make docs``; a test compares the page with
what would be written now."""

from __future__ import annotations

from pathlib import Path

from tsharness.verification.cause import SWITCHES
from tsharness.verification.checks.catalogue import CHECKS
from tsharness.verification.checks.rule import CheckRule

PAGE = Path(__file__).parent / "checks.md"

INTRODUCTION = """# Checks

What `tsharness verify` looks at, beside the outputs of each case. `--level quick` stops after what the calls
of the cases themselves show; `standard` is the default; `--select CHECK` and `--ignore CHECK` (repeatable)
choose by name. The report states what each check cost. This page is made from
`python/tsharness/verification/checks/catalogue.py` by `make docs`.

A check that fails makes the exit code 1; one that could not tell, 3 (`inconclusive`); one whose process died,
6. A check that has nothing to look at is `skipped`, with the reason, and never a pass. Checks of the levels
standard and full use the cases that passed, the cheapest first, so that a large artifact does not take many
times as long as its cases. Where its code has no branch and no loop, all inputs of one form (dtypes, shapes,
layouts, numbers) run the same kernels: then one case of each form shows what another environment does.

In another environment (`grad-mode`, `thread-count`, `precision`, `cpu-capability`, `device`), with several
threads, and in batches of another size, numbers are rounded in another order. There the tolerance of an
element also has a share of the largest value of its output: 8 times rtol, or 1 time for dtypes of less than
four bytes. `--exact` is of the
reference's own environment: another batch or thread count may round differently.
"""

CAUSE = """
## Cause

When a case fails, it is run again with one switch changed at a time. A switch with which it passes is the
cause, and is named (TS206) with the line of C++, or the variable, that sets it.

| switch | what is changed | set by |
|---|---|---|
"""

_HEAD = """
## Level {title}

| check | a pass proves that | cost | rows of the users' list | when it fails |
|---|---|---|---|---|
"""
_TOLD = "the lines of the cases say"


def render() -> str:
    """The whole page."""
    levels = {level: [rule for rule in CHECKS if rule.level == level] for level in (1, 2, 3)}
    sections = [_section(rules[0].level.name.lower(), rules) for rules in levels.values()]
    switches = [f"| `{s.name}` | {s.what} | `{s.line}` |\n" for s in SWITCHES]
    return INTRODUCTION + "".join(sections) + CAUSE + "".join(switches)


def _section(title: str, rules: list[CheckRule]) -> str:
    return _HEAD.format(title=title) + "".join(map(_row, rules))


def _row(rule: CheckRule) -> str:
    rows = ", ".join(map(str, rule.pains))
    return f"| `{rule.id}` | {rule.proves} | {rule.cost} | {rows} | {rule.do or _TOLD} |\n"


if __name__ == "__main__":
    PAGE.write_text(render())
