"""What is looked at besides latency, where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tsharness.bench.against_python import InPython, against_python
from tsharness.bench.instructions import Instructions, count_instructions
from tsharness.bench.measure import Measurer
from tsharness.bench.op_profile import OperatorProfile, profile_operators


@dataclass(frozen=True)
class Extras:
    """Each is empty unless it was asked for."""

    instructions: Instructions | None = None
    operators: tuple[OperatorProfile, ...] = ()
    python: tuple[InPython, ...] = ()


NOTHING = Extras()


def extras_of(measurer: Measurer) -> Extras:
    """Raises what its parts raise; an interrupt leaves those that had ended."""
    options, found = measurer.options, NOTHING
    if measurer.launcher.interrupted:
        return found
    plan, hooks, launcher = measurer.plan, measurer.hooks, measurer.launcher
    try:
        if options.counts_instructions:
            found = replace(found, instructions=count_instructions(plan, options, launcher, hooks))
        if options.profile or options.trace is not None:
            found = replace(found, operators=profile_operators(plan, options, options.trace, launcher, hooks))
        if options.against:
            found = replace(found, python=against_python(measurer, options.reference))
    except KeyboardInterrupt:
        measurer.launcher.interrupted = True
    return found
