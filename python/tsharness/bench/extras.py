"""What is looked at besides latency, where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tsharness.bench.against_python import InPython, against_python
from tsharness.bench.instructions import Instructions, count_instructions
from tsharness.bench.measure import Measurer
from tsharness.bench.op_profile import OperatorProfile, profile_operators
from tsharness.errors import TsharnessError
from tsharness.verdict import ExitCode


@dataclass(frozen=True)
class Missing:
    """What was asked for and could not be had."""

    what: str
    """The option."""
    message: str
    exit_code: ExitCode


@dataclass(frozen=True)
class Extras:
    """Each is empty unless it was asked for."""

    instructions: Instructions | None = None
    operators: tuple[OperatorProfile, ...] = ()
    python: tuple[InPython, ...] = ()
    missing: tuple[Missing, ...] = ()


NOTHING = Extras()
Look = Callable[[Extras], Extras]


def extras_of(measurer: Measurer) -> Extras:
    """What can be had; the latency that was measured before stays whatever befalls them. An interrupt leaves
    those that had ended."""
    found = NOTHING
    if measurer.launcher.interrupted:
        return found
    try:
        for option, look in _asked_for(measurer):
            found = _looked(found, option, look)
    except KeyboardInterrupt:
        measurer.launcher.interrupted = True
    return found


def _looked(found: Extras, option: str, look: Look) -> Extras:
    try:
        return look(found)
    except TsharnessError as error:
        missing = Missing(option, str(error), ExitCode(error.exit_code))
        return replace(found, missing=(*found.missing, missing))


def _asked_for(measurer: Measurer) -> Iterator[tuple[str, Look]]:
    """With the options that ask for them."""
    options, plan = measurer.options, measurer.plan
    hooks, launcher = measurer.hooks, measurer.launcher
    if options.counted:
        yield (
            "--counter instructions",
            lambda found: replace(found, instructions=count_instructions(plan, options, launcher, hooks)),
        )
    if options.profile or options.trace is not None:
        yield (
            "--profile",
            lambda found: replace(
                found, operators=profile_operators(plan, options, options.trace, launcher, hooks)
            ),
        )
    if options.against:
        yield (
            "--against python",
            lambda found: replace(found, python=against_python(measurer, options.reference)),
        )
