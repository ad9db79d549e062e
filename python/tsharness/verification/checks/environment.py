"""Checks of other environments: the cases once more, with one thing changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tsharness.report.model import Check
from tsharness.report.units import many, size
from tsharness.runners.resolve import CAPABILITIES
from tsharness.verdict import Verdict
from tsharness.verification.checks.context import Context, problem_of
from tsharness.verification.checks.rule import Request

_GRAD_MODES = ("inference", "grad")
_CAPABILITIES = {name.upper(): CAPABILITIES[name] for name in ("avx2", "default")}


def _with_settings(context: Context, identity: str, names: list[str], settings: Mapping[str, Any]) -> Request:
    return Request(context.run_step(identity, names, settings=dict(settings)))


def _grad_modes(context: Context) -> Sequence[str]:
    """What calls autograd cannot run in InferenceMode, whoever calls it."""
    return _GRAD_MODES[1:] if context.calls_autograd else _GRAD_MODES


def grad_mode_requests(context: Context) -> Sequence[Request]:
    names = context.telling(0.6)
    return [
        _with_settings(context, f"grad-mode:{mode}", names, {"grad_mode": mode})
        for mode in _grad_modes(context)
    ]


def grad_mode(context: Context) -> Check:
    names = {"inference": "InferenceMode", "grad": "grad mode"}
    failed = _failures(context, {f"grad-mode:{mode}": names[mode] for mode in _grad_modes(context)})
    if failed:
        return Check("grad-mode", Verdict.FAIL, failed)
    grad, plain = context.answers["grad-mode:grad"].results, context.result.results
    if not grad:
        return Check("grad-mode", Verdict.INCONCLUSIVE, "it was not told what grad mode takes")
    # What was called once has no steady call: its first one had to ask the system for memory.
    steady = [event for event in grad if event["calls"][-1]["repetition"] > 0] or grad
    ratio = max(_steady(e, "seconds") / max(1e-9, _steady(plain[e["case"]], "seconds")) for e in steady)
    held = max(0.0, *(_steady(event, "held_bytes") for event in steady))
    usual = max(0.0, *(_steady(plain[event["case"]], "held_bytes") for event in steady))
    cost = f"grad mode takes {ratio:.1f} of the time and holds {size(int(held))}, not {size(int(usual))}"
    if context.calls_autograd:
        message = "it calls autograd: outputs are equal in grad mode, and InferenceMode is not for it"
        return Check("grad-mode", Verdict.PASS, message)
    return Check("grad-mode", Verdict.PASS, f"outputs are equal in InferenceMode and grad mode; {cost}")


def _steady(event: Mapping[str, Any], key: str) -> float:
    """A figure of the last round of a case."""
    last = event["calls"][-1]["repetition"]
    return sum(float(call[key]) for call in event["calls"] if call["repetition"] == last)


def thread_count_requests(context: Context) -> Sequence[Request]:
    names = context.telling(0.4)
    return [
        _with_settings(context, f"thread-count:{threads}", names, {"threads": threads})
        for threads in _other_thread_counts(context)
    ]


def _other_thread_counts(context: Context) -> list[int]:
    used = context.info.threads if context.info else 1
    return [count for count in (1, 2 * used) if count != used]


def thread_count(context: Context) -> Check:
    counts = _other_thread_counts(context)
    failed = _failures(context, {f"thread-count:{count}": many(count, "thread") for count in counts})
    if failed:
        return Check("thread-count", Verdict.FAIL, failed)
    used = context.info.threads if context.info else 1
    told = " and ".join(map(str, counts))
    return Check("thread-count", Verdict.PASS, f"outputs with {told} threads are those with {used}")


def precision_requests(context: Context) -> Sequence[Request]:
    # Denormals are a matter of values: cases of one form may differ.
    names = context.elsewhere(0.4)
    return [
        _with_settings(context, f"precision:{name}", names, settings)
        for name, settings in _precisions(context).items()
    ]


def _precisions(context: Context) -> dict[str, dict[str, Any]]:
    if context.options.device.startswith("cuda"):
        return {"TF32 on": {"tf32": True}, "TF32 off": {"tf32": False}}
    return {"denormals flushed to zero": {"flush_denormal": True}}


def precision(context: Context) -> Check:
    names = {f"precision:{name}": name for name in _precisions(context)}
    failed = _failures(context, names)
    if failed:
        return Check("precision", Verdict.FAIL, failed)
    return Check("precision", Verdict.PASS, f"outputs are equal with {', '.join(names.values())}")


def cpu_capability_requests(context: Context) -> Sequence[Request]:
    names = context.telling(0.2)
    return [
        Request(context.run_step(f"cpu-capability:{name}", names), environment=variables)
        for name, variables in _lesser_capabilities(context).items()
    ]


def _lesser_capabilities(context: Context) -> dict[str, dict[str, str]]:
    """Those that this machine has besides the one in use."""
    used = context.info.cpu_capability if context.info else ""
    known = {"AVX512": ("AVX2", "DEFAULT"), "AVX2": ("DEFAULT",)}.get(used, ())
    return {name: _CAPABILITIES[name] for name in known}


def cpu_capability(context: Context) -> Check:
    names = list(_lesser_capabilities(context))
    used = context.info.cpu_capability if context.info else "unknown"
    if not names:
        return Check("cpu-capability", Verdict.SKIPPED, f"{used} is the only one that can be chosen here")
    failed = _failures(context, {f"cpu-capability:{name}": f"{name} instructions" for name in names})
    if failed:
        return Check("cpu-capability", Verdict.FAIL, failed)
    message = f"outputs with {' and '.join(names)} instructions are those with {used}"
    return Check("cpu-capability", Verdict.PASS, message)


def device_requests(context: Context) -> Sequence[Request]:
    return [
        Request(context.run_step(f"device:{device}", context.elsewhere(1.0)), device=device)
        for device in _other_devices(context)
    ]


def _other_devices(context: Context) -> list[str]:
    """The CPU, the first accelerator and the last one, but for the one in use."""
    known = list(context.info.devices) if context.info else []
    used = context.options.device if ":" in context.options.device else f"{context.options.device}:0"
    chosen = dict.fromkeys([*known[:2], *known[-1:]])
    return [device for device in chosen if device not in (used, context.options.device)]


def device(context: Context) -> Check:
    devices = _other_devices(context)
    if not devices:
        return Check("device", Verdict.SKIPPED, f"this runner sees {context.options.device} alone")
    failed = _failures(context, {f"device:{name}": name for name in devices})
    if failed:
        return Check("device", Verdict.FAIL, failed)
    return Check("device", Verdict.PASS, f"outputs are equal on {', '.join(devices)}")


def _failures(context: Context, names: Mapping[str, str]) -> str:
    """The first thing that went wrong in each of these steps, in words; empty if nothing did."""
    told = []
    for identity, name in names.items():
        found = problem_of(context.answers[identity])
        if found is not None:
            case, why = found
            told.append(f"with {name}: {why}" + (f" (case {case})" if case else ""))
    return "; ".join(told)
