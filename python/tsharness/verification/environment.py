"""What another environment than the reference's may round differently."""

from __future__ import annotations

from dataclasses import replace

from tsharness.runner.find import minor
from tsharness.runtimes.registry import runtime_of
from tsharness.verification.plan import Plan, VerifyOptions

_STATED = ("rtol", "atol", "exact", "accept", "outputs")


def for_environment(plan: Plan, options: VerifyOptions, libtorch: str) -> VerifyOptions:
    """Where the reference is of another LibTorch than the runner's, or had better instructions, sums come in
    another order: then the tolerance of the table allows for that, and says so. One that somebody has stated
    stays as it is."""
    if any(name in options.tolerance for name in _STATED) or options.float64 or options.compare_with:
        return options
    reason = _other_kernels(plan, options) or _other_version(plan, libtorch) or _other_instructions(options)
    if not reason:
        return options
    return replace(options, tolerance={**options.tolerance, "normwise": True}, judged=reason)


def _other_kernels(plan: Plan, options: VerifyOptions) -> str:
    runtime = runtime_of(plan.artifact, options.kind)
    if runtime.is_torchscript:
        return ""
    return f"with room for rounding in another order: {runtime.what} has kernels of its own"


def _other_version(plan: Plan, libtorch: str) -> str:
    recorded = str(plan.document.provenance.get("torch") or "")
    if not recorded or not libtorch or minor(recorded) == minor(libtorch):
        return ""
    return f"with room for rounding in another order: the reference is of torch {recorded}"


def _other_instructions(options: VerifyOptions) -> str:
    if options.cpu_capability is None:
        return ""
    return f"with room for rounding in another order: only {options.cpu_capability} instructions were allowed"
