"""What is looked at besides latency, where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

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
    """Raises what its parts raise."""
    options = measurer.options
    if measurer.launcher.interrupted:
        return NOTHING
    plan, hooks = measurer.plan, measurer.hooks
    wants_operators = options.profile or options.trace is not None
    return Extras(
        instructions=count_instructions(plan, options, hooks) if options.counter else None,
        operators=profile_operators(plan, options, options.trace, hooks) if wants_operators else (),
        python=against_python(measurer, options.reference) if options.against else (),
    )
