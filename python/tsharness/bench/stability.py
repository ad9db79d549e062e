"""Whether figures can be believed, and if not, what the likely reason is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from tsharness.report.units import seconds as duration

UNSTEADY = 0.1
"""Relative range of the processes' medians from which on it is told."""
_SHARE = 0.01  # of the time: what is less is not worth a word
_SWITCHES = 50  # a second: a tick of the clock in five is somebody else's
_LATE = 200e-6  # seconds
_CLOCK = 1.1  # ratio of clocks
_FEWEST = 10  # blocks that have a range

Block = Mapping[str, Any]
"""Timed calls between two looks at the machine: "seconds", "median_seconds", and counters."""


def instability(events: Sequence[Mapping[str, Any]], medians: Sequence[float]) -> tuple[str, ...]:
    """Of a case, whose processes said this and had these medians: what was unstable, and behind it the
    likely reasons. Throttling is told in any case: there, steadiness is that of a wrong figure."""
    processes = [event["blocks"] for event in events if event.get("blocks")]
    blocks = [block for process in processes for block in process]
    signs = [
        *_disagreement(medians),
        *_drift(processes, [event["steady"] for event in events if event.get("blocks")]),
        *_spread(blocks),
        *_not_warm(events),
    ]
    reasons = list(_disturbances(blocks))
    return tuple([*signs, *reasons] if signs else [one for one in reasons if one.startswith("throttled")])


def late(facts: Mapping[str, float]) -> Iterator[str]:
    """A server's load that was not made as it should have been."""
    behind = facts.get("sent late", 0.0)
    if behind > max(_LATE, 0.1 * facts.get("served in", 0.0)):
        yield (
            f"requests were sent {duration(behind)} late: this machine cannot make that load, or has no core "
            "for it; a lower --rate, or fewer --threads"
        )


def _not_warm(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    late = sum(not event["warmup"]["steady"] for event in events)
    if late > len(events) / 2:
        spent = median(event["warmup"]["seconds"] for event in events)
        yield f"still not steady after a warm-up of {spent:.1f} s (--max-warmup)"


def _spread(blocks: Sequence[Block]) -> Iterator[str]:
    ordered = sorted(block["median_seconds"] for block in blocks)
    if len(ordered) < _FEWEST:
        return
    low, high = ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10]
    if high > (1 + 2 * UNSTEADY) * low:
        yield f"its blocks' medians range from {duration(low)} to {duration(high)}"


def _disturbances(blocks: Sequence[Block]) -> Iterator[str]:
    """What kept the process from its work, in words with what to do; most certain first."""
    spent = sum(block["seconds"] for block in blocks)
    if spent <= 0:
        return
    throttled = _total(blocks, "throttled_seconds")
    if throttled > _SHARE * spent:
        yield (
            f"throttled: its control group was stopped for {duration(throttled)} of {duration(spent)}, the "
            "quota being used up; fewer --threads, or a larger quota"
        )
    stolen = _total(blocks, "stolen_seconds")
    if stolen > _SHARE * spent:
        yield f"stolen time: the hypervisor gave the processors to others for {duration(stolen)}"
    switches = _total(blocks, "involuntary_switches")
    if switches > _SWITCHES * spent:
        yield (
            f"other load: it had to make room {switches / spent:.0f} times a second; repeat on an idle "
            "machine, or compare"
        )
    yield from _clocks(blocks)
    yield from _faults(blocks)


def _clocks(blocks: Sequence[Block]) -> Iterator[str]:
    clocks = [block["mhz"] for block in blocks if block.get("mhz")]
    if clocks and max(clocks) > _CLOCK * min(clocks):
        falls = median(clocks[len(clocks) // 2 :]) < median(clocks[: max(1, len(clocks) // 2)]) / _CLOCK
        why = "it falls, as heat makes it (throttling)" if falls else "turbo, or a governor that saves power"
        yield f"the clock went from {min(clocks):.0f} to {max(clocks):.0f} MHz: {why}"


def _faults(blocks: Sequence[Block]) -> Iterator[str]:
    calls = sum(block["calls"] for block in blocks)
    read = _total(blocks, "major_faults")
    if read:
        yield f"{read:.0f} pages had to be read from disk: memory is short, or the file was not loaded"
    mapped = _total(blocks, "minor_faults")
    if mapped > calls:
        yield (
            f"page faults: {mapped / calls:.0f} a call; memory is given back to the system and taken again "
            "(MALLOC_TRIM_THRESHOLD_, or another malloc)"
        )


def _drift(processes: Sequence[Sequence[Block]], steady: Sequence[bool]) -> Iterator[str]:
    """Processes in which the times still changed while they were taken."""
    moved = [blocks for blocks, still in zip(processes, steady, strict=True) if not still]
    if len(moved) > len(processes) / 2:
        first, last = (median(b["median_seconds"] for b in part) for part in _halves(moved[0]))
        if abs(last / first - 1) > UNSTEADY / 2:
            halves = f"{duration(first)} in the first half, {duration(last)} in the second"
            yield f"the times still change: {halves}"


def _halves(blocks: Sequence[Block]) -> tuple[Sequence[Block], Sequence[Block]]:
    middle = max(1, len(blocks) // 2)
    return blocks[:middle], blocks[middle:] or blocks


def _disagreement(medians: Sequence[float]) -> Iterator[str]:
    """Processes that differ from one another."""
    low, high = min(medians), max(medians)
    if high > (1 + UNSTEADY) * low:
        yield f"the medians of its processes differ by {high / low - 1:.0%}"


def _total(blocks: Sequence[Block], name: str) -> float:
    return float(sum(block.get(name) or 0 for block in blocks))
