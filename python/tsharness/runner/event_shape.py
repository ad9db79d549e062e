"""What the runner's events hold, as far as anything here believes it (docs/protocol.md). Native code in an
artifact can write to the event stream: what has another shape is not the runner's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Maybe:
    """May be missing, or null."""

    shape: Any


@dataclass(frozen=True)
class _Each:
    """An object of any names, with values of one shape."""

    shape: Any


class _Number:
    """A number, or one of those that JSON lacks."""


_MOST = 1 << 64
"""No integer of the runner's has more bits."""
_NUMERALS = ("inf", "-inf", "nan", "-nan")
_WORST = {"index": [int], **dict.fromkeys(("actual", "expected", "error", "allowed"), _Number)}
_DIFFERENCE = {
    **dict.fromkeys(("max_abs", "mean_abs", "max_rel", "mean_rel", "min_atol", "min_rtol"), _Number),
    **dict.fromkeys(("cosine", "l2", "relative_l2", "snr", "psnr"), _Number),
    **dict.fromkeys(("numel", "mismatched", "max_ulp"), int),
    "largest_expected": _Maybe(_Number),
    "quantiles": [_Number],
    "worst": _Maybe(_WORST),
}
_OUTPUT = {
    "name": str,
    "passed": bool,
    **dict.fromkeys(("reason", "aspect", "resembles", "dtype"), str),
    "shape": [int],
    **dict.fromkeys(("rtol", "atol"), _Number),
    "exact": bool,
    "set_by": _Maybe(str),
    "decisive": _Maybe(bool),
    "difference": _Maybe(_DIFFERENCE),
    "requirements": _Maybe([{"statistic": str, "at_least": bool, "value": _Number, "seen": _Number}]),
    "float64": _Maybe(_Each(_Number)),
    "decisions": _Maybe(_Each(_Number)),
}
_CALL = {
    **dict.fromkeys(("repetition", "call"), int),
    **dict.fromkeys(("seconds", "held_bytes"), _Number),
    "fingerprint": str,
    "outputs": [_OUTPUT],
}
_RELATION = {"name": str, "rows": int, "difference": _Maybe(str), "error": _Maybe(str)}
_RESULTS: Mapping[str, Any] = {
    "load": {
        "seconds": _Number,
        "kind": _Maybe(str),
        "parameters": _Maybe(int),
        "facts": _Maybe(_Each(object)),
    },
    "run": {
        "case": str,
        "passed": bool,
        "calls": [_CALL],
        "profiles": _Maybe(_Each(_Each(object))),
        "changed_state": [str],
        "changed_inputs": [str],
        "nonfinite": [_Each(object)],
        "input_aliases": _Each(object),
        "state_aliases": _Each(object),
        "problems": _Maybe([{"check": str, "text": str}]),
    },
    "threads": {"calls": int, "passed": bool, "problems": _Each(object)},
    "soak": {
        "calls": int,
        "calls_per_round": int,
        "parts": [{"name": str, "calls": int, "grown_bytes": [int]}],
        "heap_bytes": [int],
        "resident_bytes": [int],
    },
    "batch": {
        "case": str,
        "rows": int,
        "rows_differ": bool,
        "relations": [_RELATION],
        "unchanged": [str],
        "reshaped": [str],
    },
    "resize": {"case": str, "error": _Maybe(str)},
    "probe": {"case": str, "error": _Maybe(str)},
    "tap": {"taps": [_Each(object)]},
    "describe": {"methods": [_Each(object)]},
    "extract": {"operators": int},
}
_HOST = {**dict.fromkeys(("name", "system", "cpu", "c_library"), str), "cores": int, "memory_bytes": int}
_EVENTS: Mapping[str, Any] = {
    "hello": {
        **dict.fromkeys(("libtorch", "runner_version", "cpu_capability"), str),
        "devices": [str],
        "mapped_libraries": [str],
        "threads": {"intra_op": int},
        "build": {"compiler": str},
        "host": _Maybe(_HOST),
        "cage": _Maybe({"landlock": int, "seccomp": bool, "missing": [str]}),
    },
    "step-begin": {"step": str},
    "error": {"kind": str, "message": str},
    "result": {"step": str},
}
_ALWAYS = {"event": str, "step": _Maybe(str), "id": _Maybe(str), "case": _Maybe(str)}


def check_event(event: Any) -> None:
    """Raises ValueError, with the place, for what no runner says."""
    _fit(event, _ALWAYS, "event")
    _fit(event, _EVENTS.get(event["event"], {}), event["event"])
    if event["event"] == "result":
        _fit(event, _RESULTS.get(event["step"], {}), event["step"])


def _fit(value: Any, shape: Any, where: str) -> None:
    if isinstance(shape, dict):
        _fit_object(value, shape, where)
    elif isinstance(shape, (list, _Each)):
        inner = shape[0] if isinstance(shape, list) else shape.shape
        if not isinstance(value, list if isinstance(shape, list) else dict):
            raise ValueError(f"{where}: expected {'a list' if isinstance(shape, list) else 'an object'}")
        for one in value if isinstance(value, list) else value.values():
            _fit(one, inner, where)
    elif not _is(value, shape):
        raise ValueError(f"{where}: expected {'a number' if shape is _Number else shape.__name__}")


def _fit_object(value: Any, shape: Mapping[str, Any], where: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected an object")
    for key, one in shape.items():
        if isinstance(one, _Maybe):
            if value.get(key) is not None:
                _fit(value[key], one.shape, f"{where}: {key}")
        elif key not in value:
            raise ValueError(f"{where}: it has no '{key}'")
        else:
            _fit(value[key], one, f"{where}: {key}")


def _is(value: Any, shape: type) -> bool:
    if type(value) is int and not -_MOST <= value < _MOST:
        return False
    if shape is _Number:
        return value in _NUMERALS if isinstance(value, str) else type(value) in (int, float)
    return isinstance(value, shape) if shape is object else type(value) is shape
