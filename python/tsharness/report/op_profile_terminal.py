"""Time by operator on a terminal."""

from __future__ import annotations

from tsharness.bench.op_profile import OperatorProfile
from tsharness.report.console import PlainTable, Terminal, words
from tsharness.report.units import amount, seconds, size

_SHOWN = 20


def _short(where: str) -> str:
    """The file's name and its folder's are enough to find a line."""
    return "/".join(where.split("/")[-2:])


def print_op_profile(profile: OperatorProfile, out: Terminal) -> None:
    """The operators that take most, and what bounds the model."""
    on_device = any(one.device_seconds for one in profile.operators)
    table = PlainTable()
    for name in ("operator", "calls", "host", *(["device"] if on_device else []), "share", "flop", "bytes"):
        table.add_column(name, justify="left" if name == "operator" else "right")
    table.add_column("shapes", overflow="fold", max_width=40)
    table.add_column("where", overflow="fold", max_width=40)
    whole = sum(one.device_seconds if on_device else one.seconds for one in profile.operators)
    for one in profile.operators[:_SHOWN]:
        of = one.device_seconds if on_device else one.seconds
        table.add_row(
            one.name,
            f"{one.calls:g}",
            seconds(one.seconds),
            *([seconds(one.device_seconds)] if on_device else []),
            f"{of / whole:.0%}" if whole else "-",
            amount(one.flops) if one.flops else "-",
            size(one.bytes) if one.bytes else "-",
            words(one.shapes),
            words(_short(one.where)),
        )
    out.print()
    out.print(words(f'operators of case "{profile.case}", each without those that it calls', "bold"))
    out.print(table)
    left = len(profile.operators) - _SHOWN
    if left > 0:
        out.print(words(f"and {left} that take less (--json has all)", "dim"))
    out.print(words(profile.roofline.sentence()))
