"""Where two targets part: the first operator whose outputs differ, and how the error grows from there.

A target is an artifact in an environment. Both run the same case with every tensor tapped; what is compared
is kept in a file, a bounded part of it at a time."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsharness.errors import RunnerCrash
from tsharness.inspection.gate import refuse_dangers
from tsharness.runner.launch import Launcher
from tsharness.runner.outcome import Event
from tsharness.runner.process import Hooks
from tsharness.runner.steps import run_steps
from tsharness.scratch import ScratchFolder
from tsharness.verification.place import Localization, Place, Target
from tsharness.verification.plan import Plan, VerifyOptions
from tsharness.verification.reduce import Reducer
from tsharness.verification.run import job_of

_BUDGET = 256_000_000  # bytes of tensors that are kept at once
_SHOWN = 12  # places of the path of growth


class Localizer:
    """Compares one case between two targets."""

    def __init__(self, plan: Plan, options: VerifyOptions, launcher: Launcher, hooks: Hooks) -> None:
        self._plan = plan
        self._options = options
        self._launcher = launcher
        self._hooks = Hooks(on_event=hooks.on_event)

    def compare(self, case: str, mine: Target, other: Target, against: str) -> Localization:
        """Raises RunnerCrash if one of them does not run with all its tensors tapped."""
        ours, theirs = self._tap(mine, case), self._tap(other, case)
        pairs = list(_aligned(ours, theirs))
        found: dict[int, Event] = {}
        with ScratchFolder() as scratch:
            kept = Path(scratch) / "taps.safetensors"
            for part in _parts(pairs, theirs):
                self._tap(other, case, pairs=[[b, b] for _, b in part], save=str(kept))
                compared = self._tap(mine, case, pairs=[list(pair) for pair in part], compare=str(kept))
                found.update((one["number"], one) for one in compared)
        places = [_place(number, ours[number], found[number]) for number in sorted(found)]
        first = next((place for place in places if place.reason), None)
        reduced = None
        if first is not None and self._options.reduce is not None:
            points = next((ours[a]["point"], theirs[b]["point"]) for a, b in pairs if a == first.number)
            reduced = Reducer(self._run, self._options).reduce(case, mine, other, points, len(ours))
        return Localization(case, against, len(places), len(ours), first, _growth(places), reduced)

    def _tap(self, target: Target, case: str, **more: Any) -> list[Event]:
        step = {"step": "tap", "case": case, "tolerance": {"normwise": True}, **more}
        return list(self._run(target, step)["taps"])

    def _run(self, target: Target, step: Mapping[str, Any], plan: Plan | None = None) -> Event:
        """The result of one step. Raises RunnerCrash."""
        step = {"id": "localize", "settings": dict(target.settings), **step}
        if plan is not None:  # of a part that was taken out of it just now
            judged = refuse_dangers(target.artifact, self._options.allow_ops, bool(self._options.libraries))
            self._launcher.judged[target.artifact.absolute()] = judged.for_job()
        job = job_of(replace(plan or self._plan, artifact=target.artifact), self._options, [step])
        done = run_steps(job, self._launcher, self._options.timeout, self._hooks, target.environment)
        outcome = done.steps["localize"]
        error = done.load_error or outcome.error or next(iter(outcome.errors.values()), None)
        if error is not None or not outcome.results:
            said = error.message.strip().splitlines()[-1] if error else "it ended without a word"
            raise RunnerCrash(f"{target.artifact}: --localize could not run it operator by operator: {said}")
        return outcome.results[0]


def _aligned(ours: Sequence[Event], theirs: Sequence[Event]) -> Iterator[tuple[int, int]]:
    """Numbers of operators that stand for each other: the longest common runs of the same operators and
    shapes, and between them what takes the same place with the same shape."""
    mine, other = ([(tap["op"], tuple(tap["shape"])) for tap in taps] for taps in (ours, theirs))
    matcher = difflib.SequenceMatcher(None, mine, other, autojunk=False)
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        if tag == "equal" or (tag == "replace" and a_end - a == b_end - b):
            for i in range(a_end - a):
                if (
                    ours[a + i]["shape"] == theirs[b + i]["shape"]
                    and ours[a + i]["dtype"] == theirs[b + i]["dtype"]
                ):
                    yield a + i, b + i


def _parts(pairs: Sequence[tuple[int, int]], taps: Sequence[Event]) -> Iterator[list[tuple[int, int]]]:
    """As many pairs at a time as fit into the budget, one at least."""
    part: list[tuple[int, int]] = []
    left = _BUDGET
    for pair in pairs:
        size = taps[pair[1]]["bytes"]
        if part and size > left:
            yield part
            part, left = [], _BUDGET
        part.append(pair)
        left -= size
    if part:
        yield part


def _place(number: int, tap: Event, compared: Mapping[str, Any]) -> Place:
    difference = compared.get("difference") or {}
    worst = difference.get("worst") or {}
    return Place(
        number=number,
        op=tap["op"],
        module=tap["module"],
        source=tap["source"],
        error=float(difference.get("max_abs", 0.0)),
        allowed=float(worst.get("allowed", 0.0)),
        reason=compared["reason"],
    )


def _growth(places: Sequence[Place]) -> tuple[Place, ...]:
    """Places at which the error is larger than ever before, thinned out; the first that fails is kept."""
    largest, path = 0.0, []
    for place in places:
        if place.error > largest:
            largest = place.error
            path.append(place)
    if len(path) <= _SHOWN:
        return tuple(path)
    first = next((i for i, place in enumerate(path) if place.reason), 0)
    chosen = {
        0,
        first,
        len(path) - 1,
        *(round(i * (len(path) - 1) / (_SHOWN - 3)) for i in range(_SHOWN - 3)),
    }
    return tuple(path[i] for i in sorted(chosen))
