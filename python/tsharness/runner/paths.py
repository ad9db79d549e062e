"""Files that a job names: what it reads, and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

READ = ("artifact", "compare", "float64_outputs")
"""Fields of a step, or of a side of a step, that name what it reads."""
WRITTEN = ("save_outputs", "save", "samples", "trace")
"""Fields of a step that name what it writes."""

Place = Callable[[str, bool], str]
"""From a path, and whether it is written, to where it lies elsewhere."""


def relocated(job: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """A job (as the protocol has it) for another place, with other paths."""
    cases = job.get("cases")
    return {
        **job,
        "artifact": place(job["artifact"], False),
        "cases": cases and {**cases, "path": place(cases["path"], False)},
        "libraries": [place(path, False) for path in job.get("libraries", ())],
        "steps": [_relocated_step(step, place) for step in job["steps"]],
    }


def _relocated_step(step: Mapping[str, Any], place: Place) -> dict[str, Any]:
    # What is read may be what an earlier job has written; within a step nothing is.
    moved = {name: place(step[name], False) for name in READ if step.get(name)}
    moved |= {name: place(step[name], True) for name in WRITTEN if step.get(name)}
    sides = {"sides": [_relocated_step(side, place) for side in step["sides"]]} if "sides" in step else {}
    return {**step, **moved, **sides}
