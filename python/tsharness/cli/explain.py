"""``tsharness explain``"""

from __future__ import annotations

from typing import Annotated

import typer

from tsharness.errors import UsageError


class _Facts(dict[str, str]):
    """What a finding fills in, where there is none."""

    def __missing__(self, name: str) -> str:
        return {"op": "NAME", "do": "as the finding says"}.get(name, name)


_FACTS = _Facts()


def command(
    codes: Annotated[list[str], typer.Argument(metavar="CODE...", help="TS101, or a beginning: TS3.")],
) -> None:
    """Say what a finding means, why it matters and what to do."""
    from tsharness.findings import RULES
    from tsharness.findings.sources import SOURCES

    for asked in codes:
        found = [(code, rule) for code, rule in sorted(RULES.items()) if code.startswith(asked.upper())]
        if not found:
            raise UsageError(f"no finding {asked}; there are {min(RULES)} to {max(RULES)} (docs/findings/)")
        for code, rule in found:
            typer.echo(f"{rule.code}  {rule.title} ({rule.severity})")
            typer.echo(f"  why  {rule.why.format_map(_FACTS)}")
            typer.echo(f"  do   {rule.do.format_map(_FACTS)}")
            if code in SOURCES:
                typer.echo(f"  met  {', '.join(SOURCES[code])}")
