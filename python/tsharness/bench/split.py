"""A GPU's call, by its parts, and what of it is the bottleneck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from tsharness.report.units import seconds

if TYPE_CHECKING:
    from tsharness.bench.scenarios import Rows

_HOST_BOUND = 0.7  # of the device's time: a device that has more to do lets the host run ahead


def parts(event: Mapping[str, Any], rows: Rows) -> dict[str, float]:
    """Medians, in seconds: "round trip" is a call with inputs from the host and outputs back to it, by the
    host's clock; its copies by the device's, its "enqueue" by the host's; "compute" is a call whose inputs
    are on the idle device, by the device's clock; "back to back" is a call of many that were enqueued
    without waiting."""
    import numpy as np

    whole, to_device, enqueue, compute, to_host = (float(value) for value in np.median(rows, axis=0))
    return {
        "round trip": whole,
        "to device": to_device,
        "enqueue": enqueue,
        "compute": compute,
        "to host": to_host,
        "back to back": event["back_to_back_seconds"],
    }


def bottleneck(splits: Sequence[tuple[Mapping[str, Any], Rows]]) -> str:
    """In words, with what would help; empty without a GPU."""
    if not splits:
        return ""
    seen = [parts(event, rows) for event, rows in splits]
    of = {name: median(one[name] for one in seen) for name in seen[0]}
    copies = of["to device"] + of["to host"]
    if copies > of["compute"]:
        return (
            f"copying: {seconds(copies)} of {seconds(of['round trip'])} go to and from the device; "
            "keep tensors there, or send smaller ones"
        )
    if of["enqueue"] >= _HOST_BOUND * of["back to back"]:
        return (
            f"the host: it takes {seconds(of['enqueue'])} to enqueue what the device does in "
            f"{seconds(of['back to back'])} or less, so the device waits for it; larger batches, "
            "fewer operators, or CUDA graphs"
        )
    return (
        f"the device: it computes for {seconds(of['compute'])} of {seconds(of['round trip'])}, and the host "
        f"has enqueued all of it after {seconds(of['enqueue'])}; a smaller dtype, or a faster device"
    )
