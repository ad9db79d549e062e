"""``tsharness explain``"""

from __future__ import annotations

from typing import Annotated

import typer

from tsharness.cli.output import say
from tsharness.errors import UsageError


def command(
    codes: Annotated[list[str], typer.Argument(metavar="CODE...", help="TS101, or a beginning: TS3.")],
) -> None:
    """Say what a finding means, why it matters and what to do."""
    from tsharness.findings import RULES
    from tsharness.findings.rule import UNKNOWN, filled
    from tsharness.findings.sources import SOURCES

    for asked in codes:
        found = [(code, rule) for code, rule in sorted(RULES.items()) if code.startswith(asked.upper())]
        if not found:
            raise UsageError(f"no finding {asked}; there are {min(RULES)} to {max(RULES)} (docs/findings/)")
        for code, rule in found:
            say(f"{rule.code}  {rule.title} ({rule.severity})")
            say(f"  why  {filled(rule.why, UNKNOWN)}")
            say(f"  do   {filled(rule.do, UNKNOWN)}")
            if code in SOURCES:
                say(f"  met  {', '.join(SOURCES[code])}")
