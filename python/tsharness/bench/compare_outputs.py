"""Whether two sides gave the same: at first, while they were timed, and behind it, in every process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tsharness.runner.outcome import Event


def differences(events: Sequence[Event]) -> tuple[str, ...]:
    """Of one case, whose processes said this: which output differs, how, in which run of which process. What
    several processes say of the same output stands once, in the words of the first of them."""
    said: dict[tuple[str, bool], list[str]] = {}
    for event in events:
        for name, is_first, text in _differences(event):
            said.setdefault((name, is_first), []).append(text)
    return tuple(texts[0] + _share(len(texts), len(events)) for texts in said.values())


def _differences(event: Event) -> Iterator[tuple[str, bool, str]]:
    """Of one process; nothing of later runs if the first one differs, which says enough."""
    first = [one for one in event["outputs"] if not one["passed"]]
    for one in first:
        yield one["name"], True, f"{one['name']} {one['reason']}"
    later = event["later"]
    if first or later["problem"]:
        return
    # Of one that changes alone, it is told: that one has stopped doing what it did.
    who = later["changed"][0] if len(later["changed"]) == 1 else ""
    why = f": what {who} gives is not what it gave at first" if who else ""
    calls = later["calls_per_run"]
    where = f"in call {later['run']}" if calls == 1 else f"in run {later['run']} of its {calls} calls"
    for one in later["outputs"]:
        yield one["name"], False, f"{where}, {one['name']} {one['reason']}{why}"


def _share(count: int, of: int) -> str:
    return "" if count >= of else f" (in {count} of {of} processes)"


def unproven(events: Sequence[Event]) -> str:
    """Why nothing can be said of the outputs of later runs; empty if something can."""
    return next((event["later"]["problem"] for event in events if event["later"]["problem"]), "")
