"""Ways to use a model, each with what it asks of the runner and what it makes of the samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tsharness.errors import UsageError

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Rows = NDArray[float64]


@dataclass(frozen=True)
class Sampled:
    """Samples of one case in one process."""

    seconds: Rows
    """One value a call, in order."""
    per_second: float
    """Calls that were answered."""
    facts: Mapping[str, float] = field(default_factory=dict)
    """Seconds by name: parts that a latency consists of, or what it should be compared with."""


@dataclass(frozen=True)
class Scenario:
    """One caller who asks again as soon as the answer is there."""

    name: str = "latency"
    step: str = "bench"
    """Of the runner."""
    parameters: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """That are its own, with the values that are measured if nobody says."""

    def request(self, seconds: float, parameters: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """The step's fields, for so many seconds of timing."""
        return {"min_seconds": seconds}

    def sampled(self, rows: Rows, event: Mapping[str, Any]) -> Sampled:  # noqa: ARG002
        """Of what the runner has written."""
        seconds = rows[:, 0]
        return Sampled(seconds, len(seconds) / float(seconds.sum()))


class _Throughput(Scenario):
    """Several callers, each of whom asks again as soon as the answer is there."""

    def request(self, seconds: float, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "seconds": seconds,
            "callers": parameters["callers"],
            "shared": parameters["module"] == "shared",
        }

    def sampled(self, rows: Rows, event: Mapping[str, Any]) -> Sampled:  # noqa: ARG002
        starts, ends = rows[:, 0], rows[:, 1]
        return Sampled(ends - starts, len(rows) / float(ends.max() - starts.min()))


class _Server(Scenario):
    """Requests come when they come (a Poisson process); what they wait for counts, from the time at which
    they should have been sent."""

    def request(self, seconds: float, parameters: Mapping[str, Any]) -> dict[str, Any]:
        rate = float(parameters["rate"])
        return {
            "rate": rate,
            "requests": max(FEWEST_REQUESTS, round(rate * seconds)),
            "workers": parameters["workers"],
        }

    def sampled(self, rows: Rows, event: Mapping[str, Any]) -> Sampled:  # noqa: ARG002
        import numpy as np

        intended, sent, started, finished = rows.T
        facts = {
            "sent late": float(np.median(sent - intended)),
            "queued": float(np.median(started - sent)),
            "served in": float(np.median(finished - started)),
        }
        return Sampled(finished - intended, len(rows) / float(finished.max()), facts)


class _Paced(Scenario):
    """Bursts of calls with idle time between them, as phones and sparse traffic have them."""

    def request(self, seconds: float, parameters: Mapping[str, Any]) -> dict[str, Any]:
        gap = float(parameters["gap"])
        return {
            "gap_seconds": gap,
            "burst": parameters["burst"],
            "bursts": max(FEWEST_BURSTS, round(seconds / max(gap, 1e-3))),
        }

    def sampled(self, rows: Rows, event: Mapping[str, Any]) -> Sampled:
        import numpy as np

        seconds = rows.ravel()
        facts = {
            "after idling": float(np.median(rows[:, 0])),
            "without idling": float(event["steady_seconds"]),
        }
        return Sampled(seconds, len(seconds) / float(seconds.sum()), facts)


FEWEST_REQUESTS = 100
FEWEST_BURSTS = 11
"""That a median with its interval needs."""
LATENCY = Scenario()
THROUGHPUT = _Throughput("throughput", "throughput", {"callers": (1, 2), "module": ("shared", "clones")})
SERVER = _Server("server", "server", {"rate": ("50%", "70%", "90%"), "workers": (1,)})
PACED = _Paced("paced", "paced", {"gap": (0.1,), "burst": (1,)})
_ALL = {scenario.name: scenario for scenario in (LATENCY, THROUGHPUT, SERVER, PACED)}


def scenario_by_name(name: str) -> Scenario:
    """Raises UsageError."""
    if name not in _ALL:
        raise UsageError(f"scenario '{name}': there is {', '.join(_ALL)}")
    return _ALL[name]
